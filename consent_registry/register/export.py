"""The registry as a register file, in the form in which registers come in: CSV or XLSX.

The form: `register_file.COLUMNS`; UTF-8 with BOM and `;` between fields, or an XLSX whose cells are all texts. Times
are of the installation's zone.
Rules. A row is what the registry holds of a case now. Taken in again it changes nothing: it names the consent of the
moment, and what the registry itself would compare with it. The form has one row a case, so earlier consents, ends of
links and all restrictions but one stay behind; how many of the last two is told. A case whose student's key was
destroyed is left out and counted; one of which nothing counts any more is left out.
A text that begins as a spreadsheet's formula does goes as it is, or it would not come back as it was: an XLSX says
that it is text, a CSV can't, so how many there are is told. What an XLSX can't hold is refused, never altered.
Deliberately not here: where the file is put, and who may read it. It is personal data.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import openpyxl
import sqlalchemy as sa
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from sqlalchemy.engine import Connection

from consent_registry.fact_store import CaseFacts, case_facts
from consent_registry.facts import Fact, FactKind, Span, counting, day_of, moment_of, names, of_kind
from consent_registry.register.changes import PEOPLE_COLUMNS
from consent_registry.register.file import COLUMNS
from consent_registry.sealed.staff import staff_names
from consent_registry.sealed.vault import Vault
from consent_registry.tables import CASE
from journal.wording import BridgeError, Wording

Row = tuple[str, ...]
"""A case's fields in the order of `COLUMNS`."""

_FORMULA_SIGNS = ("=", "+", "-", "@")
_MOST_IN_A_CELL = 32_767
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_|x005F_")
"""What an XLSX can't say, and what its readers take for a sign that it can't say."""

_UNFIT = Wording(
    ru="Строка {row}, {column}: такой текст в XLSX не поместить (управляющие знаки или длиннее {most} знаков). "
    "Выгрузите в файл .csv",
    en="Row {row}, {column}: an XLSX can't hold this text (control characters, or more than {most} characters). "
    "Export to a .csv file",
)


@dataclass(frozen=True, slots=True, repr=False)
class RegisterExport:
    """The rows, and how many cases or restrictions the form could not take. Personal data: shows itself nowhere."""

    rows: tuple[Row, ...] = ()
    destroyed: int = 0
    """Cases left out, for their student's key was destroyed."""
    ended: int = 0
    """Links that a person ended: their rows say withdrawn, at that moment."""
    restrictions: int = 0
    """Restrictions beside the one in their case's row."""

    @property
    def formulas(self) -> int:
        """Fields that a spreadsheet would take for a formula, where nothing says that they are texts."""
        return sum(field.startswith(_FORMULA_SIGNS) for row in self.rows for field in row)

    def __add__(self, other: "RegisterExport") -> "RegisterExport":
        return RegisterExport(
            self.rows + other.rows,
            self.destroyed + other.destroyed,
            self.ended + other.ended,
            self.restrictions + other.restrictions,
        )


def export_register(
    connection: Connection, school: str, *, vault: Vault, now: datetime, timezone: tzinfo
) -> RegisterExport:
    """Return a school's cases as a register's rows, by student and account; `now` as `fact_store.registry_now` says.

    Raises BridgeError `sealed-unreadable`.
    """
    cases = sorted(case_facts(connection, school), key=lambda case: (case.key.student_key, case.key.account_id))
    keys = vault.student_keys(connection, school, {case.key.student_key for case in cases})
    sealed = {row.case_id: row.sealed for row in connection.execute(sa.select(CASE).where(CASE.c.school == school))}
    held = [_Held(case, counting(case.facts), now, timezone) for case in cases if case.key.student_key in keys]
    told = [case for case in held if case.application is not None]
    staff = staff_names(connection, vault, {by for case in told for by in case.staff})
    return RegisterExport(
        rows=tuple(_row(case, json.loads(keys[case.student_key].open(sealed[case.case_id])), staff) for case in told),
        destroyed=len(cases) - len(held),
        ended=sum(case.ending is not None for case in told),
        restrictions=sum(max(0, len(case.restrictions) - 1) for case in told),
    )


