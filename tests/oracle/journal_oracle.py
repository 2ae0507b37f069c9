"""What must become of every row of a school's journal, said row by row in plain Python.

Written from the outer contracts' tables ("How its rows become records", "What a record needs to be sent",
"registry.example.csv"), not from the product: no pandas, no SQL of the profile, none of the product's rules.
Only the loader of the Firebird engine is shared. Slow and plain on purpose.

    from oracle.school_tables import read_register, read_tables
    verdict = judge(read_tables(school_fdb), read_register(register_csv), code="0252", now=now)
    verdict.permitted    {RowKey("MARK", 12, 1017): OracleRecord(...)}   exactly what the portal must hold
    verdict.fates        {RowKey: Fate("permitted" | "withheld" | "set-aside", reasons, warnings)}
    verdict.open_links   the links that must be open at the portal now

A row has one fate but may have several reasons; the product names one of them. Open points of the contract,
as this project reads them: the future is after today at the school for every kind of row; only a
comment that can't be decoded is left out; a wrong lesson number is left out, as a warning; a mark of any other type in
MARK than 401 to 422 and 601, or in ABSENCE than 501 to 503 and 601, is of an unknown type.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from oracle.quality_oracle import PlainFact, record_doubts
from oracle.register_oracle import OpenLink, open_link, student_of, why_closed
from oracle.school_tables import Row, decoded, one_line

MOSCOW = ZoneInfo("Europe/Moscow")
PERIOD_KINDS = {1: "period", 2: "period", 3: "annual", 4: "exam", 5: "final"}
ABSENCE_KINDS = {501: "absence", 502: "absence", 503: "late", 601: "remark"}


class RowKey(NamedTuple):
    """A journal row: table, id, and the student's id in the school's database."""

    table: str
    row_id: int
    student_id: int


@dataclass(frozen=True)
class OracleRecord:
    """What the portal must show of a row; `entered_at` in UTC to the second, `weight` as a number."""

    kind: str
    subject: str = field(repr=False)
    date: date
    lesson_number: int | None = None
    value: str | None = field(default=None, repr=False)
    weight: Decimal | None = None
    work: str | None = None
    comment: str | None = field(default=None, repr=False)
    entered_at: datetime | None = None


@dataclass(frozen=True)
class Fate:
    """What becomes of a row, every reason that speaks for it, and warnings if it is a record."""

    word: str
    reasons: frozenset[str] = frozenset()
    warnings: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Verdict:
    """The oracle's word on a whole school."""

    fates: Mapping[RowKey, Fate]
    permitted: Mapping[RowKey, OracleRecord]
    records: Mapping[RowKey, OracleRecord]
    open_links: frozenset[OpenLink]

    def count(self, word: str) -> int:
        """Return how many rows have this fate."""
        return sum(fate.word == word for fate in self.fates.values())


# --- records ---------------------------------------------------------------------------------------------------


