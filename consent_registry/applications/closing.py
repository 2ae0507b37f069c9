"""Why an application ends without a registration, in words that the parent is told.

Rules. A reason is one of these words, never free text: what reaches the portal names nobody and no document.
"""

from collections.abc import Mapping
from enum import StrEnum

from journal.wording import Wording


class ClosingReason(StrEnum):
    """Why an application was rejected, lapsed or was withdrawn."""

    NOT_CONFIRMED = "identity-not-confirmed"
    NO_AUTHORITY = "authority-not-shown"
    STUDENT_NOT_FOUND = "student-not-found"
    OF_AGE = "student-of-age"
    APPLIED_TWICE = "applied-twice"
    ACCOUNT_SHARED = "account-shared"
    RESTRICTED = "restricted"
    NO_CONSENT = "consent-not-given"
    IN_ERROR = "entered-in-error"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    LINK_ENDED = "link-ended"


TELLINGS: Mapping[ClosingReason, Wording] = {
    ClosingReason.NOT_CONFIRMED: Wording(
        "Личность заявителя не подтверждена. Подайте новое заявление и придите в школу с паспортом",
        "The applicant's identity was not confirmed. Apply anew and come to the school with an identity document",
    ),
    ClosingReason.NO_AUTHORITY: Wording(
        "Полномочия законного представителя не подтверждены. Подайте новое заявление и возьмите документ о них",
        "The legal representative's authority was not shown. Apply anew and bring its document",
    ),
    ClosingReason.STUDENT_NOT_FOUND: Wording(
        "Такого ученика в школе нет. Проверьте имя, дату рождения и школу и подайте новое заявление",
        "The school has no such student. Check name, birth date and school, then apply anew",
    ),
    ClosingReason.OF_AGE: Wording(
        "Ученику исполнилось 18 лет: решение принимает он сам",
        "The student has come of age: the decision is the student's own",
    ),
    ClosingReason.APPLIED_TWICE: Wording(
        "Заявление на этого ученика уже есть: ничего делать не нужно",
        "There is an application for this student already: nothing needs doing",
    ),
    ClosingReason.ACCOUNT_SHARED: Wording(
        "Этой учётной записью пользуется другой человек. Подайте заявление из своей учётной записи",
        "This account is another person's. Apply from an account of your own",
    ),
    ClosingReason.RESTRICTED: Wording(
        "Доступ ограничен решением суда. Обратитесь в школу", "Access is restricted by a court. Ask the school"
    ),
    ClosingReason.NO_CONSENT: Wording(
        "Письменное согласие не дано. Если вы хотите получать сведения, подайте новое заявление",
        "The written consent was not given. If you wish to read the records, apply anew",
    ),
    ClosingReason.IN_ERROR: Wording(
        "Заявление внесено с ошибкой и закрыто. Школа внесёт его заново или попросит вас подать новое",
        "The application was entered with a mistake and is closed. The school enters it again or asks you to"
        " apply anew",
    ),
    ClosingReason.LAPSED: Wording(
        "Срок рассмотрения заявления истёк, регистрация не завершена. Подайте заявление снова",
        "The application's time ran out before it was registered. Apply again",
    ),
    ClosingReason.WITHDRAWN: Wording("Заявление отозвано", "The application is withdrawn"),
    ClosingReason.LINK_ENDED: Wording(
        "Доступ прекращён школой. Если вы с этим не согласны, обратитесь в школу",
        "The school has ended the access. If you do not agree, ask the school",
    ),
}
"""What the parent reads at the portal."""

REJECTIONS = frozenset(ClosingReason) - {ClosingReason.LAPSED, ClosingReason.WITHDRAWN, ClosingReason.LINK_ENDED}
"""What a person may reject an application for."""
