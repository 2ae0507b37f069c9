"""The registry as a register: taken in again it changes nothing, whatever happened to its cases."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine

from consent_registry import acts
from consent_registry.acts import Actor, ConsentTerms
from consent_registry.facts import EndingReason
from consent_registry.register.export import RegisterExport, as_csv, as_xlsx, export_register
from consent_registry.register.file import COLUMNS, RegisterRow, read_register
from consent_registry.register.registration import ImportSummary, import_register
from consent_registry.sealed.vault import Vault, destroy_student_key
from consent_registry.tables import CASE, FACT
from database import open_database, reading, upgrade, writing
from journal.school import StudentIdentity
from journal.vocabulary import ALL_KINDS, RecordKind
from journal.wording import BridgeError, Language

from .conftest import FULL, MOSCOW, NOW

if TYPE_CHECKING:
    from conftest import Registry

STUDENTS = (
    StudentIdentity("1017", "Ёлкина", "Мария", "Петровна", date(2014, 3, 9)),
    StudentIdentity("1018", "Соколов", "Илья", "Олегович", date(2010, 12, 24)),
)
WRITERS: dict[str, Callable[[RegisterExport], bytes]] = {
    ".csv": lambda exported: as_csv(exported.rows),
    ".xlsx": lambda exported: as_xlsx(exported.rows),
}


@dataclass
class Book:
    """One school's registry among others in one database, and the minutes that pass in it."""

    engine: Engine
    school: str
    folder: Path
    vault: Vault
    now: datetime = NOW
    ids: Iterator[int] = field(default_factory=count)

    def take(self, rows: list[RegisterRow]) -> ImportSummary:
        self.now += timedelta(minutes=1)
        with writing(self.engine) as connection:
            return import_register(
                connection,
                rows,
                identities=lambda school: STUDENTS if school == self.school else None,
                vault=self.vault,
                new_id=self.new_id,
                now=self.now,
                by="operator",
                timezone=MOSCOW,
            )

    def new_id(self) -> str:
        return f"{self.school}-{next(self.ids)}"

    def act(self, act: Callable[[Connection, Actor], object]) -> None:
        """Let a person act; what is refused changes nothing."""
        self.now += timedelta(minutes=1)
        with suppress(BridgeError), writing(self.engine) as connection:
            act(connection, Actor("f" * 32, self.now, MOSCOW))

    def export(self) -> RegisterExport:
        with reading(self.engine) as connection:
            return export_register(connection, self.school, vault=self.vault, now=self.now, timezone=MOSCOW)

    def read(self, content: bytes, suffix: str) -> list[RegisterRow]:
        path = self.folder / f"export{suffix}"
        path.write_bytes(content)
        return read_register(path, two_persons=False)

    def everything(self) -> list[object]:
        """Return all that is recorded of the school, and what is sealed, opened."""
        with reading(self.engine) as connection:
            facts = connection.execute(sa.select(FACT).join(CASE).where(CASE.c.school == self.school)).all()
            cases = connection.execute(sa.select(CASE).where(CASE.c.school == self.school)).all()
            keys = self.vault.student_keys(connection, self.school, [case.student_key for case in cases])
        return [*facts, *((case.case_id, keys[case.student_key].open(case.sealed)) for case in cases)]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def new_book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Book]]:
    folder = tmp_path_factory.mktemp("export")
    url = f"sqlite:///{folder}/bridge.db" if request.param == "sqlite" else request.getfixturevalue("server")
    numbers = count(1)
    vault = Vault(bytes(range(32)))
    with bridge_database(url) as engine:
        yield lambda: Book(engine, f"s{next(numbers)}", folder, vault)


# Registers and acts of every kind.

