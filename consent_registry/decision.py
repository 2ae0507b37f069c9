"""The decision what may be sent: permitted by these consents, or withheld with one reason. Pure.

Rules, for a record to be permitted at the moment of sending: at least one link of its student that is identified,
registered, not withdrawn, in force today (in_force_from ≤ today ≤ in_force_to), not restricted today, the student
known to the school, under 18 and enrolled today and in the pilot group, whose consent covers the record's kind
and whose records_from ≤ date ≤ records_to. No link, no rule, an unknown kind, an unknown birth date: withheld.
A person is of age from the start of the 18th birthday; born on 29 February, from 1 March where there is no 29th.
One reason a record: when some link has a ground, why its consent does not cover the record (kind before date);
else the refusal of the link that came furthest in the procedure (`RANKING`).
Deliberately not here: where links and rosters come from; what is done about a decision (`delivery.plan`).
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from consent_registry.facts import CaseState
from journal.school import RosterEntry
from journal.vocabulary import EndReason, RecordKind, WithdrawReason
from journal.wording import Wording

AGE_OF_MAJORITY = 18


class Reason(StrEnum):
    """Why a record, or a link, has no ground."""

    NO_LINK = "no-link"
    NOT_IDENTIFIED = "not-identified"
    CONSENT_MISSING = "consent-missing"
    NOT_REGISTERED = "not-registered"
    STUDENT_UNKNOWN = "student-unknown"
    CONSENT_NOT_YET_IN_FORCE = "consent-not-yet-in-force"
    CONSENT_EXPIRED = "consent-expired"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    STUDENT_LEFT = "student-left"
    BIRTH_DATE_UNKNOWN = "birth-date-unknown"
    CAME_OF_AGE = "came-of-age"
    RESTRICTED = "restricted"
    NOT_IN_PILOT = "not-in-pilot"
    KIND_NOT_COVERED = "kind-not-covered"
    DATE_NOT_COVERED = "date-not-covered"


RANKING: tuple[Reason, ...] = tuple(Reason)
"""From the start of the procedure to its end: a later reason stands nearer to a permission."""

MEANINGS: Mapping[Reason, tuple[Wording, Wording]] = {
    Reason.NO_LINK: (
        Wording("Ни один родитель не подавал заявления на этого ученика", "No parent has applied for this student"),
        Wording(
            "Ничего не нужно, если родители не хотят. Иначе пусть подадут заявление на портале",
            "Nothing, if the parents don't wish it. Else let them apply at the portal",
        ),
    ),
    Reason.NOT_IDENTIFIED: (
        Wording("Заявление есть, личность родителя ещё не подтверждена", "Applied, the parent is not yet identified"),
        Wording(
            "Пригласите родителя с паспортом и отметьте идентификацию",
            "Invite the parent with an identity document and enter the identification",
        ),
    ),
    Reason.CONSENT_MISSING: (
        Wording("Нет подписанного согласия", "There is no signed consent"),
        Wording("Возьмите письменное согласие и внесите его дату", "Take the written consent and enter its date"),
    ),
    Reason.NOT_REGISTERED: (
        Wording("Согласие есть, заявление ещё не зарегистрировано", "Consent given, not yet registered"),
        Wording("Зарегистрируйте заявление", "Register the application"),
    ),
    Reason.STUDENT_UNKNOWN: (
        Wording("Такого ученика нет в базе школы", "The school's database has no such student"),
        Wording("Проверьте номер ученика в реестре", "Check the student's number in the register"),
    ),
    Reason.CONSENT_NOT_YET_IN_FORCE: (
        Wording("Согласие ещё не вступило в силу", "The consent is not yet in force"),
        Wording("Ничего: начнётся само в указанный день", "Nothing: it starts by itself on its day"),
    ),
    Reason.CONSENT_EXPIRED: (
        Wording("Срок согласия истёк", "The consent has expired"),
        Wording("Возьмите новое согласие, если родитель хочет", "Take a new consent, if the parent wishes"),
    ),
    Reason.CONSENT_WITHDRAWN: (
        Wording("Родитель отозвал согласие", "The parent has withdrawn the consent"),
        Wording("Ничего: данные отзываются с портала сами", "Nothing: the records are taken back by themselves"),
    ),
    Reason.STUDENT_LEFT: (
        Wording("Ученик сегодня не числится в школе", "The student is not enrolled today"),
        Wording(
            "Если это ошибка, исправьте зачисление в базе школы", "If that is wrong, mend the enrolment at the school"
        ),
    ),
    Reason.BIRTH_DATE_UNKNOWN: (
        Wording("Дата рождения ученика не указана", "The student's birth date is not known"),
        Wording("Внесите дату рождения в базу школы", "Enter the birth date in the school's database"),
    ),
    Reason.CAME_OF_AGE: (
        Wording("Ученику исполнилось 18 лет", "The student has come of age"),
        Wording("Ничего: дальше решает сам ученик", "Nothing: from now on the student decides"),
    ),
    Reason.RESTRICTED: (
        Wording("Доступ этого родителя ограничен решением", "This parent's access is restricted by a decision"),
        Wording("Ничего, пока действует ограничение", "Nothing while the restriction stands"),
    ),
    Reason.NOT_IN_PILOT: (
        Wording("Класс не участвует в опытной эксплуатации", "The class is not in the pilot group"),
        Wording("Класс включает оператор района (pilot_classes)", "The district's operator adds it (pilot_classes)"),
    ),
    Reason.DATE_NOT_COVERED: (
        Wording("Дата записи вне периода, указанного в согласии", "The record's date lies outside the consent's span"),
        Wording("Возьмите новое согласие, если нужен другой период", "Take a new consent, if another span is wished"),
    ),
    Reason.KIND_NOT_COVERED: (
        Wording("Согласие не включает этот вид записей", "The consent does not cover this kind of record"),
        Wording("Возьмите новое согласие, если нужен этот вид", "Take a new consent, if this kind is wished"),
    ),
}
"""What each reason means, and what to do about it."""

_WITHDRAW: Mapping[Reason, WithdrawReason] = {
    Reason.CONSENT_WITHDRAWN: WithdrawReason.CONSENT_WITHDRAWN,
    Reason.CONSENT_EXPIRED: WithdrawReason.CONSENT_EXPIRED,
    Reason.RESTRICTED: WithdrawReason.RESTRICTED,
    Reason.STUDENT_LEFT: WithdrawReason.STUDENT_LEFT,
    Reason.STUDENT_UNKNOWN: WithdrawReason.STUDENT_LEFT,
    Reason.CAME_OF_AGE: WithdrawReason.CAME_OF_AGE,
    Reason.NOT_IN_PILOT: WithdrawReason.OUT_OF_SCOPE,
    Reason.DATE_NOT_COVERED: WithdrawReason.OUT_OF_SCOPE,
    Reason.KIND_NOT_COVERED: WithdrawReason.OUT_OF_SCOPE,
}

_END: Mapping[Reason, EndReason] = {
    Reason.CONSENT_WITHDRAWN: EndReason.CONSENT_WITHDRAWN,
    Reason.CONSENT_EXPIRED: EndReason.CONSENT_EXPIRED,
    Reason.RESTRICTED: EndReason.RESTRICTED,
    Reason.STUDENT_LEFT: EndReason.STUDENT_LEFT,
    Reason.STUDENT_UNKNOWN: EndReason.STUDENT_LEFT,
    Reason.CAME_OF_AGE: EndReason.CAME_OF_AGE,
}


def withdraw_reason(reason: Reason) -> WithdrawReason:
    """Return the portal's word for taking back a record whose decision is now `reason`."""
    return _WITHDRAW.get(reason, WithdrawReason.LINK_ENDED)


