"""The names of what may differ between audit log, ledger and portal, each with its meaning and its remedy."""

from collections.abc import Mapping
from enum import StrEnum

from journal.wording import Wording


class DifferenceName(StrEnum):
    """What differs, the worst first."""

    SHOWN_UNLOGGED = "shown-unlogged"
    SHOWN_AFTER_WITHDRAWAL = "shown-after-withdrawal"
    SHOWN_AS_OTHER_STUDENTS = "shown-as-other-students"
    SHOWN_NEWER = "shown-newer"
    SHOWN_OLDER = "shown-older"
    NOT_SHOWN = "not-shown"
    BATCH_UNLOGGED = "batch-unlogged"
    BATCH_FORGOTTEN = "batch-forgotten"
    OUTCOME_UNLOGGED = "outcome-unlogged"
    OUTCOME_NOT_ENTERED = "outcome-not-entered"
    OUTCOME_OTHER = "outcome-other"
    RECORD_UNLOGGED = "record-unlogged"
    RECORD_FORGOTTEN = "record-forgotten"
    RECORD_OF_OTHER_STUDENT = "record-of-other-student"
    REVISION_BEHIND = "revision-behind"
    HELD_WRONGLY = "held-wrongly"
    GONE_WRONGLY = "gone-wrongly"
    LINK_UNLOGGED = "link-unlogged"
    LINK_FORGOTTEN = "link-forgotten"
    LINK_OPEN_WRONGLY = "link-open-wrongly"
    LINK_CLOSED_WRONGLY = "link-closed-wrongly"


_MEND = Wording(
    ru="Исправит сверка с порталом: dnevnik reconcile {school}", en="To be mended: dnevnik reconcile {school}"
)
_NEXT_RUN = Wording(
    ru="Исправит следующий запуск: dnevnik sync {school}", en="The next run mends it: dnevnik sync {school}"
)
_ALARM = Wording(
    ru="Остановите передачу, сохраните журнал и базу, сообщите ответственному за защиту данных; затем "
    "dnevnik reconcile {school}",
    en="Stop the sending, keep log and database, tell whoever is responsible for data protection; then "
    "dnevnik reconcile {school}",
)
_RESTORED = Wording(
    ru="Так бывает после возврата базы из старой копии. Проверьте, откуда она; затем dnevnik reconcile {school}",
    en="A database put back from an older copy looks so. Find out where it is from; then dnevnik reconcile {school}",
)

MEANINGS: Mapping[DifferenceName, tuple[Wording, Wording]] = {
    DifferenceName.SHOWN_UNLOGGED: (
        Wording(
            ru="портал показывает запись, о передаче которой в журнале нет ни слова",
            en="the portal shows a record that the log never says was handed over",
        ),
        _ALARM,
    ),
    DifferenceName.SHOWN_AFTER_WITHDRAWAL: (
        Wording(
            ru="портал показывает запись, которую по журналу убрал",
            en="the portal shows a record that it took back by the log",
        ),
        _MEND,
    ),
    DifferenceName.SHOWN_AS_OTHER_STUDENTS: (
        Wording(ru="портал показывает запись не у того ученика", en="the portal shows a record as another student's"),
        _ALARM,
    ),
    DifferenceName.SHOWN_NEWER: (
        Wording(
            ru="портал показывает запись новее той, что передана по журналу",
            en="the portal shows a newer revision than the log says it was given",
        ),
        _ALARM,
    ),
    DifferenceName.SHOWN_OLDER: (
        Wording(
            ru="портал показывает запись старее той, что принял по журналу",
            en="the portal shows an older revision than the log says it took",
        ),
        _MEND,
    ),
    DifferenceName.NOT_SHOWN: (
        Wording(
            ru="портал не показывает запись, которую принял по журналу",
            en="the portal doesn't show a record that it took by the log",
        ),
        _MEND,
    ),
    DifferenceName.BATCH_UNLOGGED: (
        Wording(
            ru="в учёте есть принятый пакет, о котором в журнале ничего нет",
            en="the ledger has a batch that was taken and that the log knows nothing of",
        ),
        _ALARM,
    ),
    DifferenceName.BATCH_FORGOTTEN: (
        Wording(ru="в журнале есть пакет, которого нет в учёте", en="the log has a batch that the ledger lacks"),
        _RESTORED,
    ),
    DifferenceName.OUTCOME_UNLOGGED: (
        Wording(
            ru="в учёте у пакета есть исход, а в журнале нет",
            en="a batch has its outcome in the ledger and none in the log",
        ),
        _ALARM,
    ),
    DifferenceName.OUTCOME_NOT_ENTERED: (
        Wording(
            ru="в журнале у пакета есть исход, в учёт он ещё не внесён (обрыв между ними)",
            en="a batch has its outcome in the log, and it isn't in the ledger yet (a break between the two)",
        ),
        _NEXT_RUN,
    ),
    DifferenceName.OUTCOME_OTHER: (
        Wording(
            ru="исход пакета в журнале и в учёте разный",
            en="a batch's outcome is another in the log than in the ledger",
        ),
        _RESTORED,
    ),
    DifferenceName.RECORD_UNLOGGED: (
        Wording(
            ru="по учёту запись показана, а в журнале о ней ничего нет",
            en="by the ledger a record is shown that the log knows nothing of",
        ),
        _ALARM,
    ),
    DifferenceName.RECORD_FORGOTTEN: (
        Wording(
            ru="по журналу запись показана, а в учёте её нет", en="by the log a record is shown that the ledger lacks"
        ),
        _RESTORED,
    ),
    DifferenceName.RECORD_OF_OTHER_STUDENT: (
        Wording(
            ru="в учёте запись числится за другим учеником, чем в журнале",
            en="the ledger has a record as another student's than the log",
        ),
        _MEND,
    ),
    DifferenceName.REVISION_BEHIND: (
        Wording(
            ru="учёт помнит более раннюю редакцию записи, чем журнал",
            en="the ledger remembers an earlier revision of a record than the log",
        ),
        _RESTORED,
    ),
    DifferenceName.HELD_WRONGLY: (
        Wording(
            ru="по учёту запись показана, а по журналу убрана или не принята",
            en="by the ledger a record is shown, by the log it was taken back or never taken",
        ),
        _MEND,
    ),
    DifferenceName.GONE_WRONGLY: (
        Wording(
            ru="по журналу запись показана, а по учёту нет", en="by the log a record is shown, by the ledger it isn't"
        ),
        _MEND,
    ),
    DifferenceName.LINK_UNLOGGED: (
        Wording(
            ru="в учёте есть связь, о которой в журнале ничего нет", en="the ledger has a link that the log never names"
        ),
        _ALARM,
    ),
    DifferenceName.LINK_FORGOTTEN: (
        Wording(ru="по журналу связь открыта, а в учёте её нет", en="by the log a link is open that the ledger lacks"),
        _RESTORED,
    ),
    DifferenceName.LINK_OPEN_WRONGLY: (
        Wording(
            ru="по учёту связь открыта, а по журналу закрыта",
            en="by the ledger a link is open, by the log it is closed",
        ),
        _NEXT_RUN,
    ),
    DifferenceName.LINK_CLOSED_WRONGLY: (
        Wording(
            ru="по журналу связь открыта, а по учёту закрыта",
            en="by the log a link is open, by the ledger it is closed",
        ),
        _NEXT_RUN,
    ),
}
"""What each difference means, and what to do about it."""
