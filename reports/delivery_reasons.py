"""Words for the reasons of delivery: why records were taken back, held, paused, or differed at the portal.

The closed lists stand in `journal.vocabulary.WithdrawReason`, `delivery.limits.Exceeded`,
`delivery.reconcile.DifferenceName`; a test holds these words against them.
"""

from collections.abc import Mapping

from journal.vocabulary import WithdrawReason
from journal.wording import Wording
from reports.reason_text import Owner, ReasonText

_NOTHING_TO_DO = Wording(ru="Ничего делать не нужно.", en="Nothing needs doing.")


def _withdrawn(code: WithdrawReason, *, title: Wording, meaning: Wording, remedy: Wording, owner: Owner) -> ReasonText:
    return ReasonText(code=str(code), title=title, meaning=meaning, remedy=remedy, owner=owner)


WITHDRAWN_TEXTS: Mapping[str, ReasonText] = {
    text.code: text
    for text in (
        _withdrawn(
            WithdrawReason.DELETED,
            title=Wording(ru="Запись удалена из журнала", en="The record was deleted from the journal"),
            meaning=Wording(
                ru="Учитель удалил отметку или пропуск, поэтому запись убрана и с портала.",
                en="A teacher deleted the mark or absence, so it was removed from the portal too.",
            ),
            remedy=Wording(
                ru="Если запись удалили по ошибке, внесите её в журнал снова: она уйдёт при следующей передаче.",
                en="If it was deleted by mistake, enter it in the journal again: it goes with the next transfer.",
            ),
            owner=Owner.TEACHER,
        ),
        _withdrawn(
            WithdrawReason.CONSENT_WITHDRAWN,
            title=Wording(ru="Родитель отозвал согласие", en="The parent withdrew the consent"),
            meaning=Wording(
                ru="После отзыва согласия записи больше нельзя показывать на портале.",
                en="Once a consent is withdrawn, the records may not be shown at the portal any more.",
            ),
            remedy=Wording(
                ru="Ничего делать не нужно. Если родитель передумает, он подписывает новое согласие.",
                en="Nothing needs doing. A parent who changes their mind signs a new consent.",
            ),
            owner=Owner.REGISTRAR,
        ),
        _withdrawn(
            WithdrawReason.CONSENT_EXPIRED,
            title=Wording(ru="Срок согласия истёк", en="The consent has expired"),
            meaning=Wording(
                ru="Согласие было дано до определённого дня, и этот день прошёл.",
                en="The consent was given until a certain day, and that day has passed.",
            ),
            remedy=Wording(
                ru="Если родитель хочет и дальше видеть отметки, примите у него новое согласие.",
                en="If the parent wants to go on seeing the marks, take a new consent.",
            ),
            owner=Owner.REGISTRAR,
        ),
        _withdrawn(
            WithdrawReason.LINK_ENDED,
            title=Wording(ru="Связь родителя с учеником закрыта", en="The parent's link to the student was closed"),
            meaning=Wording(
                ru="Не осталось ни одного родителя, которому можно показывать эти записи.",
                en="No parent is left to whom these records may be shown.",
            ),
            remedy=Wording(
                ru="Если связь закрыли по ошибке, проверьте строку реестра согласий.",
                en="If it was closed by mistake, check the row in the register of consents.",
            ),
            owner=Owner.REGISTRAR,
        ),
        _withdrawn(
            WithdrawReason.RESTRICTED,
            title=Wording(ru="Передача ограничена", en="The transfer is restricted"),
            meaning=Wording(
                ru="В реестре согласий записано ограничение, и сегодня оно действует.",
                en="The register of consents holds a restriction, and it is in force today.",
            ),
            remedy=Wording(
                ru="Когда ограничение закончится, записи вернутся на портал сами.",
                en="When the restriction ends, the records return to the portal by themselves.",
            ),
            owner=Owner.REGISTRAR,
        ),
        _withdrawn(
            WithdrawReason.STUDENT_LEFT,
            title=Wording(ru="Ученик выбыл из школы", en="The student has left the school"),
            meaning=Wording(
                ru="По журналу ученик сегодня не числится ни в одном классе.",
                en="By the journal, the student is in no class today.",
            ),
            remedy=Wording(
                ru="Если ученик учится, исправьте его зачисление в журнале.",
                en="If the student is still here, correct the enrolment in the journal.",
            ),
            owner=Owner.JOURNAL,
        ),
        _withdrawn(
            WithdrawReason.CAME_OF_AGE,
            title=Wording(ru="Ученику исполнилось 18 лет", en="The student turned 18"),
            meaning=Wording(
                ru="За совершеннолетнего родитель согласия не даёт, поэтому показывать записи больше нельзя.",
                en="A parent can't consent for an adult, so the records may not be shown any more.",
            ),
            remedy=Wording(
                ru="Ничего делать не нужно. Если дата рождения в журнале неверна, исправьте её.",
                en="Nothing needs doing. If the birth date in the journal is wrong, correct it.",
            ),
            owner=Owner.NOBODY,
        ),
        _withdrawn(
            WithdrawReason.OUT_OF_SCOPE,
            title=Wording(ru="Запись больше не относится к передаче", en="The record is out of scope now"),
            meaning=Wording(
                ru="Урок отменён, ученик в этот день не числился в классе, или согласие не охватывает "
                "такой вид записей либо этот день.",
                en="The lesson was cancelled, the student was in no class on that day, or the consent does not cover "
                "this kind of record or this day.",
            ),
            remedy=Wording(
                ru="Если это неверно, проверьте урок и зачисление в журнале, затем условия согласия.",
                en="If that is wrong, check the lesson and the enrolment in the journal, then the consent's terms.",
            ),
            owner=Owner.JOURNAL,
        ),
        _withdrawn(
            WithdrawReason.ERASED,
            title=Wording(ru="Данные ученика уничтожены", en="The student's data were erased"),
            meaning=Wording(
                ru="Срок хранения после отзыва согласия прошёл, данные уничтожены по акту.",
                en="The time to keep them after the withdrawal is over; they were erased and an act was drawn up.",
            ),
            remedy=_NOTHING_TO_DO,
            owner=Owner.NOBODY,
        ),
    )
}