def end_reason(reason: Reason) -> EndReason:
    """Return the portal's word for closing a link whose ground is now refused for `reason`."""
    return _END.get(reason, EndReason.REGISTERED_IN_ERROR)


@dataclass(frozen=True, slots=True)
class Grant:
    """A link with a ground today, and what its consent covers. `records_to` and `in_force_to` None: open."""

    school: str
    student_key: str
    account_id: str
    link_id: str
    consent_ref: str
    consent_text_version: str
    kinds: frozenset[RecordKind]
    in_force_from: date
    in_force_to: date | None
    records_from: date
    records_to: date | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A link without a ground today, and why."""

    school: str
    student_key: str
    account_id: str
    link_id: str
    reason: Reason


def comes_of_age_on(birth_date: date) -> date:
    """Return the day from whose start a person is of age."""
    year = birth_date.year + AGE_OF_MAJORITY
    try:
        return birth_date.replace(year=year)
    except ValueError:  # born on 29 February, and that year has none
        return date(year, 3, 1)


def _refusal(case: CaseState, student: RosterEntry | None, now: datetime, today: date) -> Reason | None:
    """Return why a case has no ground, the gravest first; None: it has one."""
    restricted = case.restricted_from is not None or case.restricted_to is not None
    checks = (
        (case.withdrawn_at is not None and case.withdrawn_at <= now, Reason.CONSENT_WITHDRAWN),
        (case.identified_at is None or case.identified_at > now, Reason.NOT_IDENTIFIED),
        (
            case.consent_signed_on is None or case.consent_signed_on > today or not case.consent_text_version,
            Reason.CONSENT_MISSING,
        ),
        (case.registered_at is None or case.registered_at > now, Reason.NOT_REGISTERED),
        (case.in_force_from is None or case.records_from is None, Reason.CONSENT_MISSING),
        (case.in_force_from is not None and today < case.in_force_from, Reason.CONSENT_NOT_YET_IN_FORCE),
        (case.in_force_to is not None and today > case.in_force_to, Reason.CONSENT_EXPIRED),
        (
            restricted
            and (case.restricted_from is None or case.restricted_from <= today)
            and (case.restricted_to is None or today <= case.restricted_to),
            Reason.RESTRICTED,
        ),
        (student is None, Reason.STUDENT_UNKNOWN),
        (student is not None and student.birth_date is None, Reason.BIRTH_DATE_UNKNOWN),
        (
            student is not None and student.birth_date is not None and today >= comes_of_age_on(student.birth_date),
            Reason.CAME_OF_AGE,
        ),
        (student is not None and not student.classes_on(today), Reason.STUDENT_LEFT),
    )
    return next((reason for refused, reason in checks if refused), None)


def ground(case: CaseState, student: RosterEntry | None, now: datetime, today: date) -> Grant | Refusal:
    """Say whether a link has a ground at `now`, which lies in the school's day `today`.

    `student` is the school's entry, None when the school has none. Raises ValueError for a naive `now`.
    """
    if now.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    reason = _refusal(case, student, now, today)
    if reason is not None:
        return Refusal(case.school, case.student_key, case.account_id, case.link_id, reason)
    return Grant(
        school=case.school,
        student_key=case.student_key,
        account_id=case.account_id,
        link_id=case.link_id,
        consent_ref=case.consent_ref or "",
        consent_text_version=case.consent_text_version or "",
        kinds=case.kinds,
        in_force_from=case.in_force_from or date.max,
        in_force_to=case.in_force_to,
        records_from=case.records_from or date.max,
        records_to=case.records_to,
    )


def class_code(name: str) -> str:
    """Return a class's name as pilot groups compare it: letters and digits alone, in capitals."""
    return "".join(character for character in name if character.isalnum()).upper()