TEXTS = st.sampled_from(
    ["", "=1+1", "+7 900", "-Ильич", "@SUM(A1)", "'=x", "О'Нил; «Ё»", 'a "b"', "\ufeffя", "007", "#N/A"]
)
DAYS = st.dates(date(2026, 9, 1), date(2026, 12, 31))
MOMENTS = st.datetimes(datetime(2026, 9, 1), datetime(2026, 12, 31)).map(  # noqa: DTZ001  a zone follows
    lambda moment: moment.replace(microsecond=moment.microsecond % 2).astimezone(MOSCOW).isoformat()
)
KINDS = st.sets(st.sampled_from(sorted(ALL_KINDS))).map(" ".join)
LINKS = st.sampled_from([("1017", "pa-1"), ("1017", "pa-2"), ("1018", "pa-1")])


def spans() -> st.SearchStrategy[tuple[str, str]]:
    pairs = st.tuples(st.none() | DAYS, st.none() | DAYS)
    ordered = pairs.map(lambda pair: pair if None in pair or pair[0] <= pair[1] else pair[::-1])
    return ordered.map(lambda pair: tuple("" if day is None else day.isoformat() for day in pair))


@st.composite
def register_rows(draw: st.DrawFn, link: tuple[str, str]) -> dict[str, str]:
    student, account = link
    row = {
        "student_id": student,
        "account_id": account,
        "parent_last_name": f"Родитель-{account}",
        "parent_first_name": f"Имя-{account}",
        "parent_middle_name": draw(TEXTS) if account == "pa-2" else "",  # one account is one person
        "email": "",
        "relation": draw(st.sampled_from(["parent", "guardian"])),
        "submitted_at": draw(MOMENTS),
        "identified_at": draw(st.just("") | MOMENTS),
        "identified_by": draw(TEXTS),
        "document_kind": draw(TEXTS),
        "authority_document": draw(TEXTS),
        "consent_text_version": draw(st.sampled_from(["", "2025-09", "=2026"])),
        "consent_signed_on": draw(st.just("") | DAYS.map(date.isoformat)),
        "registered_at": draw(st.just("") | MOMENTS),
        "registered_by": draw(TEXTS),
        "kinds": draw(KINDS),
        "withdrawn_at": draw(st.just("") | MOMENTS),
    }
    for name in ("in_force", "records", "restricted"):
        row[f"{name}_from"], row[f"{name}_to"] = draw(spans())
    return row


@st.composite
def terms(draw: st.DrawFn) -> ConsentTerms:
    signed = draw(DAYS)
    later = st.integers(0, 40).map(lambda days: signed + timedelta(days=days))
    return ConsentTerms(
        text_version="2025-09",
        signed_on=signed,
        in_force_from=draw(later),
        records_from=draw(later),
        in_force_to=draw(st.none() | later.map(lambda day: day + timedelta(days=40))),
        records_to=draw(st.none() | later.map(lambda day: day + timedelta(days=40))),
        kinds=frozenset(draw(st.sets(st.sampled_from(sorted(RecordKind)), min_size=1))),
    )


def imports(book: Book, rows: list[dict[str, str]]) -> None:
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, COLUMNS, restval="", delimiter=";")
    writer.writeheader()
    writer.writerows(row | {"school": book.school} for row in rows)
    with suppress(BridgeError):  # a register with problems is no register
        book.take(book.read(table.getvalue().encode(), ".csv"))


Step = Callable[[Book], None]


