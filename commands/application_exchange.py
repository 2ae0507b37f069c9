"""`dnevnik registry exchange`: new applications come from the portal, parents are told how far theirs are.

Rules. A line a school: what came, what was told, what waits, what the portal will never take. A school fails alone.
Exit status 2 when no school's exchange worked, 1 when some failed or a report was refused, else 0.
"""

from collections.abc import Sequence

from commands.call import Call
from commands.opening import open_bridge
from flows.applications import ApplicationExchange, exchange_applications
from journal.wording import ExitStatus, Wording

_EXCHANGING = Wording(ru="Заявления", en="Applications")
_DONE = Wording(
    ru="Школа {school}: новых заявлений {pulled}, сообщено родителям {told}, ждёт отправки {waiting}, "
    "не принято порталом {refused}",
    en="School {school}: new applications {pulled}, told to parents {told}, waiting to be told {waiting}, "
    "refused by the portal {refused}",
)
_NEW = Wording(
    ru="Что дальше с новыми: dnevnik registry applications {school}",
    en="What is next with the new ones: dnevnik registry applications {school}",
)
_REFUSED = Wording(
    ru="Школа {school}: портал не принял сообщение о заявлении {reference} ({status}): {code}. Повторять его программа "
    "не будет: сообщите родителю сами, код покажите оператору портала",
    en="School {school}: the portal refused to be told of application {reference} ({status}): {code}. It is not tried "
    "again: tell the parent yourself, show the code to the portal's operator",
)


def exchange(call: Call, schools: Sequence[str]) -> ExitStatus:
    """Exchange the schools' applications with the portal. Raises BridgeError `school-unknown`, `no-schools`."""
    settings = call.settings()
    chosen = settings.chosen(schools)
    bridge = open_bridge(settings)
    done: list[ApplicationExchange] = []
    with call.console.waiting(_EXCHANGING) as waiting:
        for number, school in enumerate(chosen):
            waiting.tell(school.code, number, len(chosen))
            done.append(exchange_applications(bridge, school.code))
    for one in done:
        _tell(call, one)
    if all(one.failure for one in done):
        return ExitStatus.NOT_DONE
    flawed = any(one.failure or one.refused for one in done)
    return ExitStatus.DONE_WITH_EXCEPTIONS if flawed else ExitStatus.DONE


def _tell(call: Call, one: ApplicationExchange) -> None:
    counts = {"pulled": one.pulled, "told": one.told, "waiting": one.waiting, "refused": len(one.refused)}
    call.console.say(_DONE, school=one.school, **counts)
    if one.pulled:
        call.console.say(_NEW, school=one.school)
    language = call.console.language
    for refusal in one.refused:
        named = {"reference": refusal.reference, "status": str(refusal.status), "code": refusal.code}
        call.console.note(_REFUSED.say(language, school=one.school, **named))
    if one.failure is not None:
        call.console.note(f"{one.school}: {one.failure.wording.say(language)}")
