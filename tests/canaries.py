"""Rare texts that stand for personal data, and the search for them where none may be, after all tests have run.

Planted: a student's name and marks' comments in every made-up school of `worlds.real_world`, an e-mail address and a
parent's name in registers. Searched: every file that the run left in its temporary folders (databases of the bridge
and of Prefect, results, logs, the audit log, pages, exports) and what tests printed and failed with. Each canary in
UTF-8, in the journal's own Windows-1251, in UTF-16 and as JSON escapes it.
By purpose a school's database, the portal's own database, register files, printed forms and acts hold such data; they
are passed over by what they are, not by where they lie. The search ends after some seconds, the small files first, and
says how many it did not come to.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.school.database import literal, opened

STUDENT = "Жаворонкова-Зарянкина"
COMMENT = "канарейка-в-журнале"
PARENT = "Пеночкина-Трясогузкина"
EMAIL = "kanareyka.peresmeshnik@example.org"
CANARIES = (STUDENT, COMMENT, PARENT, EMAIL)

SECONDS = 8.0
_LARGEST = 256 * 1024 * 1024
_EVERY = 40
"""One mark in so many gets the comment."""


def plant(school: Path) -> None:
    """Give one student of a school the rare name, and some marks without a comment the rare one."""
    with opened(school) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT MAX(ID) FROM STUDENT")
        (student,) = cursor.fetchone()
        cursor.execute(f"UPDATE STUDENT SET LAST_NAME = {literal(STUDENT)} WHERE ID = {int(student)}")  # noqa: S608  own
        note = f"UPDATE MARK SET NOTE = {literal(COMMENT)} WHERE NOTE IS NULL AND MOD(ID, {_EVERY}) = 0"  # noqa: S608  own
        cursor.execute(note)
        connection.commit()


def needles() -> dict[bytes, str]:
    """Return what to look for: each form of each canary."""
    forms: dict[bytes, str] = {}
    for canary in CANARIES:
        escaped = json.dumps(canary)[1:-1]
        for form in (canary.encode(), canary.encode("cp1251"), canary.encode("utf-16-le"), escaped.encode()):
            forms[form] = canary
    return forms


_NEEDLES = needles()


def found_in(content: bytes) -> list[str]:
    """Return the canaries that stand in some bytes."""
    return sorted({canary for form, canary in _NEEDLES.items() if form in content})


def may_hold(path: Path, content: bytes) -> bool:
    """Tell whether a file is of a sort that holds personal data by its purpose."""
    if path.suffix.lower() in {".fdb", ".fbk", ".pdf"}:
        return True
    if content.startswith(b"SQLite format 3\x00"):
        return b"CREATE TABLE holding" in content  # the portal's own
    if path.name.endswith(("-wal", "-shm", "-journal")):
        return (beside := path.with_name(path.name.rpartition("-")[0])).exists() and may_hold(
            beside, beside.read_bytes()
        )
    if path.suffix.lower() == ".csv":
        return b"student_last_name" in content[:4000] or content.startswith("\ufeffПоле;Значение".encode())
    if path.suffix.lower() == ".xlsx":
        return True  # registers; pages and logs are none
    return path.name == "request.xml" or path.parent.name == "archive"


@dataclass
class Search:
    """What a search came to: leaks as sentences, and how many files it did not come to."""

    leaks: list[str] = field(default_factory=list)
    looked: int = 0
    passed: int = 0

    def through(self, root: Path, seconds: float = SECONDS) -> None:
        """Look through a folder's files, the small ones first, until the time is over."""
        until = time.monotonic() + seconds
        for path in _files(root):
            if time.monotonic() > until:
                self.passed += 1
                continue
            try:
                content = path.read_bytes()
            except OSError:
                continue
            self.looked += 1
            here = found_in(content)
            if here and not may_hold(path, content):
                self.leaks.append(f"{path}: {', '.join(here)}")

    def in_text(self, where: str, text: str) -> None:
        """Look through what was printed or raised."""
        here = [canary for canary in CANARIES if canary in text]
        if here:
            self.leaks.append(f"{where}: {', '.join(here)}")


def _files(root: Path) -> Iterator[Path]:
    """Give the files of a folder by size; a link leads to what is looked at in its own place."""
    sized = []
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            size = path.stat().st_size
            if 0 < size <= _LARGEST:
                sized.append((size, path))
    yield from (path for _, path in sorted(sized))
