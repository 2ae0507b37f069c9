"""What in a register's rows can't be true beside each other and beside what the registry holds. Pure.

Rules. Problems: a consent text that nobody has, a birth date that can't be, an account that two people share. One
parent with two accounts to one student, a name that differs in part, an unlikely age: warnings, for old registers
have such rows and nothing is disclosed by them to a stranger. A row takes the place of what is held of its case, so
the two are not compared. No line names a person.
Deliberately not here: the form of a row (`file`), which student it means (`matching`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from consent_registry.applications import findings, sharing
from consent_registry.applications.findings import Finding
from consent_registry.applications.proposals import doubts_of_birth_date
from consent_registry.applications.sharing import (
    AccountHolder,
    HeldLink,
    Sharing,
    SharingFinding,
    parents_twice,
    shared_accounts,
)
from consent_registry.register.file import RegisterProblem, RegisterRow
from journal.wording import Wording

_E_TEXT = Wording(
    "такого текста согласия нет: известны {known}. Исправьте версию или положите файл текста в папку [consent] texts",
    "there is no such consent text; known are {known}. Mend the version, or put its file into the folder [consent] "
    "texts",
)
_W_AHEAD = Wording("ещё не наступило: проверьте дату", "lies ahead: check the date")
_IMPOSSIBLE = frozenset({Finding.BIRTH_DATE_AHEAD, Finding.BIRTH_DATE_LONG_AGO})


@dataclass(frozen=True, slots=True, repr=False)
class HeldPeople:
    """Who a held case names, and whether its link is live. Personal data: shows itself nowhere."""

    school: str
    student_key: str
    account_id: str
    people: Mapping[str, str]
    live: bool


def check_rows(
    rows: Sequence[RegisterRow],
    matched: Sequence[tuple[RegisterRow, str]],
    held: Iterable[HeldPeople],
    *,
    texts: Collection[str] | None,
    now: datetime,
    today: date,
) -> tuple[list[RegisterProblem], list[RegisterProblem]]:
    """Return the problems and the warnings of rows.

    `matched`: those of the rows whose student is known, with the student's key; `texts`: known versions, None: any.
    """
    found = [*_sharing(matched, held, now)]
    problems = [line for line, is_problem in found if is_problem]
    warnings = [line for line, is_problem in found if not is_problem]
    for row in rows:
        version = row.text("consent_text_version")
        if texts is not None and version and version not in texts:
            wanted = _E_TEXT.filled(known=", ".join(sorted(texts)) or "–")
            problems.append(RegisterProblem(row.number, "consent_text_version", wanted))
        warnings += [RegisterProblem(row.number, column, _W_AHEAD) for column in _ahead(row, now, today)]
        born = row.day("student_birth_date")
        for doubt in () if born is None else doubts_of_birth_date(born, today):
            line = RegisterProblem(row.number, "student_birth_date", findings.MEANINGS[doubt])
            if doubt in _IMPOSSIBLE:
                problems.append(line)
            elif doubt is Finding.TOO_YOUNG:
                warnings.append(line)
    return sorted(problems, key=lambda line: line.row), sorted(warnings, key=lambda line: line.row)


def _ahead(row: RegisterRow, now: datetime, today: date) -> Iterator[str]:
    """Name the fields that tell of something done and lie in the future."""
    for column in ("submitted_at", "identified_at", "registered_at"):
        moment = row.moment(column)
        if moment is not None and moment > now:
            yield column
    signed = row.day("consent_signed_on")
    if signed is not None and signed > today:
        yield "consent_signed_on"


def _sharing(
    rows: Sequence[tuple[RegisterRow, str]], held: Iterable[HeldPeople], now: datetime
) -> Iterator[tuple[RegisterProblem, bool]]:
    """Give each finding about a row, and whether it is a problem; held cases come first and are not told of."""
    replaced = {(row.text("school"), student, row.text("account_id")) for row, student in rows}
    standing = [case for case in held if (case.school, case.student_key, case.account_id) not in replaced]
    links = [
        *(
            HeldLink(f"{case.school}:{case.student_key}", _holder(case.account_id, case.people), case.live)
            for case in standing
        ),
        *(
            HeldLink(f"{row.text('school')}:{student}", _holder(row.text("account_id"), row.fields), _is_live(row, now))
            for row, student in rows
        ),
    ]

    def told(finding: Sharing, column: str) -> Iterator[tuple[RegisterProblem, bool]]:
        if finding.place >= len(standing):
            number = rows[finding.place - len(standing)][0].number
            is_problem = finding.finding is SharingFinding.ACCOUNT_SHARED
            yield RegisterProblem(number, column, sharing.MEANINGS[finding.finding]), is_problem

    for finding in shared_accounts([link.holder for link in links]):
        yield from told(finding, "account_id")
    for finding in parents_twice(links):
        yield from told(finding, "account_id")


def _holder(account_id: str, people: Mapping[str, object]) -> AccountHolder:
    last, first, middle, email = (
        str(people.get(name) or "") for name in ("parent_last_name", "parent_first_name", "parent_middle_name", "email")
    )
    return AccountHolder(account_id, last, first, middle, email)


def _is_live(row: RegisterRow, now: datetime) -> bool:
    """Tell whether a row's link was neither withdrawn nor has expired."""
    withdrawn, last = row.moment("withdrawn_at"), row.day("in_force_to")
    return (withdrawn is None or withdrawn > now) and (last is None or last >= now.date())
