"""Why a record is withheld, or a link has no ground: the closed list, its words, and what the portal is told.

Rules. One reason a decision. The order of the list is that of `RANKING`: a later reason stands nearer to a permission.
Deliberately not here: when a reason applies (`consent_registry.decision`), who owns it in a report (`reports`).
"""

from collections.abc import Mapping
from enum import StrEnum

from journal.vocabulary import EndReason, WithdrawReason
from journal.wording import Wording


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
    REGISTERED_IN_ERROR = "registered-in-error"
    GUARDIANSHIP_ENDED = "guardianship-ended"
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
    Reason.REGISTERED_IN_ERROR: (
        Wording("Связь была зарегистрирована по ошибке", "The link was registered in error"),
        Wording(
            "Если связь верна, внесите новое согласие и зарегистрируйте его",
            "If the link is right, enter a new consent and register it",
        ),
    ),
    Reason.GUARDIANSHIP_ENDED: (
        Wording(
            "Опека или попечительство прекращены, или срок полномочий истёк",
            "The guardianship has ended, or the authority's term is over",
        ),
        Wording(
            "Если полномочия продлены, внесите новый документ и новое согласие",
            "If the authority was renewed, enter the new document and a new consent",
        ),
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
        Wording(
            "Класс включает оператор района (pilot_classes или dnevnik pilot move)",
            "The district's operator adds it (pilot_classes, or dnevnik pilot move)",
        ),
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
    Reason.GUARDIANSHIP_ENDED: EndReason.CONSENT_EXPIRED,  # the consent went with the authority to give it
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
