"""The standing sentences of the pages and the terminal table, by key, in both languages.

Rules. Sentences for schools are short and say what to do; no sentence names a person. A place `{name}` is filled
by counts, dates and codes. Words for reasons are not here (`reports.reasons`).
"""

from collections.abc import Callable, Mapping

from journal.wording import Language, Wording
from reports.auditor_phrases import AUDITOR_PHRASES
from reports.counting import Counted

PHRASES: Mapping[str, Wording] = {
    # every page
    "bridge": Wording(ru="Мост «Журнал — портал»", en="Journal to portal bridge"),
    "skip": Wording(ru="К содержанию", en="Skip to the content"),
    "all_schools": Wording(ru="Все школы", en="All schools"),
    "pages_of_report": Wording(ru="Страницы отчёта", en="Pages of the report"),
    "made_at": Wording(ru="Страница составлена {moment} ({zone}).", en="This page was made on {moment} ({zone})."),
    "nothing_personal": Wording(
        ru="На странице нет имён, отметок и адресов. Её можно напечатать и переслать внутри школы.",
        en="There are no names, marks or addresses on this page. It may be printed and passed on within the school.",
    ),
    # a school's page: heading and state
    "school_title": Wording(ru="Отчёт о передаче отметок", en="Report on the transfer of marks"),
    "school_code": Wording(ru="код школы {code}", en="school code {code}"),
    "district": Wording(ru="район: {name}", en="district: {name}"),
    "run_at": Wording(ru="Передача {moment}", en="Transfer of {moment}"),
    "dry_run_at": Wording(ru="Пробный расчёт {moment}", en="Trial calculation of {moment}"),
    "state_done": Wording(ru="Журнал передан", en="The journal was transferred"),
    "state_exceptions": Wording(ru="Журнал передан, но не полностью", en="The journal was transferred in part"),
    "state_held": Wording(ru="Передача ждёт разрешения", en="The transfer waits for approval"),
    "state_failed": Wording(ru="Журнал не передан", en="The journal was not transferred"),
    "state_broken_off": Wording(ru="Передача прервалась", en="The transfer broke off"),
    "state_unbalanced": Wording(ru="Числа отчёта не сходятся", en="The report's numbers do not add up"),
    "state_swept": Wording(ru="Утратившее основание снято с портала", en="What lost its ground was taken back"),
    "state_not_swept": Wording(ru="Снято с портала не всё", en="Not all was taken back"),
    "state_not_planned": Wording(ru="Расчёт не выполнен", en="The calculation was not done"),
    "state_dry_run": Wording(ru="Пробный расчёт", en="Trial calculation"),
    "advice_done": Wording(
        ru="Всё, на что есть согласие родителей, на портале. От школы сейчас ничего не требуется.",
        en="All that parents consented to is at the portal. The school need do nothing now.",
    ),
    "advice_done_lessons": Wording(
        ru="Всё, на что есть согласие родителей, на портале. Но уроки заполняются не вовремя: об этом ниже.",
        en="All that parents consented to is at the portal. But lessons are not filled in in time: more of it below.",
    ),
    "advice_held": Wording(
        ru="Изменений необычно много, поэтому мост не отправляет их без человека. Решение принимает оператор моста. "
        "От школы нужно одно: ответить ему, верны ли изменения в журнале. Отзывы согласий выполняются и сейчас.",
        en="There are so many changes that the bridge does not send them without a person's word. The operator "
        "decides. The school only answers whether the changes in the journal are right. Withdrawn consents are "
        "acted on all the same.",
    ),
    "advice_held_lessons": Wording(
        ru="Учителя вовремя заполнили слишком мало уроков, и по настройке моста передача ждёт слова оператора. Отзывы "
        "согласий выполняются и сейчас.",
        en="Teachers filled too few lessons in in time, and by the bridge's settings the transfer waits for the "
        "operator's word. Withdrawn consents are acted on all the same.",
    ),
    "held_numbers": Wording(
        ru="Предлагается изменить записей: {changes}, убрать с портала: {withdrawals}. Сейчас на портале: {holdings}.",
        en="Records to change: {changes}, to take back from the portal: {withdrawals}. Now at the portal: {holdings}.",
    ),
    "held_digest": Wording(
        ru="Номер плана для оператора: {digest}", en="The plan's number (for the operator): {digest}"
    ),
    "advice_failed": Wording(
        ru="Ничего не потеряно. Мост попробует снова в следующий раз по расписанию.",
        en="Nothing is lost. The bridge tries again at the next time of its schedule.",
    ),
    "advice_not_swept": Wording(
        ru="Что не снято, родители ещё видят. Следующий dnevnik sweep или dnevnik sync попробует снова.",
        en="Parents still see what was not taken back. The next dnevnik sweep or dnevnik sync tries again.",
    ),
    "advice_not_planned": Wording(
        ru="Ничего не отправлено и не изменено. Устраните причину и составьте план снова.",
        en="Nothing was sent or changed. Mend the cause, and make the plan again.",
    ),
    "advice_swept": Wording(ru="Журнал школы при этом не читается.", en="The school's journal is not read for it."),
    "advice_unbalanced": Wording(
        ru="Сумма частей не равна числу прочитанных записей. Не пользуйтесь этим отчётом и сообщите оператору моста.",
        en="The parts do not add up to the records read. Do not rely on this report; tell the operator of the bridge.",
    ),
    "advice_dry_run": Wording(
        ru="Ничего не отправлено. Ниже написано, что было бы сделано.",
        en="Nothing was sent. What would be done stands below.",
    ),
    "error_code": Wording(ru="Код ошибки: {code}", en="Error code: {code}"),
    # the balance
    "balance": Wording(ru="Что стало с записями журнала", en="What became of the journal's records"),
    "nothing_read": Wording(
        ru="В этот раз из журнала не прочитано ни одной записи.", en="This time no record of the journal was read."
    ),
    "bar_title": Wording(ru="Судьба прочитанных записей", en="What became of the records read"),
    "bar_note": Wording(
        ru="Очень узкие части полосы нарисованы чуть шире, чтобы их было видно.",
        en="Very narrow parts of the bar are drawn a little wider, so that they can be seen.",
    ),
    "fate": Wording(ru="Что стало с записями", en="What became of them"),
    "records": Wording(ru="Записей", en="Records"),
    "share": Wording(ru="Доля", en="Share"),
    "read_total": Wording(ru="Всего прочитано", en="Read in all"),
    "sent": Wording(ru="Переданы в этот раз", en="Sent this time"),
    "sent_meaning": Wording(
        ru="Новые и исправленные записи. Их видят родители, давшие согласие.",
        en="New and corrected records. Parents who consented see them.",
    ),
    "sent_dry_run": Wording(ru="Были бы переданы", en="Would be sent"),
    "sent_dry_run_meaning": Wording(
        ru="Новые и исправленные записи, на которые есть согласие.", en="New and corrected records with a consent."
    ),
    "unchanged": Wording(ru="Уже были на портале", en="Already at the portal"),
    "unchanged_meaning": Wording(
        ru="В них ничего не изменилось, отправлять их заново не нужно.",
        en="Nothing in them changed; there is no need to send them again.",
    ),
    "withheld": Wording(ru="Не передаются", en="Withheld"),
    "withheld_meaning": Wording(
        ru="Нет основания для передачи, чаще всего согласия родителя. Они остаются в школе.",
        en="There is no ground to send them, mostly for want of a parent's consent. They stay in the school.",
    ),
    "waiting": Wording(ru="Ждут отправки", en="Waiting to be sent"),
    "waiting_meaning": Wording(
        ru="Согласие есть, но передача остановлена. Причина стоит ниже.",
        en="There is a consent, but the transfer is stopped. The reason stands below.",
    ),
    "waiting_intro": Wording(
        ru="Эти записи уйдут сами, как только передача продолжится.",
        en="These records go by themselves as soon as the transfer goes on.",
    ),
    "set_aside": Wording(ru="Отложены", en="Set aside"),
    "set_aside_meaning": Wording(
        ru="В журнале есть неточность. После исправления они уйдут сами.",
        en="Something in the journal is not right. Once corrected, they go by themselves.",
    ),
    "failed": Wording(ru="Не приняты порталом", en="Not taken by the portal"),
    "failed_meaning": Wording(
        ru="Портал не принял их или связь оборвалась. Если так и завтра, сообщите оператору.",
        en="The portal refused them or the call broke off. If it is so tomorrow too, tell the operator.",
    ),
    # the reasons
    "withheld_intro": Wording(
        ru="Чаще всего это не ошибка: родитель не подавал заявление или срок согласия закончился. По закону такие "
        "записи не покидают школу.",
        en="Mostly this is no mistake: the parent has not applied, or the consent has ended. By law such records do "
        "not leave the school.",
    ),
    "set_aside_intro": Wording(
        ru="Эти записи мост не смог передать из-за того, как они внесены в журнал. Если такая запись уже была на "
        "портале, прежняя остаётся там, пока новую не исправят. Исключение: отменённые уроки и ученики, которые "
        "в тот день не числились в классе. Такие записи убираются с портала.",
        en="The bridge could not send these because of how they stand in the journal. If such a record was at the "
        "portal, the earlier one stays there until this one is corrected. Except for cancelled lessons and students "
        "who were in no class on that day: those records are taken back.",
    ),
    "warnings": Wording(ru="Переданы с замечанием", en="Sent with a remark"),
    "warnings_intro": Wording(
        ru="Эти записи уже посчитаны выше или стоят в журналах без изменений. Они переданы, но школе стоит посмотреть.",
        en="These records are counted above, or stand in journals that did not change. They are sent, but the school "
        "may want to look.",
    ),
    "students_odd": Wording(ru="Замечания об учениках", en="Warnings about students"),
    "students_odd_intro": Wording(
        ru="Это не записи журнала, а карточки учеников и их зачисления. В сумму прочитанных они не входят.",
        en="These are no records of the journal but students' entries and enrolments. They are not part of the records "
        "read.",
    ),
    "places": Wording(ru="По классам и учителям", en="By class and teacher"),
    "places_intro": Wording(
        ru="Сколько записей отложено и сколько замечаний по всем журналам, тем, что в этот раз не читались, тоже. "
        "Все строки в таблицу выгружает: dnevnik findings {school} --csv ФАЙЛ",
        en="How many records are set aside and how many warnings there are in all journals, also those not read this "
        "time. To export each of them as a table: dnevnik findings {school} --csv FILE",
    ),
    "class_name": Wording(ru="Класс", en="Class"),
    "teacher": Wording(ru="Номер учителя в базе", en="Teacher's number there"),
    "warnings_short": Wording(ru="Замечаний", en="Warnings"),
    "findings_head": Wording(
        ru="прочитано записей {read}, отложено {errors}, замечаний {warnings}",
        en="{read} records read, {errors} set aside, {warnings} warnings",
    ),
    "unmapped": Wording(
        ru="Кода нет в codes.toml: {table}, {code}, строк {count}",
        en="A code that codes.toml lacks: {table}, {code}, rows {count}",
    ),
    "finding": Wording(ru="Что найдено", en="Found"),
    "found": Wording(ru="Сколько", en="Count"),
    "severity": Wording(ru="Важность", en="Severity"),
    "severity_error": Wording(ru="ошибка", en="error"),
    "severity_warning": Wording(ru="замечание", en="warning"),
    "place_unknown": Wording(ru="не указан", en="not known"),
    "place_short": Wording(
        ru="класс {class_name}, учитель {teacher}: отложено {errors}, замечаний {warnings}",
        en="class {class_name}, teacher {teacher}: {errors} set aside, {warnings} warnings",
    ),
    "places_more": Wording(
        ru="ещё {places} (все: dnevnik findings {school})", en="{places} more (all: dnevnik findings {school})"
    ),
    "withdrawn": Wording(ru="Убраны с портала", en="Taken back from the portal"),
    "withdrawn_intro": Wording(
        ru="Родители этих записей больше не видят. В сумму прочитанных они не входят: многих из них в журнале уже нет.",
        en="Parents do not see these any more. They are not part of the records read: many are no longer in the "
        "journal.",
    ),
    "differences": Wording(ru="Расхождения с порталом", en="Differences with the portal"),
    "differences_intro": Wording(
        ru="Сверка сравнила то, что показывает портал, с записями моста. Найденное исправлено этой же передачей.",
        en="A comparison held what the portal shows against what the bridge has on record. This transfer put it right.",
    ),
    "why_held": Wording(ru="Почему передача остановлена", en="Why the transfer was held"),
    "meaning": Wording(ru="Что это значит", en="What it means"),
    "remedy": Wording(ru="Что сделать", en="What to do"),
    "owner": Wording(ru="Кто может исправить", en="Who can put it right"),
    "owner_teacher": Wording(ru="учитель или классный руководитель", en="the teacher or class teacher"),
    "owner_journal": Wording(ru="ответственный за электронный журнал", en="whoever keeps the electronic journal"),
    "owner_registrar": Wording(ru="ответственный за согласия родителей", en="whoever keeps the parents' consents"),
    "owner_operator": Wording(ru="оператор моста", en="the operator of the bridge"),
    "code": Wording(ru="Код для оператора", en="Code for the operator"),
    # rows set aside
    "rows": Wording(ru="Показать, какие это строки журнала", en="Show which rows of the journal these are"),
    "rows_caption": Wording(ru="Строки журнала: {title}", en="Rows of the journal: {title}"),
    "row": Wording(ru="Строка в базе журнала", en="Row in the journal's database"),
    "student": Wording(ru="Номер ученика в базе", en="Student's number there"),
    "source_mark": Wording(ru="отметка № {id}", en="mark no. {id}"),
    "source_absence": Wording(ru="пропуск или опоздание № {id}", en="absence or lateness no. {id}"),
    "source_period": Wording(ru="итоговая отметка № {id}", en="period mark no. {id}"),
    "student_none": Wording(ru="не указан", en="not given"),
    # links
    "links": Wording(ru="Доступ родителей", en="Parents' access"),
    "links_intro": Wording(
        ru="Связь открывает родителю на портале записи одного ученика. Открывает и закрывает её мост по реестру "
        "согласий.",
        en="A link opens the records of one student to a parent at the portal. The bridge opens and closes it by "
        "the register of consents.",
    ),
    "links_put": Wording(ru="Открыто или обновлено в этот раз", en="Opened or renewed this time"),
    "links_ended": Wording(ru="Закрыто в этот раз", en="Closed this time"),
    "links_put_short": Wording(ru="связей открыто или обновлено", en="links opened or renewed"),
    "links_ended_short": Wording(ru="связей закрыто", en="links closed"),
    "not_read_short": Wording(
        ru="записей в журналах без изменений, не прочитанных заново ({journals})",
        en="records of journals that did not change and were not read again ({journals})",
    ),
    "not_read": Wording(
        ru="Без изменений с прошлого раза журналов: {journals}, записей в них: {records}. Их не читали заново, на "
        "портале они остаются.",
        en="Journals without a change since the last time: {journals}, records in them: {records}. They were not read "
        "again; what the portal shows of them stays.",
    ),
    "links_open": Wording(ru="Открыто сейчас", en="Open now"),
    "actuality": Wording(ru="Заполнение журнала", en="Filling in the journal"),
    # whom to ask
    "ask": Wording(ru="К кому обратиться", en="Whom to ask"),
    "ask_teacher": Wording(ru="Учитель, классный руководитель", en="Teacher, class teacher"),
    "ask_teacher_about": Wording(
        ru="отметка, пропуск или комментарий внесены неверно",
        en="a mark, an absence or a comment was entered wrongly",
    ),
    "ask_journal": Wording(ru="Ответственный за электронный журнал", en="Whoever keeps the electronic journal"),
    "ask_journal_about": Wording(
        ru="уроки, классы, зачисление, справочники отметок, даты рождения",
        en="lessons, classes, enrolments, the list of mark types, birth dates",
    ),
    "ask_registrar": Wording(ru="Ответственный за согласия родителей", en="Whoever keeps the parents' consents"),
    "ask_registrar_about": Wording(
        ru="заявления, согласия, отзывы, ограничения", en="applications, consents, withdrawals, restrictions"
    ),
    "ask_operator": Wording(ru="Оператор моста", en="The operator of the bridge"),
    "ask_operator_about": Wording(
        ru="всё остальное: сбои, отказы портала, непонятные коды. Назовите номер передачи {run}",
        en="all else: failures, refusals of the portal, codes without explanation. Quote the run's number {run}",
    ),
    "contact": Wording(ru="Связаться", en="Contact"),
    # the index
    "index_title": Wording(ru="Передача отметок по школам", en="Transfer of marks by school"),
    "index_caption": Wording(ru="Последняя передача каждой школы", en="The last transfer of each school"),
    "index_empty": Wording(ru="Передач ещё не было.", en="There were no transfers yet."),
    "school": Wording(ru="Школа", en="School"),
    "when": Wording(ru="Когда", en="When"),
    "state": Wording(ru="Состояние", en="State"),
    "read": Wording(ru="Прочитано", en="Read"),
    "sent_short": Wording(ru="Передано", en="Sent"),
    "unchanged_short": Wording(ru="Без изменений", en="Unchanged"),
    "withheld_short": Wording(ru="Не передаётся", en="Withheld"),
    "set_aside_short": Wording(ru="Отложено", en="Set aside"),
    "failed_short": Wording(ru="Не принято", en="Failed"),
    "withdrawn_short": Wording(ru="Убрано", en="Taken back"),
    "total": Wording(ru="Итого", en="Total"),
    "for_auditor": Wording(ru="Передачи для проверяющего", en="Transfers, for the auditor"),
}

