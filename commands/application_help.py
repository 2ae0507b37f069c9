"""The help of the commands for applications, forms, terms and requests, in both languages."""

from collections.abc import Mapping

from journal.wording import Wording

HELP: Mapping[str, Wording] = {
    "exchange": Wording(
        ru="Забрать новые заявления с портала и сообщить родителям, на какой стадии их заявления.",
        en="Pull new applications from the portal, and tell parents how far theirs are.",
    ),
    "applications": Wording(
        ru="Заявления школ: стадия, сколько рабочих дней осталось. Без имён.",
        en="The schools' applications: stage, working days left. No names.",
    ),
    "stage": Wording(
        ru="только эта стадия: received, identified, linked, registered, rejected, lapsed, withdrawn",
        en="this stage only: received, identified, linked, registered, rejected, lapsed, withdrawn",
    ),
    "all": Wording(ru="и закрытые, и зарегистрированные", en="closed and registered ones too"),
    "show": Wording(
        ru="Одно заявление с историей: кто, когда, на каком основании.",
        en="One application with its history: who, when, on what evidence.",
    ),
    "reference": Wording(ru="номер заявления, как на бланке", en="the application's reference, as on the form"),
    "names": Wording(
        ru="показать имена (личные данные!); просмотр записывается в журнал аудита",
        en="show names (personal data!); the audit log records that they were looked at",
    ),
    "propose": Wording(
        ru="Похожие ученики школы с доводами и сомнениями; выбирает человек.",
        en="Students of the school whom it may mean, with reasons and doubts; a person chooses.",
    ),
    "enter": Wording(
        ru="Внести бумажное заявление: из файла или ответами на вопросы.",
        en="Enter an application on paper: from a file, or by answering questions.",
    ),
    "enter-from": Wording(
        ru="файл TOML по образцу (- : из стандартного ввода); без него спросит",
        en="a TOML file made from the template (-: standard input); else it asks",
    ),
    "template": Wording(ru="напечатать образец файла", en="print the file's template"),
    "form-school": Wording(
        ru="код школы (вместе с --student и --account)", en="the school's code (with --student and --account)"
    ),
    "enter-school": Wording(ru="код школы (не нужен для --template)", en="the school's code (not for --template)"),
    "identify": Wording(
        ru="Отметить, что личность родителя подтверждена документом; номер документа спросит.",
        en="Enter that a document confirmed who the parent is; asks for its number.",
    ),
    "document-kind": Wording(
        ru='вид документа словами, например "паспорт гражданина РФ"', en="the document's kind in words, like passport"
    ),
    "authority": Wording(
        ru="документ о полномочиях опекуна или попечителя; без этого спросит",
        en="the guardian's or trustee's document of authority; else it asks",
    ),
    "authority-until": Wording(ru="последний день полномочий", en="the authority's last day"),
    "step-at": Wording(
        ru="когда это было, например 2026-11-02 08:00; без этого — сейчас",
        en="when it was, like 2026-11-02 08:00; else now",
    ),
    "link": Wording(
        ru="Отметить, какого ученика человек выбрал для заявления.", en="Enter which student a person chose for it."
    ),
    "link-student": Wording(ru="номер ученика в базе школы", en="the student's id in the school's database"),
    "register": Wording(
        ru="Зарегистрировать заявление с внесённым согласием; не тот, кто подтвердил личность.",
        en="Register an application with its consent; not by whom the parent was identified.",
    ),
    "reject": Wording(
        ru="Отклонить заявление; родителю скажут причину.", en="Reject an application; the parent is told why."
    ),
    "reject-reason": Wording(
        ru="причина: identity-not-confirmed, authority-not-shown, student-not-found, student-of-age, applied-twice, "
        "account-shared, restricted, consent-not-given, entered-in-error",
        en="why: identity-not-confirmed, authority-not-shown, student-not-found, student-of-age, applied-twice, "
        "account-shared, restricted, consent-not-given, entered-in-error",
    ),
    "lapse": Wording(
        ru="Закрыть заявление, срок рассмотрения которого истёк.",
        en="Close an application whose term is over.",
    ),
    "cancel": Wording(
        ru="Записать, что родитель отозвал заявление; у зарегистрированного — вместе с согласиями.",
        en="Enter that the parent withdrew an application; a registered one with its consents.",
    ),
    "form": Wording(
        ru="Напечатать бланк в PDF: application заявление, consent согласие, withdrawal отзыв.",
        en="Print a form as PDF: application, consent, withdrawal.",
    ),
    "form-kind": Wording(ru="application, consent или withdrawal", en="application, consent or withdrawal"),
    "form-reference": Wording(
        ru="номер заявления; если его нет: --school --student --account",
        en="the application's reference; if there is none: --school --student --account",
    ),
    "out": Wording(ru="куда записать PDF", en="where the PDF goes"),
    "find": Wording(
        ru="Найти заявление или связь по коду с бланка или по тому, что известно.",
        en="Find an application or a link by a form's code, or by what is known.",
    ),
    "code": Wording(ru="код с бланка", en="a form's code"),
    "find-email": Wording(ru="по эл. почте родителя (спросит)", en="by the parent's e-mail (asks)"),
    "find-parent": Wording(ru="по имени родителя (спросит)", en="by the parent's name (asks)"),
    "find-student": Wording(
        ru="по имени и дате рождения ученика (спросит)", en="by the student's name and birth date (asks)"
    ),
    "find-document": Wording(ru="по номеру документа родителя (спросит)", en="by the parent's document (asks)"),
    "terms": Wording(
        ru="Сроки закона: что и по какой день нужно сделать; статус 1, если что-то просрочено.",
        en="The clocks of the law: what is due by when; exit status 1 when something is overdue.",
    ),
    "within": Wording(
        ru="только просроченное и то, чему осталось не больше дней", en="only what has lapsed or has so many days left"
    ),
    "request": Wording(
        ru="Обращения о персональных данных: исправить или ответить.",
        en="Requests about personal data: to correct, or to answer.",
    ),
    "request-receive": Wording(ru="Внести обращение; срок пойдёт с его дня.", en="Enter a request; its term begins."),
    "request-kind": Wording(
        ru="correction исправить данные, answer ответить на запрос", en="correction of data, or answer to a question"
    ),
    "request-student": Wording(
        ru="о какой связи речь: номер ученика (вместе с --account)",
        en="the link meant: the student's id (with --account)",
    ),
    "request-account": Wording(ru="и учётная запись родителя", en="and the parent's account"),
    "request-at": Wording(ru="когда оно пришло; без этого — сейчас", en="when it came; else now"),
    "request-answer": Wording(ru="Отметить, что обращение исполнено.", en="Enter that a request was answered."),
    "request-reference": Wording(
        ru="номер обращения (его показывает registry terms)", en="the request's reference (registry terms shows it)"
    ),
    "answered-at": Wording(ru="когда исполнено; без этого — сейчас", en="when it was answered; else now"),
}
