"""Which links of a register are in force now, said row by row from the contract's words on registers and consents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from oracle.school_tables import Row, one_line

EVERY_KIND = frozenset({"current", "period", "annual", "exam", "final", "absence", "late", "remark"})


@dataclass(frozen=True)
class OpenLink:
    """A link that must be open at the portal, in the register's own ids."""

    student_id: int
    account_id: str
    valid_from: date
    valid_to: date | None
    records_from: date
    records_to: date | None
    kinds: frozenset[str]


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _simple(name: bytes | str | None) -> str:
    return (one_line(name) or "").casefold().replace("ё", "е")


def student_of(row: Mapping[str, str], students: Sequence[Row]) -> int | None:
    """Return the student a register row means: by id, else by names and birth date if that is one student."""
    if row["student_id"]:
        return next((one["ID"] for one in students if one["ID"] == int(row["student_id"])), None)
    found = [
        one["ID"]
        for one in students
        if _simple(one["LAST_NAME"]) == _simple(row["student_last_name"])
        and _simple(one["FIRST_NAME"]) == _simple(row["student_first_name"])
        and (not row["student_middle_name"] or _simple(one["MIDDLE_NAME"]) == _simple(row["student_middle_name"]))
        and one["BIRTH_DATE"] == _day(row["student_birth_date"])
    ]
    return found[0] if len(found) == 1 else None


def of_age(born: date, today: date) -> bool:
    """Tell whether somebody born on `born` is 18 on `today`; 29 February counts as 1 March in other years."""
    return (today.year - born.year, (today.month, today.day)) >= (18, (born.month, born.day))


def why_closed(
    row: Mapping[str, str], student: Row | None, stays: Sequence[Row], now: datetime, today: date
) -> set[str]:
    """Return every reason why a register's row opens nothing now; none: the link is in force."""
    return _why_paper(row, now, today) | _why_student(student, stays, today)


def _why_paper(row: Mapping[str, str], now: datetime, today: date) -> set[str]:
    """Return what the register itself says against the link."""

    def past(column: str) -> bool:
        moment = _moment(row[column])
        return moment is not None and moment <= now

    signed = _day(row["consent_signed_on"])
    first, last = _day(row["in_force_from"]), _day(row["in_force_to"])
    start, end = _day(row["restricted_from"]), _day(row["restricted_to"])
    against = {
        "not-identified": not past("identified_at"),
        "not-registered": not past("registered_at"),
        "consent-missing": signed is None or signed > today or not row["consent_text_version"],
        "consent-withdrawn": past("withdrawn_at"),
        "consent-not-yet-in-force": first is None or first > today,
        "consent-expired": last is not None and last < today,
        "restricted": bool(start or end) and (start or date.min) <= today <= (end or date.max),
    }
    return {reason for reason, holds in against.items() if holds}


def _why_student(student: Row | None, stays: Sequence[Row], today: date) -> set[str]:
    """Return what the school's database says against the link."""
    if student is None:
        return {"student-unknown"}
    born = student["BIRTH_DATE"]
    reasons = {"birth-date-unknown"} if born is None else {"came-of-age"} if of_age(born, today) else set()
    if not any(stay["DATE_FROM"] <= today <= (stay["DATE_TO"] or date.max) for stay in stays):
        reasons.add("student-left")
    return reasons


def open_link(student_id: int, row: Mapping[str, str]) -> OpenLink:
    valid_from, records_from = _day(row["in_force_from"]), _day(row["records_from"])
    assert valid_from is not None
    return OpenLink(
        student_id,
        row["account_id"],
        valid_from,
        _day(row["in_force_to"]),
        records_from or date.max,
        _day(row["records_to"]),
        frozenset(row["kinds"].split()) or EVERY_KIND,
    )
