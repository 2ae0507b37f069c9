"""A log in a database keeps its last bundle in pieces; what an append remembers is never believed unseen."""

import itertools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from audit.entry import Entry, canonical
from audit.errors import AuditDamagedError
from audit.keys import SigningKey
from audit.log import open_log
from audit.sql_store import open_sql_store
from audit.tiles import join_entries

Intents = Callable[[int], list[Entry]]
ORIGIN = "school.example/audit"
SIZES = (3, 90, 1, 7)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def rows(file: Path) -> dict[str, object]:
    with closing(sqlite3.connect(file)) as connection:
        return dict(connection.execute("SELECT path, content FROM audit_resource").fetchall())


def test_an_append_stores_what_it_adds_and_every_width_reads_whole(
    file: Path, key: SigningKey, intents: Intents
) -> None:
    log = open_log(f"sqlite:///{file}", key, ORIGIN)
    store = open_sql_store(f"sqlite:///{file}")
    lines: list[bytes] = []
    for size in SIZES:
        entries = intents(size)
        log.append(entries)
        added = [canonical(entry) for entry in entries]
        lines += added
        assert rows(file)[f"tile/entries/000.p/{len(lines)}"] == join_entries(added)
    for width in itertools.accumulate(SIZES):
        assert store.read(f"tile/entries/000.p/{width}") == join_entries(lines[:width])
    assert store.read("tile/entries/000.p/5") is None, "no append ended there"
    log.append(intents(256))
    assert "tile/entries/000" in rows(file)
    assert not any("entries/000.p" in path for path in rows(file)), "the whole bundle stands for its pieces"
    store.close()
    log.close()


@pytest.mark.parametrize("piece", [3, 93, 94, 101])
@pytest.mark.parametrize("change", ["flip", "cut", "remove", "text"])
def test_nothing_is_appended_behind_a_damaged_piece(
    file: Path, key: SigningKey, intents: Intents, piece: int, change: str
) -> None:
    """Also by the very log that wrote it: it knows which bytes fit, and looks whether they stand there."""
    log = open_log(f"sqlite:///{file}", key, ORIGIN)
    for size in SIZES:
        log.append(intents(size))
    path = f"tile/entries/000.p/{piece}"
    content = rows(file)[path]
    assert isinstance(content, bytes)
    with closing(sqlite3.connect(file)) as connection:
        if change == "remove":
            connection.execute("DELETE FROM audit_resource WHERE path = ?", (path,))
        else:
            changed: dict[str, object] = {
                "flip": content[:-5] + bytes([content[-5] ^ 1]) + content[-4:],
                "text": "text",
            }
            now = changed.get(change, content[:-1])
            connection.execute("UPDATE audit_resource SET content = ? WHERE path = ?", (now, path))
        connection.commit()
    before = rows(file)
    with pytest.raises(AuditDamagedError):
        log.append(intents(1))
    with pytest.raises(AuditDamagedError):
        open_log(f"sqlite:///{file}", key, ORIGIN)
    assert rows(file) == before
    log.close()


def test_what_is_remembered_is_of_one_checkpoint(file: Path, key: SigningKey, intents: Intents) -> None:
    """Two logs append by turns, and one of them has its append rolled back: each reads what the other left."""
    one, other = (open_log(f"sqlite:///{file}", key, ORIGIN) for _ in range(2))
    entries: list[Entry] = []
    for log in (one, other, one, one, other):
        entries += (more := intents(100))
        log.append(more)
    assert list(one.entries()) == [canonical(entry) for entry in entries]
    one.close()
    other.close()
