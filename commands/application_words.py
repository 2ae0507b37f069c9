"""What is said of applications on the screen: stages, origins, relations, and what comes next."""

from collections.abc import Mapping

from consent_registry.applications.procedure import ApplicationState, Origin, Step
from journal.vocabulary import Relation
from journal.wording import Language, Wording

STAGES: Mapping[Step, Wording] = {
    Step.RECEIVED: Wording(ru="принято", en="received"),
    Step.IDENTIFIED: Wording(ru="личность подтверждена", en="identified"),
    Step.LINKED: Wording(ru="ученик выбран", en="linked"),
    Step.REGISTERED: Wording(ru="зарегистрировано", en="registered"),
    Step.REJECTED: Wording(ru="отклонено", en="rejected"),
    Step.LAPSED: Wording(ru="закрыто по сроку", en="lapsed"),
    Step.WITHDRAWN: Wording(ru="отозвано", en="withdrawn"),
}
ORIGINS: Mapping[Origin, Wording] = {
    Origin.PORTAL: Wording(ru="портал", en="portal"),
    Origin.PAPER: Wording(ru="бумага", en="paper"),
}
RELATIONS: Mapping[Relation, Wording] = {
    Relation.PARENT: Wording(ru="родитель", en="parent"),
    Relation.ADOPTER: Wording(ru="усыновитель", en="adopter"),
    Relation.GUARDIAN: Wording(ru="опекун", en="guardian"),
    Relation.TRUSTEE: Wording(ru="попечитель", en="trustee"),
}
SHORT_NEXT: Mapping[Step, str] = {
    Step.RECEIVED: "identify",
    Step.IDENTIFIED: "propose, link",
    Step.LINKED: "form, consent, register",
}
"""The next commands, for a table's column."""

_NEXT: Mapping[Step, Wording] = {
    Step.RECEIVED: Wording(
        ru="Дальше: посмотрите документ родителя и отметьте: dnevnik registry identify {reference} --document ВИД",
        en="Next: see the parent's document and enter it: dnevnik registry identify {reference} --document KIND",
    ),
    Step.IDENTIFIED: Wording(
        ru="Дальше: посмотрите похожих учеников: dnevnik registry propose {reference}; выберите: "
        "dnevnik registry link {reference} --student НОМЕР",
        en="Next: look at students like it: dnevnik registry propose {reference}; choose one: "
        "dnevnik registry link {reference} --student ID",
    ),
    Step.LINKED: Wording(
        ru="Дальше: напечатайте согласие: dnevnik registry form consent {reference}; подписанное внесите: "
        "dnevnik registry consent --school {school} --student {student} --account {account} …; затем другой сотрудник: "
        "dnevnik registry register {reference}",
        en="Next: print the consent: dnevnik registry form consent {reference}; enter the signed one: "
        "dnevnik registry consent --school {school} --student {student} --account {account} …; then another member of "
        "staff: dnevnik registry register {reference}",
    ),
    Step.REGISTERED: Wording(
        ru="Дальше ничего не нужно: записи появятся на портале с ближайшей передачей (dnevnik sync {school})",
        en="Nothing more is needed: the records appear at the portal with the next sync (dnevnik sync {school})",
    ),
}
_CLOSED = Wording(
    ru="Заявление закрыто. Если родитель обратится снова, нужно новое заявление",
    en="The application is closed. If the parent comes back, a new application is needed",
)


def what_next(state: ApplicationState, language: Language) -> str:
    """Return what a person does next with an application."""
    return _NEXT.get(state.stage, _CLOSED).say(
        language,
        reference=state.key.reference,
        school=state.key.school,
        student=state.student_key,
        account=state.key.account_id,
    )
