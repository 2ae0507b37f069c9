"""A consent's text with its places filled: known values, or room to write by hand. Pure.

Rules. Every word of the version's text is printed, in its order, and nothing is put between its words but what fills
its places. A place that the text may have and that this page can't fill is a mistake of the program, not of the text.
Addresses of persons and documents of identity are always written by hand.
Deliberately not here: how pieces look (`templates/`), which places there are (`consent_registry.texts.consent_text`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from consent_registry.texts.consent_text import PLACES, ConsentText
from reports.forms.form_data import FormData
from reports.forms.words import KIND_WORDS, RELATION_WORDS, day

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARKED = re.compile(f"{_OPEN}({'|'.join(sorted(PLACES))}){_CLOSE}")

NAME, ADDRESS, DOCUMENT, SHORT = 80, 125, 150, 40
"""Room to write by hand, in half ems."""


class Role(StrEnum):
    """What a piece of a paragraph is."""

    TEXT = "text"
    VALUE = "value"
    BLANK = "blank"
    DATE = "date"
    BOX = "box"


@dataclass(frozen=True, slots=True, repr=False)
class Piece:
    """A piece of a paragraph: words, a value, a blank of some `length`, a date to write, a box to tick (with words)."""

    role: Role
    text: str = ""
    length: int = 0

    def __repr__(self) -> str:
        return f"Piece({self.role})"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph in its pieces; one with something to write needs more room between its lines."""

    pieces: tuple[Piece, ...]

    @property
    def by_hand(self) -> bool:
        """Tell whether something is to be written."""
        return any(piece.role in {Role.BLANK, Role.DATE} for piece in self.pieces)


def paragraphs(text: ConsentText, data: FormData) -> list[Paragraph]:
    """Return the text's body with its places filled from `data`."""
    marked = text.paragraphs({place: f"{_OPEN}{place}{_CLOSE}" for place in PLACES})
    return [Paragraph(tuple(_dotted(_pieces(paragraph, data)))) for paragraph in marked]


def _pieces(marked: str, data: FormData) -> list[Piece]:
    pieces: list[Piece] = []
    for number, part in enumerate(_MARKED.split(marked)):
        if number % 2:
            pieces += _FILL[part](data)
        elif part:
            pieces.append(Piece(Role.TEXT, part))
    return pieces


def _dotted(pieces: Sequence[Piece]) -> list[Piece]:
    """Let a date to write end in «г.» or, where the sentence's own full stop follows, in «г»."""
    following = [*(piece.text for piece in pieces[1:]), ""]
    return [
        replace(piece, text="г" if after.startswith(".") else "г.") if piece.role is Role.DATE else piece
        for piece, after in zip(pieces, following, strict=True)
    ]


def _value_or_blank(value: str | None, length: int) -> list[Piece]:
    known = "" if value is None else value.strip()
    return [Piece(Role.VALUE, known)] if known else [Piece(Role.BLANK, length=length)]


def _words_or_blank(words: str) -> list[Piece]:
    """Fill a place that is the same on every form of a school: it needn't stand out."""
    known = words.strip()
    return [Piece(Role.TEXT, known) if known else Piece(Role.BLANK, length=ADDRESS)]


def _birth_date(data: FormData) -> list[Piece]:
    born = data.student.birth_date
    return [Piece(Role.VALUE, day(born)) if born else Piece(Role.DATE)]


def _relation(data: FormData) -> list[Piece]:
    if data.relation is not None:
        return [Piece(Role.VALUE, RELATION_WORDS[data.relation])]
    return [Piece(Role.TEXT, f"{', '.join(RELATION_WORDS.values())}: нужное подчеркнуть")]


def _kinds(data: FormData) -> list[Piece]:
    if data.kinds:
        return [Piece(Role.VALUE, ", ".join(word for kind, word in KIND_WORDS.items() if kind in data.kinds))]
    return [*(Piece(Role.BOX, word) for word in KIND_WORDS.values()), Piece(Role.TEXT, "(нужное отметить)")]


def _span(first: date | None, last: date | None, open_end: str) -> list[Piece]:
    """Return days as far as known; a first day alone is open-ended, a last day alone begins by hand."""
    if first is None and last is None:
        return [Piece(Role.TEXT, "с "), Piece(Role.DATE), Piece(Role.TEXT, " по "), Piece(Role.DATE)]
    if first is None:
        return [Piece(Role.TEXT, "с "), Piece(Role.DATE), *_until(last, open_end)]
    return [Piece(Role.VALUE, f"с {day(first)}"), *_until(last, open_end)]


def _until(last: date | None, open_end: str) -> Sequence[Piece]:
    return [Piece(Role.VALUE, f" {open_end}" if last is None else f" по {day(last)}")]


_FILL: Mapping[str, Callable[[FormData], list[Piece]]] = {
    "operator_name": lambda data: _words_or_blank(data.school_name),
    "operator_address": lambda data: _words_or_blank(data.school_address),
    "processor_name": lambda data: _words_or_blank(data.processor_name),
    "processor_address": lambda data: _words_or_blank(data.processor_address),
    "student_name": lambda data: _value_or_blank(data.student.full_name, NAME),
    "student_birth_date": _birth_date,
    "student_address": lambda _: _value_or_blank(None, ADDRESS),
    "student_document": lambda _: _value_or_blank(None, DOCUMENT),
    "representative_name": lambda data: _value_or_blank(data.representative.full_name, NAME),
    "representative_address": lambda _: _value_or_blank(None, ADDRESS),
    "representative_document": lambda _: _value_or_blank(None, DOCUMENT),
    "relation": _relation,
    "authority_document": lambda data: _value_or_blank(data.authority_document, ADDRESS),
    "account": lambda data: _value_or_blank(data.account, SHORT),
    "kinds": _kinds,
    "records_span": lambda data: _span(data.records_from, data.records_to, "без конечной даты"),
    "in_force_span": lambda data: _span(data.in_force_from, data.in_force_to, "без конечной даты"),
}
"""How each place of a text is filled; a test holds the names against PLACES."""
