"""What the costliest replies may cost: memory and time are bounded before anybody's signature was verified."""

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from fakes.forgeries import worst
from fakes.scripted_server import CUT, ScriptedServer

from connectors.portal.soap_portal import SoapPortal
from journal.portal import PortalError

SECONDS, MEBIBYTES = 10.0, 1024


def test_the_costliest_documents_stay_within_time_and_memory() -> None:
    run = subprocess.run([sys.executable, worst.__file__], capture_output=True, text=True, check=True, timeout=240)
    costs = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(costs) >= 19
    print(f"longest {max(cost[3] for cost in costs)} s, grown by {sum(cost[4] for cost in costs)} MiB")  # noqa: T201  the figures
    assert [cost for cost in costs if cost[3] > SECONDS] == []
    assert sum(cost[4] for cost in costs) < MEBIBYTES
    verdicts = {cost[0]: cost[2] for cost in costs}
    assert verdicts["nothing"] == "taken"
    assert verdicts["prefixes"] == "SignedInfo is not canonicalised exclusively"
    assert verdicts["attributes"] == "an element with more attributes than any has"
    assert [name for name, verdict in verdicts.items() if verdict == "taken"] == ["nothing", "comments"]


@pytest.mark.parametrize("carried", ["length", "chunks", "close", "redirect", "gzip"])
def test_a_reply_over_the_limit_is_not_read_whole(carried: str, portal: SoapPortal, server: ScriptedServer) -> None:
    head = {
        "length": b"Content-Length: 999999999\r\n",
        "chunks": b"Transfer-Encoding: chunked\r\n",
        "close": b"",
        "redirect": b"Location: https://127.0.0.1:9/\r\nContent-Length: 999999999\r\n",
        "gzip": b"Content-Encoding: gzip\r\nContent-Length: 999999999\r\n",
    }[carried]
    status = b"302 Found" if carried == "redirect" else b"200 OK"
    piece = b" " * (1024 * 1024)
    piece = b"100000\r\n" + piece + b"\r\n" if carried == "chunks" else piece
    server.answer(b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n", *[piece] * 64, CUT)
    tracemalloc.start()
    try:
        with pytest.raises(PortalError, match="reply-malformed"):
            portal.receipt("0252", "0" * 64)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 48 * 1024 * 1024


def test_the_program_that_measures_is_the_forgers_own() -> None:
    assert Path(worst.__file__).name == "worst.py"
    assert max(len(body) for _, body in worst.bodies()) > 15 * 1024 * 1024
