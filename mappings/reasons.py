"""The catalogue of findings: what can be wrong with a journal's rows and its students, and what to do about it.

Rules. Each code stands once, in one of three lists, and the list says how grave it is. An error (`SetAsideReason`)
drops the row: it is set aside, and what the portal holds of it stays. A row has one, the first that applies in the
order of the list; the reasons that say the record no longer stands come first, so that no other fault of the row hides
them, and take it back. A warning (`RecordWarning`, `StudentWarning`) keeps it: a record or a student may have several.
Nothing here names a person. Deliberately not here: how a finding is made (`mappings.records`, `mappings.quality`), whom
to ask (`reports.reasons`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
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
    LESSON_MISSING = "lesson-missing"
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
    CLASS_TRANSFER_MISSING = "class-transfer-missing"
    MARK_IN_CLOSED_PERIOD = "mark-in-closed-period"
    ENTERED_BEFORE_LESSON = "entered-before-lesson"
    NO_SCHOOL_DAY = "no-school-day"
    WEIGHT_OUT_OF_RANGE = "weight-out-of-range"
    MARK_WHILE_ABSENT = "mark-while-absent"
    ABSENCE_REPEATED = "absence-repeated"
    PERIOD_MARK_REPEATED = "period-mark-repeated"


class StudentWarning(StrEnum):
    """What is odd about a student of the school's database, whatever their records say."""

    STUDENT_IN_NO_CLASS = "student-in-no-class"
    STUDENT_IN_TWO_CLASSES = "student-in-two-classes"
    ENROLMENT_REVERSED = "enrolment-reversed"
    BIRTH_DATE_MISSING = "birth-date-missing"
    STUDENTS_ALIKE = "students-alike"


class Severity(StrEnum):
    """Whether a finding drops its row."""

    ERROR = "error"
    WARNING = "warning"


FindingCode = SetAsideReason | RecordWarning | StudentWarning


TAKES_BACK: frozenset[str] = frozenset({str(SetAsideReason.LESSON_CANCELLED), str(SetAsideReason.NOT_ENROLLED)})
"""Reasons that say the record no longer stands; every other one says only that the row can't be read rightly."""

MEANINGS: Mapping[FindingCode, tuple[Wording, Wording]] = {
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
    SetAsideReason.LESSON_MISSING: (
        Wording("Отметка или пропуск стоит на дне без урока", "The mark or absence stands on a day without a lesson"),
        Wording("Внесите урок в журнал или уберите запись", "Enter the lesson in the journal, or remove the record"),
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
    RecordWarning.CLASS_TRANSFER_MISSING: (
        Wording(
            "Запись в журнале класса, где ученик в этот день не числился",
            "A record in the journal of a class that the student was not in on that day",
        ),
        Wording(
            "Оформите перевод в этот класс или поправьте его дату; если запись внесена не тому ученику, уберите её",
            "Enter the transfer to this class or correct its date; if it is another student's record, remove it",
        ),
    ),
    RecordWarning.MARK_IN_CLOSED_PERIOD: (
        Wording(
            "Отметка внесена после конца периода, за который уже выставлены итоги",
            "The mark was entered after the end of a period whose marks had been given",
        ),
        Wording(
            "Проверьте дату отметки; если она верна, пересмотрите итоговую отметку",
            "Check the mark's date; if right, look at the period's mark again",
        ),
    ),
    RecordWarning.ENTERED_BEFORE_LESSON: (
        Wording("Отметка внесена раньше дня урока", "The mark was entered before the lesson's day"),
        Wording(
            "Проверьте дату урока и отметку: урока ещё не было",
            "Check the lesson's date and the mark: the lesson had not been held yet",
        ),
    ),
    RecordWarning.NO_SCHOOL_DAY: (
        Wording(
            "Урок записи стоит на неучебном дне по календарю школы",
            "The record's lesson is on a day that the school's calendar has no lessons on",
        ),
        Wording(
            "Исправьте дату урока; если уроки были, впишите день в календарь школы",
            "Correct the lesson's date; if there were lessons, enter the day in the school's calendar",
        ),
    ),
    RecordWarning.WEIGHT_OUT_OF_RANGE: (
        Wording("Вес работы не больше нуля или больше допустимого", "The work's weight is zero or less, or too large"),
        Wording(
            "Исправьте вес работы; какой вес допустим, сказано в codes.toml профиля",
            "Correct the work's weight; what is admitted stands in the profile's codes.toml",
        ),
    ),
    RecordWarning.MARK_WHILE_ABSENT: (
        Wording(
            "Отметка за урок, на котором ученик отмечен отсутствующим", "A mark for a lesson that the student missed"
        ),
        Wording(
            "Уберите пропуск или перенесите отметку на урок, где работа написана",
            "Remove the absence, or move the mark to the lesson at which the work was done",
        ),
    ),
    RecordWarning.ABSENCE_REPEATED: (
        Wording(
            "Один ученик отмечен на одном уроке дважды: пропуском или опозданием",
            "One student is noted twice at one lesson: as absent or late",
        ),
        Wording("Оставьте одну запись о пропуске", "Leave one of the notes"),
    ),
    RecordWarning.PERIOD_MARK_REPEATED: (
        Wording("Две итоговые отметки за один период по одному предмету", "Two marks of one period in one journal"),
        Wording("Оставьте в журнале одну из них", "Leave one of them in the journal"),
    ),
    StudentWarning.STUDENT_IN_NO_CLASS: (
        Wording("Ученик не зачислен ни в один класс", "The student is enrolled in no class"),
        Wording(
            "Внесите зачисление или уберите лишнюю запись об ученике",
            "Enter the enrolment, or remove the needless entry",
        ),
    ),
    StudentWarning.STUDENT_IN_TWO_CLASSES: (
        Wording("Ученик в один день числится в двух классах", "The student is in two classes on one day"),
        Wording("Поставьте день ухода из прежнего класса", "Enter the last day in the earlier class"),
    ),
    StudentWarning.ENROLMENT_REVERSED: (
        Wording(
            "Зачисление кончается раньше, чем начинается, или день ухода не читается",
            "An enrolment ends before it begins, or its last day can't be read",
        ),
        Wording("Исправьте дни зачисления и ухода", "Correct the first and the last day"),
    ),
    StudentWarning.BIRTH_DATE_MISSING: (
        Wording(
            "У ученика нет даты рождения: его записи не передаются",
            "The student has no birth date: their records are not sent",
        ),
        Wording("Внесите дату рождения в карточку ученика", "Enter the birth date"),
    ),
    StudentWarning.STUDENTS_ALIKE: (
        Wording("Два ученика с одинаковыми ФИО и датой рождения", "Two students of one name and one birth date"),
        Wording(
            "Если это один человек, объедините карточки; если нет, проверьте даты рождения",
            "If it is one person, merge the entries; if not, check the birth dates",
        ),
    ),
}
"""What each code means, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sort of finding, as the catalogue has it."""

    code: str
    severity: Severity
    meaning: Wording
    remedy: Wording


def _severity(code: FindingCode) -> Severity:
    return Severity.ERROR if isinstance(code, SetAsideReason) else Severity.WARNING


CATALOGUE: Mapping[str, Finding] = {
    str(code): Finding(str(code), _severity(code), *MEANINGS[code])
    for code in (*SetAsideReason, *RecordWarning, *StudentWarning)
}
"""All findings by their codes: errors first, in the order in which one is named."""
