"""Finds cases and applications by what people know of them, without keeping that in clear.

Rules. What is looked for stands in the table only as a keyed digest (HMAC-SHA256, a key a purpose) of its normal
form, so it can be found by who knows it whole and by nobody else: no parts, no similar names. Only the vault's owner
can try values out. A digest belongs to one case or one application and goes with it (`forget_case`).
Normal forms are for ever: with another form, what is stored is no longer found. Deliberately not here: similar names
(proposals of students compare names in clear, as the school has them), and what people may see.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.register.matching import comparable
from consent_registry.sealed.vault import Vault
from consent_registry.tables import LOOKUP


class Purpose(StrEnum):
    """What a digest finds by; the words are stored."""

    EMAIL = "email"
    PARENT_NAME = "parent-name"
    """Last name, first name, and the patronymic where it is asked for too."""
    STUDENT = "student"
    """Last name, first name, birth date."""
    DOCUMENT = "document"
    """The series and number of a document, as one text."""


Value = str | Sequence[str | date]
"""What is looked for: one text, or the parts that the purpose names."""

Entry = tuple[Purpose, Value]


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up found: a case or an application, of a school."""

    school: str
    case_id: int | None
    application_id: int | None


_DOCUMENT_SIGNS = re.compile(r"[\s№#./\\\u00ad\u2010-\u2015\u2212-]+")
_LOOKALIKES = str.maketrans("АВЕКМНОРСТУХІ", "ABEKMHOPCTYXI")
"""Series are typed in either alphabet (II-АК, II-AK): Cyrillic capitals that look Latin become Latin."""


def normal_form(purpose: Purpose, value: Value) -> str:
    """Return the one form of a value that digests are taken of; empty when it says nothing.

    Names: without case, ё as е, hyphens as blanks. E-mail: lower case. Document: capitals, without blanks, №, hyphens,
    dots and strokes.
    """
    parts = (value,) if isinstance(value, str) else value
    normal = [_NORMAL[purpose](part.isoformat() if isinstance(part, date) else part) for part in parts]
    return "\n".join(normal) if any(normal) else ""


def _name(text: str) -> str:
    return comparable(re.sub(r"[\u2010-\u2015\u2212-]", " ", text))


def _email(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().lower()


def _document(text: str) -> str:
    capitals = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).upper())
    return _DOCUMENT_SIGNS.sub("", capitals).translate(_LOOKALIKES)


_NORMAL = {
    Purpose.EMAIL: _email,
    Purpose.PARENT_NAME: _name,
    Purpose.STUDENT: _name,
    Purpose.DOCUMENT: _document,
}


def digest(vault: Vault, purpose: Purpose, value: Value) -> bytes:
    """Return the 32-byte keyed digest of a value. Raises ValueError when the value says nothing."""
    normal = normal_form(purpose, value)
    if not normal:
        raise ValueError("an empty value has no digest")
    return hmac.new(vault.derive(f"lookup:{purpose}"), normal.encode(), hashlib.sha256).digest()


def enter(
    connection: Connection,
    vault: Vault,
    school: str,
    entries: Iterable[Entry],
    *,
    case_id: int | None = None,
    application_id: int | None = None,
) -> None:
    """Let a case, or an application, be found by these values; what is known already, or empty, adds nothing.

    Raises ValueError unless exactly one of `case_id` and `application_id` is given.
    """
    _add(connection, school, _digests(vault, entries), _owner(case_id, application_id))


def replace_for_case(connection: Connection, vault: Vault, school: str, case_id: int, entries: Iterable[Entry]) -> None:
    """Let a case be found by these values and no others."""
    wanted = _digests(vault, entries)
    owner = _owner(case_id, None)
    gone = [lookup_id for pair, lookup_id in _held(connection, owner) if pair not in wanted]
    if gone:
        connection.execute(LOOKUP.delete().where(LOOKUP.c.lookup_id.in_(gone)))
    _add(connection, school, wanted, owner)


def find(
    connection: Connection, vault: Vault, purpose: Purpose, value: Value, *, school: str | None = None
) -> list[Found]:
    """Return the cases and applications (of one school) that the value finds; none when it says nothing."""
    if not normal_form(purpose, value):
        return []
    wanted = sa.and_(LOOKUP.c.purpose == purpose, LOOKUP.c.digest == digest(vault, purpose, value))
    if school is not None:
        wanted = sa.and_(wanted, LOOKUP.c.school == school)
    columns = (LOOKUP.c.school, LOOKUP.c.case_id, LOOKUP.c.application_id)
    found = {Found(*row) for row in connection.execute(sa.select(*columns).where(wanted))}
    return sorted(found, key=lambda one: (one.school, one.case_id or 0, one.application_id or 0))


def forget_case(connection: Connection, case_id: int) -> None:
    """Let a case be found by nothing any more (erasure)."""
    connection.execute(LOOKUP.delete().where(LOOKUP.c.case_id == case_id))


def forget_application(connection: Connection, application_id: int) -> None:
    """Let an application be found by nothing any more."""
    connection.execute(LOOKUP.delete().where(LOOKUP.c.application_id == application_id))


def _owner(case_id: int | None, application_id: int | None) -> dict[str, int]:
    given = {"case_id": case_id, "application_id": application_id}
    owner = {name: number for name, number in given.items() if number is not None}
    if len(owner) != 1:
        raise ValueError("a look-up belongs to one case or one application")
    return owner


def _digests(vault: Vault, entries: Iterable[Entry]) -> set[tuple[str, bytes]]:
    return {(str(purpose), digest(vault, purpose, value)) for purpose, value in entries if normal_form(purpose, value)}


def _held(connection: Connection, owner: dict[str, int]) -> list[tuple[tuple[str, bytes], int]]:
    ((column, number),) = owner.items()
    rows = connection.execute(sa.select(LOOKUP).where(LOOKUP.c[column] == number))
    return [((row.purpose, bytes(row.digest)), row.lookup_id) for row in rows]


def _add(connection: Connection, school: str, wanted: set[tuple[str, bytes]], owner: dict[str, int]) -> None:
    missing = wanted - {pair for pair, _ in _held(connection, owner)}
    if missing:
        connection.execute(
            LOOKUP.insert(),
            [{"purpose": purpose, "digest": value, "school": school, **owner} for purpose, value in sorted(missing)],
        )
