"""Each promise is held against both portals."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from fakes.portal_bench import Bench, Clock, MemoryBench, SoapBench

import connectors.portal.soap_portal
from sandbox.portal import serve


@pytest.fixture(params=["memory", "soap"])
def make_bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Bench]]:
    """Give a function that makes a fresh portal, of one sort and then of the other."""
    monkeypatch.setattr(connectors.portal.soap_portal, "HOLDINGS_PAGE", 2)
    with contextlib.ExitStack() as open_things:

        def make() -> Bench:
            if request.param == "memory":
                return MemoryBench()
            clock = Clock()
            made = SoapBench(open_things.enter_context(serve(tmp_path / "portal", now=clock)), clock)
            open_things.callback(made.portal.close)
            return made

        yield make


@pytest.fixture
def bench(make_bench: Callable[[], Bench]) -> Bench:
    return make_bench()


@pytest.fixture
def today(bench: Bench) -> date:
    return bench.clock().date()