class _Held:
    """What the registry holds of a case now, as a register's row speaks of it."""

    def __init__(self, case: CaseFacts, counted: Sequence[Fact], now: datetime, timezone: tzinfo) -> None:
        self.case_id, self.student_key, self.account_id = case.key.case_id, case.key.student_key, case.key.account_id
        self.school, self.now, self.timezone = case.key.school, now, timezone
        self.application = moment_of(of_kind(counted, FactKind.APPLICATION), now)
        self.consent = moment_of(of_kind(counted, FactKind.CONSENT), now)
        reference = "" if self.consent is None else str(self.consent.detail["consent_ref"])
        self.identification = _earliest(of_kind(counted, FactKind.IDENTIFICATION))
        self.registration = _earliest(_naming(counted, FactKind.REGISTRATION, reference))
        self.withdrawal = _earliest(_naming(counted, FactKind.WITHDRAWAL, reference))
        self.ending = _earliest(_naming(counted, FactKind.ENDING, reference))
        self.restrictions = of_kind(counted, FactKind.RESTRICTION)

    @property
    def staff(self) -> Iterator[str]:
        """References of those who identified and registered."""
        yield from (_by(fact) for fact in (self.identification, self.registration) if fact is not None)

    @property
    def restriction(self) -> Fact | None:
        """The one restriction that the row tells: the newest that holds today, else the newest."""
        today = self.now.astimezone(self.timezone).date()
        holding = [fact for fact in self.restrictions if _span(fact).covers(today)]
        return next(reversed(holding or self.restrictions), None)


def _row(case: _Held, people: Mapping[str, str], staff: Mapping[str, str]) -> Row:
    fields = {
        "school": case.school,
        "student_id": case.student_key,
        "account_id": case.account_id,
        **{name: people.get(name, "") for name in PEOPLE_COLUMNS},
        "relation": _said(case.application, "relation"),
        "submitted_at": _moment(case.application, case.timezone),
        "identified_at": _moment(case.identification, case.timezone),
        "identified_by": "" if case.identification is None else staff[_by(case.identification)],
        "consent_text_version": _said(case.consent, "text_version"),
        "consent_signed_on": _said(case.consent, "signed_on"),
        **{name: _said(case.consent, name) for name in ("in_force_from", "in_force_to", "records_from", "records_to")},
        "kinds": _said(case.consent, "kinds"),
        "registered_at": _moment(case.registration, case.timezone),
        "registered_by": "" if case.registration is None else staff[_by(case.registration)],
        "withdrawn_at": _moment(_earliest(filter(None, (case.withdrawal, case.ending))), case.timezone),
        "restricted_from": _said(case.restriction, "from"),
        "restricted_to": _said(case.restriction, "to"),
    }
    return tuple(fields[name] for name in COLUMNS)


def _naming(counted: Sequence[Fact], kind: FactKind, reference: str) -> list[Fact]:
    """Return the facts of a kind that name a consent (empty: that name none)."""
    of_this = of_kind(counted, kind)
    return [fact for fact in of_this if (reference in names(fact) if reference else not names(fact))]


def _earliest(facts: Iterable[Fact]) -> Fact | None:
    return min(facts, key=lambda fact: fact.valid_at, default=None)


def _by(fact: Fact) -> str:
    return str(fact.detail.get("by") or "")


def _said(fact: Fact | None, name: str) -> str:
    return "" if fact is None else str(fact.detail.get(name) or "")


def _moment(fact: Fact | None, timezone: tzinfo) -> str:
    return "" if fact is None else fact.valid_at.astimezone(timezone).isoformat()


def _span(fact: Fact) -> Span:
    return Span(day_of(fact.detail, "from"), day_of(fact.detail, "to"))


def as_csv(rows: Iterable[Row]) -> bytes:
    """Return rows as a CSV: UTF-8 with BOM, `;` between fields, a header. Formulas' signs stand as they are."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows([COLUMNS, *rows])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Sequence[Row]) -> bytes:
    """Return rows as an XLSX of one sheet whose cells are texts, and stay texts when a person edits them.

    Raises BridgeError `register-unfit` for a text that an XLSX can't hold.
    """
    for number, row in enumerate(rows, 2):
        for column, text in zip(COLUMNS, row, strict=True):
            if len(text) > _MOST_IN_A_CELL or _NOT_IN_XML.search(text):
                told: dict[str, object] = {"row": number, "column": column, "most": _MOST_IN_A_CELL}
                raise BridgeError("register-unfit", _UNFIT, told)
    book = openpyxl.Workbook(write_only=True)
    sheet: WriteOnlyWorksheet = book.create_sheet("registry")
    sheet.freeze_panes = "A2"
    for row in [COLUMNS, *rows]:
        sheet.append([_cell(sheet, text) for text in row])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _cell(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # whatever the text begins with
    cell.number_format = "@"
    cell.quotePrefix = True
    return cell
