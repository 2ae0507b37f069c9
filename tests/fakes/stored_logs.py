"""A stored log as whoever may write to its medium sees it: keys and bytes, to be changed past the program."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

State = Mapping[str, bytes]
HEADS = "audit_checkpoint/"


class Medium(Protocol):
    """Where a log is stored. A checkpoint that a database keeps has the key `audit_checkpoint/SIZE`."""

    def state(self) -> dict[str, bytes]:
        """Return all that is stored."""
        ...

    def change(self, before: State, after: State) -> None:
        """Turn one state into the other, touching only what differs."""
        ...


class Folder:
    """The files of a log, the writer's own left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def state(self) -> dict[str, bytes]:
        files = (path for path in self._folder.rglob("*") if path.is_file() and path.name != ".lock")
        return {path.relative_to(self._folder).as_posix(): path.read_bytes() for path in files}

    def change(self, before: State, after: State) -> None:
        for key in before.keys() - after.keys():
            (self._folder / key).unlink()
        for key, content in after.items():
            if before.get(key) != content:
                (self._folder / key).parent.mkdir(parents=True, exist_ok=True)
                (self._folder / key).write_bytes(content)


class Sqlite:
    """The rows of a log, for anybody who may write to the file."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("PRAGMA synchronous=OFF")  # what is done here need not last

    def state(self) -> dict[str, bytes]:
        heads = self._connection.execute("SELECT size, note FROM audit_checkpoint").fetchall()
        rows = self._connection.execute("SELECT path, content FROM audit_resource").fetchall()
        return {f"{HEADS}{size}": note for size, note in heads} | dict(rows)

    def change(self, before: State, after: State) -> None:
        self._connection.execute("BEGIN")
        for key in before.keys() - after.keys():
            if key.startswith(HEADS):
                self._connection.execute("DELETE FROM audit_checkpoint WHERE size = ?", [_size(key)])
            else:
                self._connection.execute("DELETE FROM audit_resource WHERE path = ?", [key])
        for key, content in after.items():
            if before.get(key) != content and key.startswith(HEADS):
                self._connection.execute("REPLACE INTO audit_checkpoint VALUES (?, ?)", [_size(key), content])
            elif before.get(key) != content:
                self._connection.execute("REPLACE INTO audit_resource VALUES (?, ?)", [key, content])
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


class Superuser:
    """The rows of a log, for the superuser of a PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)

    def state(self) -> dict[str, bytes]:
        with self._engine.connect() as connection:
            heads = connection.execute(sa.text("SELECT size, note FROM audit_checkpoint")).all()
            rows = connection.execute(sa.text("SELECT path, content FROM audit_resource")).all()
        return {f"{HEADS}{size}": bytes(note) for size, note in heads} | {
            path: bytes(content) for path, content in rows
        }

    def change(self, before: State, after: State) -> None:
        with self._engine.begin() as connection:
            for key in {key for key, content in before.items() if after.get(key) != content}:
                if key.startswith(HEADS):
                    connection.execute(sa.text("DELETE FROM audit_checkpoint WHERE size = :at"), {"at": _size(key)})
                else:
                    connection.execute(sa.text("DELETE FROM audit_resource WHERE path = :at"), {"at": key})
            for key, content in after.items():
                if before.get(key) == content:
                    continue
                if key.startswith(HEADS):
                    values = {"at": _size(key), "now": content}
                    connection.execute(sa.text("INSERT INTO audit_checkpoint VALUES (:at, :now)"), values)
                else:
                    values = {"at": key, "now": content}
                    connection.execute(sa.text("INSERT INTO audit_resource VALUES (:at, :now)"), values)

    def close(self) -> None:
        self._engine.dispose()


def _size(key: str) -> int:
    return int(key.removeprefix(HEADS))