class _Journal:
    """The tables by their ids, and what a row's fate hangs on besides the consents."""

    def __init__(self, tables: Mapping[str, Sequence[Row]], today: date, zone: ZoneInfo) -> None:
        self.tables = tables
        self.today = today
        self.zone = zone
        self.by_id = {
            name: {row["ID"]: row for row in rows} for name, rows in tables.items() if name != "JOURNAL_MEMBER"
        }
        self.stays: dict[int, list[Row]] = {}
        for row in tables["ENROLMENT"]:
            self.stays.setdefault(row["STUDENT_ID"], []).append(row)
        self.members: dict[tuple[int, int], list[Row]] = {}
        for row in tables["JOURNAL_MEMBER"]:
            self.members.setdefault((row["JOURNAL_ID"], row["STUDENT_ID"]), []).append(row)
        self.rows_of_control = Counter((row["CONTROL_ID"], row["STUDENT_ID"]) for row in tables["MARK"])

    def enrolled(self, student: int, first: date, last: date) -> bool:
        """Tell whether the student was enrolled on any day from `first` to `last`."""
        return any(
            stay["DATE_FROM"] <= last and (stay["DATE_TO"] is None or stay["DATE_TO"] >= first)
            for stay in self.stays.get(student, ())
        )

    def member(self, journal: int, student: int, first: date, last: date) -> bool:
        """Tell whether the student sat in the journal on any day from `first` to `last`."""
        return any(
            row["DATE_FROM"] <= last and (row["DATE_TO"] is None or row["DATE_TO"] >= first)
            for row in self.members.get((journal, student), ())
        )

    def moment(self, local: datetime) -> datetime:
        """Return a time of the school's clock as an instant, to the second; of a doubled hour the first."""
        return local.replace(microsecond=0, tzinfo=self.zone, fold=0).astimezone(UTC)

    def facts(self) -> Iterable[tuple[RowKey, "_Fact"]]:
        """Yield every row of the three journal tables."""
        for row in self.tables["MARK"]:
            control = self.by_id["CONTROL"][row["CONTROL_ID"]]
            yield RowKey("MARK", row["ID"], row["STUDENT_ID"]), self.mark(row, control)
        for row in self.tables["ABSENCE"]:
            yield RowKey("ABSENCE", row["ID"], row["STUDENT_ID"]), self.absence(row)
        for row in self.tables["PERIOD_MARK"]:
            yield RowKey("PERIOD_MARK", row["ID"], row["STUDENT_ID"]), self.period_mark(row)

    def mark(self, row: Row, control: Row) -> "_Fact":
        lesson = self.by_id["LESSON"][control["LESSON_ID"]]
        kind = "current" if 401 <= row["TYPE_ID"] <= 422 else "remark" if row["TYPE_ID"] == 601 else None
        fact = self.of_lesson(row, lesson, kind)
        fact.entered_at = self.moment(row["ENTERED_AT"])
        comment = decoded(row["NOTE"])
        if comment is None:
            fact.warnings.add("comment-undecodable")
        fact.comment = (comment or "").strip() or None
        if kind == "current":
            fact.weight = control["COST"]
            work = one_line(self.by_id["CONTROL_TYPE"][control["TYPE_ID"]]["NAME"])
            if work is None:
                fact.reasons.add("undecodable-text")
            fact.work = work or None
        if self.rows_of_control[row["CONTROL_ID"], row["STUDENT_ID"]] > 1:
            fact.reasons.add("duplicate-mark")
        return fact

    def absence(self, row: Row) -> "_Fact":
        fact = self.of_lesson(row, self.by_id["LESSON"][row["LESSON_ID"]], ABSENCE_KINDS.get(row["TYPE_ID"]))
        fact.entered_at = self.moment(row["CHANGED_AT"])
        return fact

    def of_lesson(self, row: Row, lesson: Row, kind: str | None) -> "_Fact":
        day = lesson["LESSON_DATE"]
        fact = self.dated(row, kind, lesson["JOURNAL_ID"], day, day)
        number = lesson["LESSON_NO"]
        if number is not None and 0 <= number <= 255:
            fact.lesson_number = number
        elif number is not None:
            fact.warnings.add("lesson-number-out-of-range")
        if lesson["CANCELLED"]:
            fact.reasons.add("lesson-cancelled")
        return fact

    def period_mark(self, row: Row) -> "_Fact":
        period = self.by_id["PERIOD"][row["PERIOD_ID"]]
        kind = PERIOD_KINDS.get(period["KIND"])
        fact = self.dated(row, kind, row["JOURNAL_ID"], period["DATE_FROM"], period["DATE_TO"])
        if kind is None:
            fact.reasons.discard("unknown-mark-type")
            fact.reasons.add("unknown-period-kind")
        if not 401 <= row["TYPE_ID"] <= 422:
            fact.reasons.add("unknown-mark-type")
        fact.entered_at = self.moment(row["CHANGED_AT"])
        work = one_line(period["NAME"])
        if work is None:
            fact.reasons.add("undecodable-text")
        fact.work = work or None
        return fact

    def dated(self, row: Row, kind: str | None, journal_id: int, first: date, day: date) -> "_Fact":
        """Return what all rows have in common: `day` is the record's date, `first` where a period begins."""
        fact = _Fact(kind, day)
        if kind is None:
            fact.reasons.add("unknown-mark-type")
        if day > self.today:
            fact.reasons.add("future-date")
        if not self.enrolled(row["STUDENT_ID"], first, day):
            fact.reasons.add("not-enrolled")
        if not self.member(journal_id, row["STUDENT_ID"], first, day):
            fact.warnings.add("not-journal-member")
        mark_type = self.by_id["MARK_TYPE"].get(row["TYPE_ID"])
        if mark_type is None:
            fact.reasons.add("unknown-mark-type")
        subject = one_line(self.by_id["SUBJECT"][self.by_id["JOURNAL"][journal_id]["SUBJECT_ID"]]["NAME"])
        value = one_line(mark_type["SHORT_NAME"]) if mark_type else ""
        for text in (subject, value) if mark_type else (subject,):
            if text is None:
                fact.reasons.add("undecodable-text")
            elif not text:
                fact.reasons.add("text-not-sendable")
        fact.subject, fact.value = subject or "", value or ""
        return fact