def in_pilot(student: RosterEntry | None, today: date, pilot_classes: frozenset[str]) -> bool:
    """Tell whether a student is in the pilot group today; an empty group is the whole school."""
    return _studies_in(student, today, {class_code(name) for name in pilot_classes})


def _studies_in(student: RosterEntry | None, today: date, codes: AbstractSet[str]) -> bool:
    if not codes:
        return True
    return student is not None and any(class_code(name) in codes for name in student.classes_on(today))


def covers(grant: Grant, kind: RecordKind, day: date) -> bool:
    """Tell whether a grant's consent covers a record."""
    return kind in grant.kinds and grant.records_from <= day and (grant.records_to is None or day <= grant.records_to)


def covering(grounds: Iterable[Grant | Refusal], student_key: str, kind: RecordKind, day: date) -> list[Grant]:
    """Return the grants that permit one record."""
    return [
        candidate
        for candidate in grounds
        if isinstance(candidate, Grant) and candidate.student_key == student_key and covers(candidate, kind, day)
    ]


_KIND_BIT = {str(kind): 1 << position for position, kind in enumerate(RecordKind)}
_EARLIEST, _LATEST = np.datetime64("0001-01-01", "s"), np.datetime64("9999-12-31", "s")
_RANK = {reason: rank for rank, reason in enumerate(RANKING)}
_WORDS = np.array([str(reason) for reason in RANKING], dtype=object)