@st.composite
def steps(draw: st.DrawFn) -> Step:
    kind = draw(st.sampled_from(["import", "withdraw", "end", "restrict", "lift", "consent", "register"]))
    links = draw(st.lists(LINKS, min_size=1, max_size=3, unique=True))
    if kind == "import":
        rows = [draw(register_rows(link)) for link in links]
        return lambda book: imports(book, rows)
    student, account = links[0]
    back = draw(st.timedeltas(timedelta(0), timedelta(days=60)))
    why, day, span, consent = draw(st.sampled_from(EndingReason)), draw(DAYS), draw(spans()), draw(terms())
    first, last = (date.fromisoformat(text) if text else None for text in span)
    do: dict[str, Callable[[Book, Connection, Actor, tuple[str, str, str]], object]] = {
        "withdraw": lambda _, c, a, link: acts.withdraw(c, *link, at=a.now - back, actor=a, evidence="c2VhbGVk"),
        "end": lambda _, c, a, link: acts.end_link(c, *link, why, at=a.now - back, actor=a),
        "restrict": lambda _, c, a, link: acts.restrict(c, *link, first=first, last=last, actor=a),
        "lift": lambda _, c, a, link: acts.lift_restrictions(c, *link, on=day, actor=a),
        "consent": lambda b, c, a, link: acts.give_consent(c, *link, consent, actor=a, new_id=b.new_id),
        "register": lambda _, c, a, link: acts.register_consents(c, *link, two_persons=False, actor=a),
    }
    return lambda book: book.act(lambda c, a: do[kind](book, c, a, (book.school, student, account)))


@given(first=st.lists(LINKS, min_size=1, max_size=3, unique=True), data=st.data())
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_an_export_taken_in_again_changes_nothing(
    new_book: Callable[[], Book], first: list[tuple[str, str]], data: st.DataObject
) -> None:
    book = new_book()
    imports(book, [data.draw(register_rows(link)) for link in first])
    for step in data.draw(st.lists(steps(), max_size=8)):
        step(book)
    before = book.everything()
    exported = book.export()
    assert exported.destroyed == 0
    for suffix, write in WRITERS.items():
        rows = book.read(write(exported), suffix)
        summary = book.take(rows)
        assert (summary.new, summary.changed, summary.unchanged) == (0, 0, len(exported.rows))
        assert book.everything() == before


def register(registry: "Registry", **changes: object) -> RegisterExport:
    registry.take(FULL | changes)
    return exported(registry)


def exported(registry: "Registry") -> RegisterExport:
    with reading(registry.engine) as connection:
        return export_register(connection, "0252", vault=registry.vault, now=registry.now, timezone=MOSCOW)


def test_a_register_comes_out_as_it_came_in(registry: "Registry") -> None:
    full = {
        **FULL,
        "authority_document": "решение опеки от 2021-05-14",
        "in_force_to": "2027-08-31",
        "records_to": "2027-05-31",
        "kinds": "annual current period",
        "withdrawn_at": "2026-11-02T08:00:00+03:00",
        "restricted_from": "2026-10-01",
        "restricted_to": "2026-10-31",
    }
    registry.take(full)
    (row,) = csv.DictReader(io.StringIO(as_csv(exported(registry).rows).decode("utf-8-sig")), delimiter=";")
    assert row == {name: full.get(name, "") for name in COLUMNS}


def test_a_csv_is_what_spreadsheets_of_this_country_open(registry: "Registry") -> None:
    content = as_csv(register(registry).rows)
    assert content.startswith(b"\xef\xbb\xbfschool;student_id;")
    assert content.count(b"\r\n") == 2


def test_a_formula_in_a_name_is_text_in_an_xlsx_and_counted_for_a_csv(registry: "Registry") -> None:
    made = register(registry, parent_middle_name="=HYPERLINK(A1)", document_kind="@x", authority_document="-1")
    assert made.formulas == 3
    content = as_xlsx(made.rows)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = {cell.value: cell for cell in book.worksheets[0][2] if cell.value}
    assert cells["=HYPERLINK(A1)"].data_type == "s"
    assert cells["=HYPERLINK(A1)"].quotePrefix
    assert cells["0252"].number_format == "@"
    book.close()


@pytest.mark.parametrize("text", ["a\x01b", "x" * 32_768, "_x000D_", "\uffff"])
def test_what_an_xlsx_cannot_hold_is_refused_and_not_shown(registry: "Registry", text: str) -> None:
    made = register(registry, authority_document="one of a registry that was filled before")
    rows = [tuple(text if cell.startswith("one of") else cell for cell in row) for row in made.rows]
    with pytest.raises(BridgeError) as refused:
        as_xlsx(rows)
    for language in Language:
        said = refused.value.say(language)
        assert "authority_document" in said
        assert text not in said
    (row,) = csv.DictReader(io.StringIO(as_csv(rows).decode("utf-8-sig"), newline=""), delimiter=";")
    assert row["authority_document"] == text


