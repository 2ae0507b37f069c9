"""A portal that is killed forgets nothing that it acknowledged."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree
from sandbox_portal.wire import RawClient, element, journal, publish, put_link, rows

from sandbox.authority import AuthorityFiles
from sandbox.portal.security import load_credential

ROOT = Path(__file__).parents[2]


class OtherProcess:
    """A portal in a process of its own, with what a client needs to know of it."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "sandbox.portal", "--folder", str(folder), *options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.files = AuthorityFiles(folder / "keys")
        self.database = folder / "portal.sqlite"

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        self.process.wait(timeout=20)
        self.process.stdout.close()


@contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[OtherProcess, RawClient]]:
    portal = OtherProcess(folder, *options)
    try:
        yield (
            portal,
            RawClient(portal, load_credential(portal.files.bridge_signing.read_bytes()), lambda: datetime.now(UTC)),
        )
    finally:
        if portal.process.poll() is None:
            portal.kill()


def test_killed_after_an_acknowledgement_it_still_knows(portal_folder: Path) -> None:
    batch = journal([publish("r-1"), publish("r-2")])
    with running(portal_folder) as (portal, client):
        receipt = client.ok(batch)
        client.ok(put_link("l-1", 3))
        page = client.ok(element("ListHoldings", school="0252", pageSize="1"))
        portal.kill()
    with running(portal_folder) as (portal, client):
        asked = element("GetReceipt", school="0252", batchId=batch.attrib["batchId"])
        assert client.ok(asked).attrib["receiptId"] == receipt.attrib["receiptId"]
        assert client.ok(batch).attrib["duplicate"] == "true"
        assert client.ok(put_link("l-1", 2)).attrib["revision"] == "3"
        following = element("ListHoldings", school="0252", pageToken=page.attrib["nextPageToken"])
        assert [held.attrib["recordId"] for held in client.ok(following)] == ["r-2"]


def test_killed_at_any_moment_a_batch_is_wholly_taken_or_unknown(portal_folder: Path) -> None:
    """Kill while batches stream in: what was acknowledged is there, and no batch is there in part."""
    size, acknowledged = 50, []
    batches = [journal([publish(f"r-{number}-{record}") for record in range(size)]) for number in range(200)]

    def stream(client: RawClient) -> None:
        for batch in batches:
            try:
                status, _ = client.post(etree.tostring(client.envelope(batch)), "SubmitJournal")
            except OSError:
                return
            assert status == 200
            acknowledged.append(batch.attrib["batchId"])
            enough.set()

    for _ in range(3):
        enough = threading.Event()
        with running(portal_folder) as (portal, client):
            sender = threading.Thread(target=stream, args=(client,))
            sender.start()
            assert enough.wait(20)
            portal.kill()
            sender.join(20)
    known = {str(row[0]) for row in rows(portal, "SELECT batch_id FROM receipt")}
    assert set(acknowledged) <= known
    taken = rows(portal, "SELECT batch_id, count(*) FROM history GROUP BY batch_id")
    assert taken == [(batch_id, size) for batch_id in sorted(known)]
    assert rows(portal, "SELECT count(*) FROM holding") == [(size * len(known),)]


def test_a_terminated_portal_ends_well(portal_folder: Path) -> None:
    with running(portal_folder, "--school", "0252") as (portal, client):
        assert client.refused(element("ListHoldings", school="7")) == "UnknownSchool"
        portal.process.send_signal(signal.SIGTERM)
        portal.close()
        assert portal.process.returncode == 0


def test_a_fault_is_queued_from_the_command_line(portal_folder: Path) -> None:
    with running(portal_folder) as (_, client):
        command = [sys.executable, "-m", "sandbox.portal", "fault", "--folder", str(portal_folder)]
        options = ["throttled", "--operation", "PutLink", "--argument", "9", "--times", "2"]
        subprocess.run([*command, *options], cwd=ROOT, check=True)
        client.ok(element("ListHoldings", school="0252"))
        assert [client.refused(put_link("l-1")) for _ in range(2)] == ["Throttled"] * 2
        client.ok(put_link("l-1"))


def test_a_portal_on_an_empty_folder_makes_its_own_keys(tmp_path: Path) -> None:
    with running(tmp_path / "new") as (portal, client):
        client.ok(put_link("l-1"))
        assert {path.stat().st_mode & 0o777 for path in portal.files.all} == {0o600}
