"""The catalogue of reasons: each room's own words put side by side for readers, with whom to ask.

Rules. The rooms that decide own the words of their reasons; here only "whom to ask" is added. A new reason of a
room is in the catalogue at once, with the operator to ask until `_OWNERS` says who (a test asks for it).
"""

from collections.abc import Mapping

from consent_registry.reasons import MEANINGS, Reason
from journal.wording import Wording
from mappings import reasons as rows
from reports.delivery_reasons import DIFFERENCE_TEXTS, LIMIT_TEXTS, WAITING_CODES, WAITING_TEXTS, WITHDRAWN_TEXTS
from reports.reason_text import Catalogue, Fate, Owner, ReasonText, explain

__all__ = ["WAITING_CODES", "Catalogue", "Fate", "Owner", "ReasonText", "catalogue", "explain"]

_OWNERS: Mapping[Fate, Mapping[str, Owner]] = {
    Fate.WITHHELD: {
        "no-link": Owner.NOBODY,
        "not-identified": Owner.REGISTRAR,
        "consent-missing": Owner.REGISTRAR,
        "not-registered": Owner.REGISTRAR,
        "student-unknown": Owner.REGISTRAR,
        "consent-not-yet-in-force": Owner.NOBODY,
        "consent-expired": Owner.REGISTRAR,
        "consent-withdrawn": Owner.NOBODY,
        "registered-in-error": Owner.REGISTRAR,
        "guardianship-ended": Owner.REGISTRAR,
        "student-left": Owner.JOURNAL,
        "birth-date-unknown": Owner.JOURNAL,
        "came-of-age": Owner.NOBODY,
        "restricted": Owner.NOBODY,
        "not-in-pilot": Owner.OPERATOR,
        "kind-not-covered": Owner.REGISTRAR,
        "date-not-covered": Owner.REGISTRAR,
    },
    Fate.SET_ASIDE: {
        "duplicate-key": Owner.OPERATOR,
        "unreadable-field": Owner.JOURNAL,
        "duplicate-mark": Owner.TEACHER,
        "unknown-mark-type": Owner.JOURNAL,
        "unknown-period-kind": Owner.JOURNAL,
        "lesson-cancelled": Owner.TEACHER,
        "date-missing": Owner.JOURNAL,
        "future-date": Owner.TEACHER,
        "not-enrolled": Owner.JOURNAL,
        "undecodable-text": Owner.JOURNAL,
        "text-not-sendable": Owner.JOURNAL,
        "points-unclear": Owner.TEACHER,
        "lesson-missing": Owner.TEACHER,
    },
    Fate.WARNING: {
        "comment-undecodable": Owner.TEACHER,
        "not-journal-member": Owner.JOURNAL,
        "lesson-number-out-of-range": Owner.JOURNAL,
        "field-left-out": Owner.TEACHER,
        "class-transfer-missing": Owner.JOURNAL,
        "mark-in-closed-period": Owner.TEACHER,
        "entered-before-lesson": Owner.TEACHER,
        "no-school-day": Owner.TEACHER,
        "weight-out-of-range": Owner.TEACHER,
        "mark-while-absent": Owner.TEACHER,
        "absence-repeated": Owner.TEACHER,
        "period-mark-repeated": Owner.TEACHER,
    },
    Fate.STUDENT: {
        "student-in-no-class": Owner.JOURNAL,
        "student-in-two-classes": Owner.JOURNAL,
        "enrolment-reversed": Owner.JOURNAL,
        "birth-date-missing": Owner.JOURNAL,
        "students-alike": Owner.JOURNAL,
    },
}


def catalogue() -> Catalogue:
    """Return the words for every reason that this version of the bridge knows."""
    withheld = {str(reason): MEANINGS[reason] for reason in Reason}
    set_aside = {str(reason): rows.MEANINGS[reason] for reason in rows.SetAsideReason}
    warnings = {str(warning): rows.MEANINGS[warning] for warning in rows.RecordWarning}
    students = {str(warning): rows.MEANINGS[warning] for warning in rows.StudentWarning}
    return {
        Fate.WITHHELD: {**_owned(Fate.WITHHELD, withheld), **WAITING_TEXTS},
        Fate.SET_ASIDE: _owned(Fate.SET_ASIDE, set_aside),
        Fate.WARNING: _owned(Fate.WARNING, warnings),
        Fate.STUDENT: _owned(Fate.STUDENT, students),
        Fate.WITHDRAWN: WITHDRAWN_TEXTS,
        Fate.DIFFERENCE: DIFFERENCE_TEXTS,
        Fate.LIMIT: LIMIT_TEXTS,
    }


def _owned(fate: Fate, words: Mapping[str, tuple[Wording, Wording]]) -> dict[str, ReasonText]:
    owners = _OWNERS[fate]
    return {
        code: ReasonText(code, title, None, remedy, owners.get(code, Owner.OPERATOR))
        for code, (title, remedy) in words.items()
    }