def test_a_case_whose_key_was_destroyed_is_left_out_and_counted(registry: "Registry") -> None:
    registry.take(FULL, FULL | {"student_id": "1018", "student_last_name": "", "student_birth_date": ""})
    with writing(registry.engine) as connection:
        destroy_student_key(connection, "0252", "1017")
    left = exported(registry)
    assert ([row[1] for row in left.rows], left.destroyed) == (["1018"], 1)


def test_what_the_form_has_no_column_for_is_counted(registry: "Registry") -> None:
    registry.take(FULL)
    key = ("0252", "1017", str(FULL["account_id"]))
    with writing(registry.engine) as connection:
        acts.end_link(connection, *key, EndingReason.REGISTERED_IN_ERROR, at=registry.now, actor=registry.actor)
        for day in (date(2026, 11, 1), date(2027, 1, 1), date(2028, 1, 1)):
            acts.restrict(
                connection, *key, first=day, last=day + timedelta(days=60), actor=registry.actor, evidence="c2VhbGVk"
            )
    made = exported(registry)
    assert (made.ended, made.restrictions) == (1, 2)
    row = dict(zip(COLUMNS, made.rows[0], strict=True))
    assert (row["restricted_from"], row["restricted_to"]) == ("2026-11-01", "2026-12-31")  # the one that holds today
    assert "c2VhbGVk" not in row.values()
    assert row["withdrawn_at"]  # elsewhere it must not come in as live


def test_an_ended_link_comes_into_another_registry_as_withdrawn(registry: "Registry", tmp_path: Path) -> None:
    registry.take(FULL)
    key = ("0252", "1017", str(FULL["account_id"]))
    with writing(registry.engine) as connection:
        acts.end_link(connection, *key, EndingReason.GUARDIANSHIP_ENDED, at=registry.now, actor=registry.actor)
    row = dict(zip(COLUMNS, exported(registry).rows[0], strict=True))
    assert registry.take(row).unchanged == 1  # here it is on record
    engine = open_database(f"sqlite:///{tmp_path}/another.db")
    upgrade(engine)
    another = type(registry)(engine, registry.files, now=registry.now)
    another.take(row)
    assert another.only.withdrawn_at == registry.only.ended_at
    engine.dispose()


def test_the_earliest_of_several_withdrawals_is_told(registry: "Registry") -> None:
    registry.take(FULL)
    for hours in (1, 30):
        registry.withdraw(registry.now - timedelta(hours=hours))
    (row,) = exported(registry).rows
    withdrawn = datetime.fromisoformat(row[COLUMNS.index("withdrawn_at")])
    assert withdrawn == registry.only.withdrawn_at


def test_what_was_said_of_a_consent_that_was_taken_back_is_not_told(registry: "Registry") -> None:
    registry.take(FULL | {"withdrawn_at": "2026-11-02T08:00:00+03:00"})
    nothing = dict.fromkeys(("consent_text_version", "consent_signed_on", "registered_at", "registered_by"), "")
    without = FULL | nothing
    registry.take(without)
    (row,) = csv.DictReader(io.StringIO(as_csv(exported(registry).rows).decode("utf-8-sig")), delimiter=";")
    assert [row[name] for name in (*nothing, "withdrawn_at", "in_force_from")] == [""] * 6
    assert registry.take(row).unchanged == 1


def test_exports_of_schools_are_one_register() -> None:
    one, two = RegisterExport((("a",),), 1, 2, 3), RegisterExport((("b",),), 10, 20, 30)
    both = one + two
    assert (both.rows, both.destroyed, both.ended, both.restrictions) == ((("a",), ("b",)), 11, 22, 33)
    assert "Ёлкин" not in repr(RegisterExport((("Ёлкин",),)))
