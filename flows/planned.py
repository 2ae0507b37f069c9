"""A plan that was written down, held against the world as it is now.

Rules. A written plan is carried out exactly or not at all: any act that came, went or became another since refuses
the school's whole run, and so does a pause that began or ended. A plan that was held may go once a person approved
it, for an approval counts for exactly these acts. Consents are read again before each batch all the same, and what
they no longer cover stays behind. Deliberately not here: the file (`delivery.plan_file`), sending (`flows.steps`).
"""

from delivery.actions import Deed, Drift, drift
from delivery.plan_file import HELD, PAUSED, SchoolPlan
from flows.bridge import Bridge, School
from flows.look import Leave, Look, planned_acts
from journal.wording import BridgeError, Language, Wording

_CHANGED = Wording(
    ru="Школа {school}: с тех пор, как составлен план, изменилось: {ru}. Ничего не отправлено. Составьте план заново: "
    "dnevnik plan --out FILE",
    en="School {school}: since the plan was made, this has changed: {en}. Nothing was sent. Make the plan anew: "
    "dnevnik plan --out FILE",
)
_DEEDS: dict[Deed, Wording] = {
    "end-link": Wording(ru="закрыть связей", en="links to close"),
    "withdraw": Wording(ru="снять записей", en="records to take back"),
    "put-link": Wording(ru="открыть связей", en="links to open"),
    "publish": Wording(ru="показать записей", en="records to publish"),
}
_NEW = Wording(ru="новых {n}", en="{n} new")
_GONE = Wording(ru="отпало {n}", en="{n} gone")
_OTHER = Wording(ru="других {n}", en="{n} other")
_STOPS = {
    None: Wording(ru="ничто не мешало передаче", en="nothing held the transfer back"),
    HELD: Wording(ru="задержка по пределам", en="a hold by the limits"),
    PAUSED: Wording(ru="пауза школы", en="a pause of the school"),
}
_STOP = Wording(ru="было: {was}, теперь: {now}", en="then: {was}, now: {now}")


def write_down(bridge: Bridge, school: School, look: Look, leave: Leave) -> SchoolPlan:
    """Return a look's plan as it is written into a file."""
    return SchoolPlan(school.code, leave.stop, tuple(planned_acts(bridge, school, look)))


def refuse_changed(bridge: Bridge, school: School, planned: SchoolPlan, look: Look, leave: Leave) -> None:
    """Raise BridgeError `plan-outdated`, with what changed in counts, unless `look` comes to exactly this plan."""
    found = drift(planned.acts, planned_acts(bridge, school, look))
    approved = planned.stop == HELD and leave.stop is None
    if not found and (planned.stop == leave.stop or approved):
        return
    told: dict[str, object] = {"school": school.code}
    for language in Language:
        parts = [_told(one, language) for one in found]
        if planned.stop != leave.stop and not approved:
            was, now = (_STOPS[stop].say(language) for stop in (planned.stop, leave.stop))
            parts.append(_STOP.say(language, was=was, now=now))
        told[str(language)] = "; ".join(parts)
    raise BridgeError("plan-outdated", _CHANGED, told)


def _told(one: Drift, language: Language) -> str:
    counts = ((_NEW, one.new), (_GONE, one.gone), (_OTHER, one.other))
    return f"{_DEEDS[one.deed].say(language)}: " + ", ".join(word.say(language, n=n) for word, n in counts if n)