Numbers = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class _Layer:
    """The first grant of each student, or the second, …: what it covers, by the student's number."""

    kinds: Numbers
    first: Days
    last: Days


def _numbered(values: pd.Series) -> tuple[Numbers, list[str]]:
    """Give each distinct value a number from 0; a missing one has -1, the last place, which belongs to no value."""
    numbers, distinct = pd.factorize(values)
    return numbers, [str(value) for value in distinct]


def _layers(students: Sequence[str], grounds: Iterable[Grant | Refusal]) -> tuple[list[_Layer], Numbers, Numbers]:
    """Lay the grants out by rank and student; how many each student has; its best refusal's rank."""
    number_of = {student: number for number, student in enumerate(students)}
    size = len(students) + 1
    layers: list[_Layer] = []
    count = np.zeros(size, dtype=np.int64)
    refused = np.full(size, _RANK[Reason.NO_LINK], dtype=np.int64)
    for candidate in grounds:
        number = number_of.get(candidate.student_key)
        if number is None:
            continue
        if isinstance(candidate, Refusal):
            refused[number] = max(refused[number], _RANK[candidate.reason])
            continue
        if count[number] == len(layers):
            layers.append(_Layer(np.zeros(size, dtype=np.int64), np.full(size, _LATEST), np.full(size, _EARLIEST)))
        layer = layers[count[number]]
        layer.kinds[number] = sum(_KIND_BIT[str(kind)] for kind in candidate.kinds)
        layer.first[number] = np.datetime64(candidate.records_from, "s")
        layer.last[number] = _LATEST if candidate.records_to is None else np.datetime64(candidate.records_to, "s")
        count[number] += 1
    return layers, count, refused


def decide(
    records: pd.DataFrame,
    grounds: Sequence[Grant | Refusal],
    roster: Mapping[str, RosterEntry],
    *,
    today: date,
    pilot_classes: frozenset[str] = frozenset(),
) -> pd.DataFrame:
    """Decide for each record: a frame aligned with `records`, of `permitted` (bool) and `reason` (str or None).

    `records` needs `student_key`, `kind` and `date`. Grants are laid out by student and rank (a student's first
    link, second, …), so the work is a few array look-ups a rank, whatever the number of grants.
    """
    of_student, students = _numbered(records["student_key"])
    of_kind, kinds = _numbered(records["kind"])
    kind_bits = np.array([*(_KIND_BIT.get(kind, 0) for kind in kinds), 0], dtype=np.int64)[of_kind]
    days = records["date"].to_numpy(dtype="datetime64[s]")
    layers, count, refused = _layers(students, grounds)

    permitted = np.zeros(len(records), dtype=bool)
    rank = refused[of_student]
    for position, layer in enumerate(layers):
        rows = np.flatnonzero(count[of_student] > position)
        student = of_student[rows]
        kind_fits = (layer.kinds[student] & kind_bits[rows]) != 0
        date_fits = (layer.first[student] <= days[rows]) & (days[rows] <= layer.last[student])
        permitted[rows] |= kind_fits & date_fits
        gap = np.where(kind_fits, _RANK[Reason.DATE_NOT_COVERED], _RANK[Reason.KIND_NOT_COVERED])
        rank[rows] = np.maximum(rank[rows], gap)

    codes = {class_code(name) for name in pilot_classes}
    pilot = np.array([*(_studies_in(roster.get(name), today, codes) for name in students), False])
    outside = ~pilot[of_student]
    rank[permitted & outside] = _RANK[Reason.NOT_IN_PILOT]
    permitted &= ~outside
    words = _WORDS[rank]
    words[permitted] = None
    reason = pd.Series(words, index=records.index, dtype=object)
    return pd.DataFrame({"permitted": pd.Series(permitted, index=records.index), "reason": reason})