@dataclass
class _Fact:
    """A row on its way to be a record."""

    kind: str | None
    date: date
    subject: str = ""
    value: str = ""
    lesson_number: int | None = None
    weight: Decimal | None = None
    work: str | None = None
    comment: str | None = None
    entered_at: datetime | None = None
    reasons: set[str] = field(default_factory=set)
    warnings: set[str] = field(default_factory=set)

    def record(self) -> OracleRecord:
        assert self.kind is not None
        return OracleRecord(
            self.kind,
            self.subject,
            self.date,
            self.lesson_number,
            self.value,
            self.weight,
            self.work,
            self.comment,
            self.entered_at,
        )


def _doubts(journal: _Journal, first: date, last: date) -> dict[RowKey, set[str]]:
    """Return what is odd about each row; of periods those that end in the window are known."""
    by_id, facts = journal.by_id, []
    for key, fact in journal.facts():
        if first <= fact.date <= last and not fact.reasons:
            row = by_id[key.table][key.row_id]
            if key.table == "PERIOD_MARK":
                period = by_id["PERIOD"][row["PERIOD_ID"]]
                of = {"period": row["PERIOD_ID"], "journal": row["JOURNAL_ID"], "first": period["DATE_FROM"]}
            else:
                work = by_id["CONTROL"][row["CONTROL_ID"]] if key.table == "MARK" else row
                lesson = work["LESSON_ID"]
                of = {"lesson": lesson, "journal": by_id["LESSON"][lesson]["JOURNAL_ID"], "first": fact.date}
            at = row.get("ENTERED_AT") or row["CHANGED_AT"]
            of |= {"last": fact.date, "entered": at.date(), "weight": fact.weight}
            facts.append(PlainFact(key, key.student_id, fact.kind, **of))
    classes = {row["ID"]: _class(row) for row in journal.tables["SCHOOL_CLASS"]}
    return record_doubts(
        facts,
        stays={
            student: [(stay["DATE_FROM"], stay["DATE_TO"], classes[stay["CLASS_ID"]]) for stay in stays]
            for student, stays in journal.stays.items()
        },
        classes={row["ID"]: classes[row["CLASS_ID"]] for row in journal.tables["JOURNAL"]},
        periods={row["ID"]: (row["DATE_FROM"], row["DATE_TO"]) for row in journal.tables["PERIOD"]},
        most_weight=Decimal(10),
    )


def _class(row: Row) -> str:
    return f"{row['PARALLEL']}{one_line(row['LETTER'])}"


# --- the verdict -----------------------------------------------------------------------------------------------


