"""Rows of a school as they may be shown to whoever fits a profile: their shape, and nobody in them.

Rules. A key is a short word that differs for different keys and means nothing; it is made anew with each salt. Names
and notes keep their form only: a letter becomes А, а, A or a, a digit 0. A birth date keeps its year. What is common
to all schools (subjects, works, signs, periods, dates of lessons, points, codes) is shown as it is.
"""

from datetime import date
from hashlib import blake2b

from mappings.raw import IDENTITIES, MARKS, STUDENTS, ColumnType, RawTable
from mappings.texts import Encoding

LONGEST = 24
_NAMELESS = "—"
_UNREADABLE = "⁇"
_SHOWN_KEYS = frozenset({"type_id", "kind"})
_MASKED = frozenset(
    {(IDENTITIES.name, "last_name"), (IDENTITIES.name, "first_name"), (IDENTITIES.name, "middle_name")}
    | {(MARKS.name, "note")}
)
_BIRTH_DATES = frozenset({(STUDENTS.name, "birth_date"), (IDENTITIES.name, "birth_date")})
_OWN_KEYS_SHOWN = frozenset({("mark_types", "id")})
_CYRILLIC = range(0x400, 0x530)


def shown(table: RawTable, column: str, value: object, encoding: Encoding, salt: bytes) -> str:
    """Return one field as it may be shown; `value` is what the raw frame's column gives as Python values."""
    kind = table.columns[column]
    if value is None or value != value:  # noqa: PLR0124  NaN is not itself
        return _NAMELESS
    if kind is ColumnType.KEY and column not in _SHOWN_KEYS and (table.name, column) not in _OWN_KEYS_SHOWN:
        return pseudonym(value, salt)
    if (table.name, column) in _BIRTH_DATES and isinstance(value, date):
        return f"{value.year}-××-××"
    if kind is ColumnType.DATE and isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    text = encoding.decoded(value)
    if text is None:
        return _UNREADABLE
    return _cut(masked(text) if (table.name, column) in _MASKED else " ".join(text.split()) or "''")


def pseudonym(key: object, salt: bytes, size: int = 3) -> str:
    """Return the word that stands for a key; of so many bytes, more where two keys must not share a word."""
    return f"#{blake2b(repr(key).encode(), key=salt, digest_size=size).hexdigest()}"


def masked(text: str) -> str:
    """Return a text's form: capitals, small letters, digits and what stands between them."""
    return "".join(map(_masked, text))


def _masked(sign: str) -> str:
    if sign.isnumeric():
        return "0"
    if not sign.isalpha():
        return sign
    capital, small = ("А", "а") if ord(sign) in _CYRILLIC else ("A", "a")
    return capital if sign.isupper() else small


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