LIMIT_TEXTS: Mapping[str, ReasonText] = {
    code: ReasonText(
        code=code,
        title=title,
        meaning=Wording(
            ru="Так бывает в начале и в конце учебного года, но и тогда, когда база журнала подменена или неполна.",
            en="This happens when a school year begins or ends, and also when the journal's database is not the "
            "right one or not complete.",
        ),
        remedy=Wording(
            ru="Оператор сверяет план с журналом и разрешает его или отклоняет.",
            en="The operator compares the plan with the journal and approves or discards it.",
        ),
        owner=Owner.OPERATOR,
    )
    for code, title in (
        (
            "withdraw_share",
            Wording(
                ru="С портала ушла бы слишком большая доля записей",
                en="Too large a share of the records would be taken back",
            ),
        ),
        (
            "withdraw_count",
            Wording(ru="С портала ушло бы слишком много записей", en="Too many records would be taken back"),
        ),
        (
            "change_share",
            Wording(
                ru="Изменилась бы слишком большая доля записей",
                en="Too large a share of the records would change",
            ),
        ),
    )
} | {
    text.code: text
    for text in (
        ReasonText(
            code="source_shrunk",
            title=Wording(
                ru="В базе школы намного меньше записей, чем при прошлом чтении",
                en="The school's database has far fewer records than when it was last read",
            ),
            meaning=Wording(
                ru="Так бывает, если в source указана не та база, старая копия или чтение чего-то запрещено.",
                en="That happens when source names another database or an old copy, or something may not be read.",
            ),
            remedy=Wording(
                ru="Оператор проверяет source и права (dnevnik check, dnevnik profile check). Если записи "
                "правда удалены – dnevnik hold approve.",
                en="The operator checks source and the rights (dnevnik check, dnevnik profile check). If the "
                "records were really deleted: dnevnik hold approve.",
            ),
            owner=Owner.OPERATOR,
        ),
        ReasonText(
            code="actuality_below",
            title=Wording(
                ru="Вовремя заполнено слишком мало уроков",
                en="Too few lessons were filled in in time",
            ),
            meaning=Wording(
                ru='Доля уроков, заполненных в срок, ниже цели, а в файле установки стоит below_target = "hold".',
                en="The share of lessons filled in in time is below the target, and the installation's file says "
                'below_target = "hold".',
            ),
            remedy=Wording(
                ru="Учителя заполняют уроки, их перечислит dnevnik actuality --list. Пропустить одну передачу – "
                'dnevnik hold approve; не задерживать – below_target = "warn".',
                en="Teachers fill the lessons in; dnevnik actuality --list names them. To let one run through: dnevnik "
                'hold approve; to hold no more: below_target = "warn".',
            ),
            owner=Owner.TEACHER,
        ),
        ReasonText(
            code="schema_differs",
            title=Wording(
                ru="Столбцы базы школы не те, что при прошлом чтении",
                en="The columns of the school's database are others than when it was last read",
            ),
            meaning=Wording(
                ru="Базу обновили или заменили другой: значение столбцов могло измениться.",
                en="The database was upgraded or replaced: columns may mean something else now.",
            ),
            remedy=Wording(
                ru="Оператор сверяет столбцы (dnevnik profile check), поправляет профиль или разрешает – "
                "dnevnik hold approve; разрешение действует, пока столбцы не изменятся снова.",
                en="The operator compares the columns (dnevnik profile check), then corrects the profile or approves: "
                "dnevnik hold approve; the approval counts until the columns change again.",
            ),
            owner=Owner.OPERATOR,
        ),
    )
}