def judge(
    tables: Mapping[str, Sequence[Row]],
    register: Sequence[Mapping[str, str]],
    *,
    code: str,
    now: datetime,
    zone: ZoneInfo = MOSCOW,
    window: tuple[date, date] | None = None,
    pilot_classes: Sequence[str] = (),
    withdrawals: Mapping[tuple[int, str], datetime] | None = None,
) -> Verdict:
    """Return what must become of every row read, and of every link, at `now`.

    `window` is the days that are read, both included: by default the school year of today. `withdrawals`
    adds withdrawals that the register does not show yet, by student and account.
    """
    today = now.astimezone(zone).date()
    first, last = window or _school_year(today)
    journal = _Journal(tables, today, zone)
    doubts = _doubts(journal, first, last)
    links, closed = _links(journal, register, code, now, pilot_classes, withdrawals or {})
    fates: dict[RowKey, Fate] = {}
    records: dict[RowKey, OracleRecord] = {}
    permitted: dict[RowKey, OracleRecord] = {}
    for key, fact in journal.facts():
        if not first <= fact.date <= last:
            continue
        if fact.reasons:
            fates[key] = Fate("set-aside", frozenset(fact.reasons))
            continue
        fact.warnings |= doubts[key]
        records[key] = fact.record()
        mine = links.get(key.student_id, [])
        if any(_covers(link, records[key]) for link in mine):
            permitted[key] = records[key]
            fates[key] = Fate("permitted", warnings=frozenset(fact.warnings))
        else:
            reasons = {reason for link in mine for reason in _uncovered(link, records[key])}
            reasons |= closed.get(key.student_id, set())
            fates[key] = Fate("withheld", frozenset(reasons or {"no-link"}), frozenset(fact.warnings))
    return Verdict(fates, permitted, records, frozenset(link for mine in links.values() for link in mine))


def _covers(link: OpenLink, record: OracleRecord) -> bool:
    return not _uncovered(link, record)


def _uncovered(link: OpenLink, record: OracleRecord) -> set[str]:
    reasons = set()
    if record.kind not in link.kinds:
        reasons.add("kind-not-covered")
    if record.date < link.records_from or (link.records_to is not None and record.date > link.records_to):
        reasons.add("date-not-covered")
    return reasons


def _school_year(today: date) -> tuple[date, date]:
    year = today.year if today.month >= 9 else today.year - 1
    return date(year, 9, 1), date(year + 1, 8, 31)


def links_open(
    tables: Mapping[str, Sequence[Row]],
    register: Sequence[Mapping[str, str]],
    *,
    code: str,
    now: datetime,
    zone: ZoneInfo = MOSCOW,
    withdrawals: Mapping[tuple[int, str], datetime] | None = None,
) -> frozenset[OpenLink]:
    """Return the links that must be open at the portal at `now`; every other one must be closed."""
    journal = _Journal(tables, now.astimezone(zone).date(), zone)
    links, _ = _links(journal, register, code, now, (), withdrawals or {})
    return frozenset(link for mine in links.values() for link in mine)


def _links(
    journal: _Journal,
    register: Sequence[Mapping[str, str]],
    code: str,
    now: datetime,
    pilot_classes: Sequence[str],
    withdrawals: Mapping[tuple[int, str], datetime],
) -> tuple[dict[int, list[OpenLink]], dict[int, set[str]]]:
    """Return by student the links in force, and the reasons of those that are not."""
    links: dict[int, list[OpenLink]] = {}
    closed: dict[int, set[str]] = {}
    for row in register:
        if row["school"] != code:
            continue
        student_id = student_of(row, journal.tables["STUDENT"])
        student = journal.by_id["STUDENT"].get(student_id)
        stays = journal.stays.get(student_id, []) if student_id is not None else []
        reasons = why_closed(row, student, stays, now, journal.today)
        withdrawn = withdrawals.get((student_id or 0, row["account_id"]))
        if withdrawn is not None and withdrawn <= now:
            reasons.add("consent-withdrawn")
        if pilot_classes and not _in_pilot(journal, stays, pilot_classes):
            reasons.add("not-in-pilot")
        if student_id is None:
            continue
        if reasons:
            closed.setdefault(student_id, set()).update(reasons)
        else:
            links.setdefault(student_id, []).append(open_link(student_id, row))
    return links, closed


def _in_pilot(journal: _Journal, stays: Sequence[Row], pilot_classes: Sequence[str]) -> bool:
    bare: Callable[[str], str] = lambda name: "".join(c for c in name if c.isalnum()).upper()  # noqa: E731  two uses, one line
    wanted = {bare(name) for name in pilot_classes}
    for stay in stays:
        if stay["DATE_FROM"] <= journal.today and (stay["DATE_TO"] is None or journal.today <= stay["DATE_TO"]):
            its = journal.by_id["SCHOOL_CLASS"][stay["CLASS_ID"]]
            if bare(f"{its['PARALLEL']}{one_line(its['LETTER'])}") in wanted:
                return True
    return False