COUNTED: Mapping[str, Counted] = {
    "records_read": Counted(
        ru=(
            "Из журнала прочитана {n} запись",
            "Из журнала прочитаны {n} записи",
            "Из журнала прочитано {n} записей",
        ),
        en=("{n} record was read from the journal", "{n} records were read from the journal"),
    ),
    "said_sent": Counted(
        ru=("{n} передана в этот раз", "{n} переданы в этот раз", "{n} передано в этот раз"),
        en=("{n} was sent this time", "{n} were sent this time"),
    ),
    "said_sent_dry_run": Counted(
        ru=("{n} была бы передана", "{n} были бы переданы", "{n} было бы передано"),
        en=("{n} would be sent", "{n} would be sent"),
    ),
    "said_unchanged": Counted(
        ru=("{n} уже была на портале", "{n} уже были на портале", "{n} уже было на портале"),
        en=("{n} was at the portal already", "{n} were at the portal already"),
    ),
    "said_withheld": Counted(
        ru=(
            "{n} не передаётся, потому что на это нет основания",
            "{n} не передаются, потому что на это нет основания",
            "{n} не передаётся, потому что на это нет основания",
        ),
        en=("{n} is withheld for want of a ground", "{n} are withheld for want of a ground"),
    ),
    "said_waiting": Counted(
        ru=("{n} ждёт отправки", "{n} ждут отправки", "{n} ждёт отправки"),
        en=("{n} waits to be sent", "{n} wait to be sent"),
    ),
    "said_set_aside": Counted(
        ru=(
            "{n} отложена из-за неточности в журнале",
            "{n} отложены из-за неточностей в журнале",
            "{n} отложено из-за неточностей в журнале",
        ),
        en=(
            "{n} was set aside because of how it stands in the journal",
            "{n} were set aside because of how they stand in the journal",
        ),
    ),
    "said_failed": Counted(
        ru=("{n} не принята порталом", "{n} не приняты порталом", "{n} не принято порталом"),
        en=("{n} was not taken by the portal", "{n} were not taken by the portal"),
    ),
    "advice_exceptions": Counted(
        ru=(
            "{n} запись не удалось передать. Ниже написано, почему и что с ней делать.",
            "{n} записи не удалось передать. Ниже написано, почему и что с ними делать.",
            "{n} записей не удалось передать. Ниже написано, почему и что с ними делать.",
        ),
        en=(
            "{n} record could not be sent. Why, and what to do about it, stands below.",
            "{n} records could not be sent. Why, and what to do about them, stands below.",
        ),
    ),
    "records_counted": Counted(ru=("{n} запись", "{n} записи", "{n} записей"), en=("{n} record", "{n} records")),
    "students_counted": Counted(ru=("{n} ученик", "{n} ученика", "{n} учеников"), en=("{n} student", "{n} students")),
    "more_rows": Counted(
        ru=("и ещё {n} строка", "и ещё {n} строки", "и ещё {n} строк"), en=("and {n} more row", "and {n} more rows")
    ),
}


def phrase(key: str, language: Language, **places: object) -> str:
    """Return a sentence with its places filled. Raises KeyError for a key that doesn't exist."""
    wording = PHRASES[key] if key in PHRASES else AUDITOR_PHRASES[key]
    return wording.say(language, **places)


def speaker(language: Language) -> Callable[..., str]:
    """Return `phrase` with the language given, for templates."""

    def say(key: str, **places: object) -> str:
        return phrase(key, language, **places)

    return say
