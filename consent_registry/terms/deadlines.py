"""The clocks of the law: what is due by when, and what lapses soon. Pure.

Rules. An application is registered within `response_days` working days after the day it was submitted (a rule of the
registry's own). After a withdrawal the data are destroyed within `destroy_days` calendar days (152-ФЗ, article 21,
part 5). What a subject asks to correct is corrected within 7 working days (article 21, part 2), a subject is answered
within 10 (article 20, part 1). The day on which a term starts does not count; it is kept on the day on which it is due,
and has lapsed on the next. A term of calendar days that ends on a day off does not move: the stricter reading.
Deliberately not here: where duties come from (`duties`), which days are worked (`working_days`), the five days by
which article 20 lets an answer be put off: a person tells the subject why, the clock goes on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import StrEnum

from consent_registry.terms.working_days import WorkingDays
from journal.wording import Wording


class TermKind(StrEnum):
    """What is owed within a term."""

    APPLICATION = "application"
    DESTRUCTION = "destruction"
    CORRECTION = "correction"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class TermWords:
    """What a term means to people: what is owed, what to do, and where it is written."""

    meaning: Wording
    remedy: Wording
    source: Wording


WORDS: Mapping[TermKind, TermWords] = {
    TermKind.APPLICATION: TermWords(
        Wording(
            "Заявление родителя ждёт регистрации или отказа",
            "A parent's application waits to be registered or rejected",
        ),
        Wording(
            "Подтвердите личность родителя, свяжите с учеником и зарегистрируйте заявление или откажите с причиной",
            "Identify the parent, link the student and register the application, or reject it with a reason",
        ),
        Wording("порядок подключения, срок response_days", "the procedure's own term, response_days"),
    ),
    TermKind.DESTRUCTION: TermWords(
        Wording(
            "Согласие отозвано, персональные данные ещё не уничтожены",
            "A consent is withdrawn, the personal data are not destroyed yet",
        ),
        Wording(
            "Убедитесь, что записи отозваны с портала, и уничтожьте данные по акту",
            "See that the records are taken back from the portal, and destroy the data with an act",
        ),
        Wording("152-ФЗ, статья 21, часть 5", "152-ФЗ, article 21, part 5"),
    ),
    TermKind.CORRECTION: TermWords(
        Wording(
            "Просят исправить неточные персональные данные",
            "Somebody asks for inaccurate personal data to be corrected",
        ),
        Wording(
            "Исправьте данные по представленным документам, сообщите заявителю и отметьте исполнение",
            "Correct the data by the documents given, tell who asked, and enter that it is done",
        ),
        Wording("152-ФЗ, статья 21, часть 2", "152-ФЗ, article 21, part 2"),
    ),
    TermKind.ANSWER: TermWords(
        Wording(
            "Запрос о персональных данных ждёт ответа",
            "A request about personal data waits for its answer",
        ),
        Wording(
            "Дайте ответ или мотивированный отказ и отметьте исполнение",
            "Answer, or refuse with the reason, and enter that it is done",
        ),
        Wording("152-ФЗ, статья 20, часть 1", "152-ФЗ, article 20, part 1"),
    ),
}

_CALENDAR = frozenset({TermKind.DESTRUCTION})
"""Kinds whose days are calendar days; all others count working days."""


@dataclass(frozen=True, slots=True)
class TermLimits:
    """How many days each kind has. ValueError for a limit under 1."""

    response_days: int = 7
    destroy_days: int = 30
    correction_days: int = 7
    answer_days: int = 10

    def __post_init__(self) -> None:
        if any(getattr(self, limit.name) < 1 for limit in fields(self)):
            raise ValueError("a term has at least one day")

    def of(self, kind: TermKind) -> int:
        """Return the days that a kind has."""
        return {
            TermKind.APPLICATION: self.response_days,
            TermKind.DESTRUCTION: self.destroy_days,
            TermKind.CORRECTION: self.correction_days,
            TermKind.ANSWER: self.answer_days,
        }[kind]


@dataclass(frozen=True, slots=True)
class Duty:
    """Something owed since `started_on`: an open application, a withdrawal whose data stand, an open request.

    `reference` is opaque: the application's or request's reference, the link's id.
    """

    kind: TermKind
    school: str
    reference: str
    started_on: date


@dataclass(frozen=True, slots=True)
class Term:
    """A duty's term. `days_left` are working days where `working`; 0 on the last day, below 0 when it has lapsed."""

    kind: TermKind
    school: str
    reference: str
    started_on: date
    due_on: date
    days_left: int
    working: bool

    @property
    def is_overdue(self) -> bool:
        """Tell whether the term has lapsed."""
        return self.days_left < 0


def terms(
    duties: Iterable[Duty], *, today: date, working_days: WorkingDays, limits: TermLimits = TermLimits()
) -> list[Term]:
    """Return the term of each duty, the first due first."""
    found = [_term(duty, today, working_days, limits) for duty in duties]
    return sorted(found, key=lambda term: (term.due_on, term.school, term.kind, term.reference))


def _term(duty: Duty, today: date, working_days: WorkingDays, limits: TermLimits) -> Term:
    working, limit = duty.kind not in _CALENDAR, limits.of(duty.kind)
    due_on = working_days.after(duty.started_on, limit) if working else duty.started_on + timedelta(days=limit)
    left = working_days.between(today, due_on) if working else (due_on - today).days
    return Term(duty.kind, duty.school, duty.reference, duty.started_on, due_on, left, working)


def alarms(found: Iterable[Term], *, within_days: int) -> list[Term]:
    """Return the terms that have lapsed or have at most `within_days` left, each in its own kind of days."""
    return [term for term in found if term.is_overdue or term.days_left <= within_days]


def assumed_years(found: Iterable[Term], working_days: WorkingDays) -> list[int]:
    """Return the years that terms of working days reach into and no calendar knows: their due days may yet move."""
    reached = {year for term in found if term.working for year in range(term.started_on.year, term.due_on.year + 1)}
    return sorted(year for year in reached if working_days.is_assumed(year))
