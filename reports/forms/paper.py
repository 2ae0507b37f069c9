"""A paper of sections (fields, paragraphs, tables) for what is handed to an auditor or to a person who asked.

Rules. As the forms: Russian, tagged PDF, nothing fetched, every value escaped and made printable on its way out. As
many pages as it takes; a table's head stands on each of them. The same paper gives the same bytes with the same fonts
and libraries: it carries no moment but those in it. Deliberately not here: what a paper says.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reports.forms.printing import print_sheet
from reports.forms.sheet import page

_ANY_NUMBER = 10_000


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; `widths` in per cent, one a column. An empty table says `nothing` instead."""

    head: tuple[str, ...]
    widths: tuple[int, ...]
    rows: Sequence[tuple[str, ...]]
    nothing: str = "Нет."


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with, as far as there are any, paragraphs, labelled fields and a table below it."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Paper:
    """The whole paper. It may hold personal data: shows itself nowhere.

    `foot` stands below each page, `made_on` is the day in the file, `identifier` is made of opaque things only.
    """

    title: str
    subtitle: str
    foot: str
    made_on: date
    identifier: str
    sections: tuple[Section, ...]


def render_paper(paper: Paper) -> bytes:
    """Return the paper as PDF. Raises BridgeError `forms-unavailable` where Pango is missing."""
    identifier = hashlib.sha256(paper.identifier.encode()).hexdigest()[:32].encode()
    pdf = print_sheet(lambda fit: page("paper.html.j2", fit, paper=paper), _ANY_NUMBER, identifier)
    if pdf is None:
        raise ValueError("a paper of ten thousand pages")
    return pdf