WAITING_CODES = frozenset({"held", "paused", "unwitnessed"})
"""Withheld, though a consent permits: stopped by the limits, a pause of the school, or for want of witnesses."""

WAITING_TEXTS: Mapping[str, ReasonText] = {
    text.code: text
    for text in (
        ReasonText(
            code="held",
            title=Wording(ru="Ждут разрешения оператора", en="Waiting for the operator's approval"),
            meaning=Wording(
                ru="Изменений больше, чем разрешено отправлять без человека.",
                en="There are more changes than may be sent without a person's word.",
            ),
            remedy=Wording(
                ru="Оператор проверит план и разрешит его. Школе ничего делать не нужно.",
                en="The operator looks at the plan and approves it. The school need do nothing.",
            ),
            owner=Owner.OPERATOR,
        ),
        ReasonText(
            code="paused",
            title=Wording(ru="Передача приостановлена на эти дни", en="Transfers are paused on these days"),
            meaning=Wording(
                ru="В настройках указан перерыв, например летние каникулы.",
                en="The settings name a pause, such as the summer holidays.",
            ),
            remedy=Wording(
                ru="Ничего: после перерыва записи уйдут сами.", en="Nothing: after the pause they go by themselves."
            ),
            owner=Owner.NOBODY,
        ),
        ReasonText(
            code="unwitnessed",
            title=Wording(ru="Журнал аудита не заверен свидетелями", en="The audit log is not cosigned by witnesses"),
            meaning=Wording(
                ru="Свидетелей, которые заверяют журнал аудита, слишком долго меньше, чем нужно.",
                en="Too few of the witnesses that cosign the audit log have done so, for too long.",
            ),
            remedy=Wording(
                ru="Оператор восстановит связь со свидетелями (dnevnik check), записи уйдут сами.",
                en="The operator restores the connection to the witnesses (dnevnik check); records go by themselves.",
            ),
            owner=Owner.OPERATOR,
        ),
        ReasonText(
            code="discarded",
            title=Wording(ru="Портал отклонил, оператор отказался", en="Rejected by the portal and given up"),
            meaning=Wording(
                ru="Портал не принимает эти записи в таком виде, и человек решил их не повторять.",
                en="The portal will not take these records as they are, and a person chose not to try again.",
            ),
            remedy=Wording(
                ru="Ничего: изменённая запись уйдёт сама. Повторить прежнюю: dnevnik delivery retry.",
                en="Nothing: a record that changes goes by itself. To try the same again: dnevnik delivery retry.",
            ),
            owner=Owner.OPERATOR,
        ),
        ReasonText(
            code="consent-changed",
            title=Wording(ru="Согласие изменилось во время передачи", en="The consent changed during the transfer"),
            meaning=Wording(
                ru="Пока записи готовились, согласие отозвали или изменили. Перед отправкой мост проверил его ещё раз.",
                en="While the records were made ready, the consent was withdrawn or changed. The bridge looked again "
                "before it sent them.",
            ),
            remedy=_NOTHING_TO_DO,
            owner=Owner.NOBODY,
        ),
    )
}

_DIFFERENCE_TITLES: Mapping[str, Wording] = {
    "missing": Wording(ru="На портале не было записи", en="The portal did not hold a record"),
    "extra": Wording(ru="На портале была лишняя запись", en="The portal held a record too many"),
    "still-held": Wording(ru="Отозванная запись осталась на портале", en="The portal still held a record taken back"),
    "older": Wording(ru="На портале была более старая запись", en="The portal held an older record"),
    "newer": Wording(ru="На портале была более новая запись", en="The portal held a newer record"),
    "foreign": Wording(ru="Запись стояла у другого ученика", en="The record stood under another student"),
}

DIFFERENCE_TEXTS: Mapping[str, ReasonText] = {
    code: ReasonText(
        code=code,
        title=title,
        meaning=None,
        remedy=Wording(
            ru="Ничего: мост исправил это сам. Если так и при следующей сверке, сообщите оператору.",
            en="Nothing: the bridge put it right. If it is so at the next comparison too, tell the operator.",
        ),
        owner=Owner.OPERATOR,
    )
    for code, title in _DIFFERENCE_TITLES.items()
}
