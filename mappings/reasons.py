"""Why a row is set aside, and what a record is sent in spite of: codes, and words for people.

Rules. A row that is set aside has one reason: the first that applies, in the order of `SetAsideReason`. The
reasons that say the record no longer stands come first, so that no other fault of the row hides them. A
warning never keeps a record back; a record may have several. Nothing here names a person.
"""

from collections.abc import Mapping
from enum import StrEnum

from journal.wording import Wording


class SetAsideReason(StrEnum):
    """Why a row became no record. Of several, the first in this order is named."""

    LESSON_CANCELLED = "lesson-cancelled"
    NOT_ENROLLED = "not-enrolled"
    DUPLICATE_KEY = "duplicate-key"
    UNREADABLE_FIELD = "unreadable-field"
    DUPLICATE_MARK = "duplicate-mark"
    UNKNOWN_MARK_TYPE = "unknown-mark-type"
    UNKNOWN_PERIOD_KIND = "unknown-period-kind"
    DATE_MISSING = "date-missing"
    FUTURE_DATE = "future-date"
    UNDECODABLE_TEXT = "undecodable-text"
    TEXT_NOT_SENDABLE = "text-not-sendable"
    POINTS_UNCLEAR = "points-unclear"


class RecordWarning(StrEnum):
    """What is odd about a record that is sent all the same."""

    COMMENT_UNDECODABLE = "comment-undecodable"
    NOT_JOURNAL_MEMBER = "not-journal-member"
    LESSON_NUMBER_OUT_OF_RANGE = "lesson-number-out-of-range"
    FIELD_LEFT_OUT = "field-left-out"


TAKES_BACK: frozenset[str] = frozenset({str(SetAsideReason.LESSON_CANCELLED), str(SetAsideReason.NOT_ENROLLED)})
"""Reasons that say the record no longer stands; every other one says only that the row can't be read rightly."""

MEANINGS: Mapping[SetAsideReason | RecordWarning, tuple[Wording, Wording]] = {
    SetAsideReason.LESSON_CANCELLED: (
        Wording("Запись стоит на отменённом уроке", "The record stands on a cancelled lesson"),
        Wording("Снимите отмену урока или уберите запись", "Restore the lesson or remove the record"),
    ),
    SetAsideReason.NOT_ENROLLED: (
        Wording("В этот день ученик не числился в школе", "The student was not enrolled on that day"),
        Wording("Исправьте зачисление или дату записи", "Correct the enrolment or the record's date"),
    ),
    SetAsideReason.DUPLICATE_KEY: (
        Wording("У записи нет своего номера в базе школы", "The record has no number of its own in the database"),
        Wording(
            "Сообщите оператору района: номер пуст или стоит у нескольких записей",
            "Tell the operator: the number is missing, or several records bear it",
        ),
    ),
    SetAsideReason.UNREADABLE_FIELD: (
        Wording("Поле записи в базе школы испорчено", "A field of the record is damaged in the school's database"),
        Wording("Внесите запись в журнале заново", "Enter the record in the journal anew"),
    ),
    SetAsideReason.DUPLICATE_MARK: (
        Wording("Две отметки одному ученику за одну работу", "Two marks of one student for one piece of work"),
        Wording("Оставьте в журнале одну из них", "Leave one of them in the journal"),
    ),
    SetAsideReason.UNKNOWN_MARK_TYPE: (
        Wording("Вид отметки не известен обмену", "The mark's type is not known to the exchange"),
        Wording("Замените отметку обычной или сообщите оператору района", "Use an ordinary mark, or tell the operator"),
    ),
    SetAsideReason.UNKNOWN_PERIOD_KIND: (
        Wording("Вид учебного периода не известен обмену", "The period's kind is not known to the exchange"),
        Wording("Исправьте вид периода в настройках школы", "Correct the period's kind in the school's settings"),
    ),
    SetAsideReason.DATE_MISSING: (
        Wording("У урока или периода нет даты", "The lesson or period has no date"),
        Wording("Поставьте дату в журнале", "Enter the date in the journal"),
    ),
    SetAsideReason.FUTURE_DATE: (
        Wording("Дата записи ещё не наступила", "The record's date lies in the future"),
        Wording(
            "Проверьте дату; если верна, запись уйдёт в свой день", "Check the date; if right, it is sent on its day"
        ),
    ),
    SetAsideReason.UNDECODABLE_TEXT: (
        Wording("Название предмета или отметки не читается", "The subject's or the mark's name can't be read"),
        Wording("Впишите название в справочнике заново", "Type the name anew in the reference table"),
    ),
    SetAsideReason.TEXT_NOT_SENDABLE: (
        Wording(
            "Название предмета или отметки пусто или длинно", "The subject's or the mark's name is empty or too long"
        ),
        Wording(
            "Исправьте справочник: предмет – до 100 знаков, обозначение отметки – до 16",
            "Correct the reference table: a subject has up to 100 characters, a mark's sign up to 16",
        ),
    ),
    SetAsideReason.POINTS_UNCLEAR: (
        Wording("Баллы без наибольшего балла или меньше нуля", "Points without a maximum, or below zero"),
        Wording("Поставьте работе наибольший балл, исправьте баллы", "Give the work a maximum, correct the points"),
    ),
    RecordWarning.COMMENT_UNDECODABLE: (
        Wording("Примечание не читается, запись отправлена без него", "The note can't be read; sent without it"),
        Wording("Впишите примечание заново", "Type the note anew"),
    ),
    RecordWarning.NOT_JOURNAL_MEMBER: (
        Wording("Ученик не внесён в список этого журнала", "The student is not on this journal's list"),
        Wording("Добавьте ученика в список журнала", "Add the student to the journal's list"),
    ),
    RecordWarning.LESSON_NUMBER_OUT_OF_RANGE: (
        Wording("Номер урока неверен, запись отправлена без него", "The lesson's number is wrong; sent without it"),
        Wording("Исправьте номер урока", "Correct the lesson's number"),
    ),
    RecordWarning.FIELD_LEFT_OUT: (
        Wording(
            "Примечание, работа, вес или время внесения не годятся для портала, запись отправлена без них",
            "The note, work, weight or time of entry doesn't fit the portal; sent without it",
        ),
        Wording(
            "Сократите текст (примечание – до 4000 знаков, работа – до 500), исправьте вес или часы сервера школы",
            "Shorten the text (a note has up to 4,000 characters, a work up to 500), correct the weight or the clock "
            "of the school's server",
        ),
    ),
}
"""What each code means, and what to do about it."""
