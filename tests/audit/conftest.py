"""Keys, entries and logs that the audit tests share."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit.entry import DisclosureIntended, Entry, Ground, RecordAction, RunStarted
from audit.keys import SigningKey, create_signing_key, load_signing_key
from audit.log import AuditLog, open_log

ORIGIN = "school.example/audit"
START = datetime(2026, 11, 24, 16, 15, tzinfo=UTC)


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return load_signing_key(create_signing_key(), ORIGIN)


@pytest.fixture(scope="session")
def intents() -> Callable[[int], list[Entry]]:
    """Entries as a run writes them: `intents(n)` gives n of them, all different."""
    count = 0

    def make(number: int) -> list[Entry]:
        nonlocal count
        made: list[Entry] = []
        for _ in range(number):
            count += 1
            made.append(intent(count))
        return made

    return make


def intent(number: int, records: int = 2) -> DisclosureIntended:
    return DisclosureIntended(
        at=START + timedelta(seconds=number),
        run="run-1",
        school="0252",
        batch="ab" * 32,
        student=f"s-{number}",
        records=tuple(RecordAction(f"r-{number}-{record}", 1, "publish") for record in range(records)),
        grounds=(Ground("l-1", "c-1", "5a" * 32),),
        request_digest="cd" * 32,
        basis="consent",
        software="dnevnik-bridge/0.1.0",
    )


@pytest.fixture(scope="session")
def make_intent() -> Callable[..., DisclosureIntended]:
    return intent


@pytest.fixture(params=["folder", "sqlite"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a log may stand; every test of the log runs on each."""
    return str(tmp_path / "log") if request.param == "folder" else f"sqlite:///{tmp_path / 'audit.db'}"


@pytest.fixture
def log(location: str, key: SigningKey) -> Iterator[AuditLog]:
    opened = open_log(location, key, ORIGIN)
    yield opened
    opened.close()


@pytest.fixture
def started() -> RunStarted:
    return RunStarted(at=START, run="run-1", school="0252")
