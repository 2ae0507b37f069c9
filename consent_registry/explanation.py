"""Why one record may be sent or not, link by link, in words. Pure.

Rules (docs/consent-rules.md, 7 to 9). The answer is that of `decision.decide` for the same record; here each link's own
part in it is kept: it permits the record, or says one reason. Outside the pilot group the links that would permit it
still say so, and the record is withheld. Sentences name consents, links and accounts by their ids, nobody by name.
Deliberately not here: where links and rosters come from; what was sent (the audit log).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from consent_registry.decision import Grant, Refusal, in_pilot
from consent_registry.facts import CaseState
from consent_registry.pilot.admission import Pilot
from consent_registry.reasons import MEANINGS, RANKING, Reason
from journal.school import RosterEntry
from journal.wording import Language, Wording

_PERMITTED = Wording(
    ru="Передаётся: разрешено согласием {consent} (текст {version}) по связи {link} учётной записи {account}.",
    en="Sent: permitted by consent {consent} (text {version}) through link {link} of account {account}.",
)
_WITHHELD = Wording(ru="Не передаётся: {reason}. {meaning}.", en="Withheld: {reason}. {meaning}.")
_REMEDY = Wording(ru="Что делать: {remedy}.", en="What to do: {remedy}.")
_LINK_PERMITS = Wording(
    ru="Связь {link} учётной записи {account}: {consent}разрешает эту запись.",
    en="Link {link} of account {account}: {consent}permits this record.",
)
_LINK_REFUSES = Wording(
    ru="Связь {link} учётной записи {account}: {consent}{reason}. {meaning}.",
    en="Link {link} of account {account}: {consent}{reason}. {meaning}.",
)
_CONSENT = Wording(ru="согласие {consent} (текст {version}), ", en="consent {consent} (text {version}), ")


@dataclass(frozen=True, slots=True)
class LinkVerdict:
    """What one link says of a record; `reason` None: its consent permits it. Consent None: it isn't known here."""

    link_id: str
    account_id: str
    consent_ref: str | None
    consent_text_version: str | None
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is done with a record: sent, permitted by these grants; or withheld (`permitted_by` empty) for a reason."""

    permitted_by: tuple[Grant, ...]
    reason: Reason | None
    links: tuple[LinkVerdict, ...]


def explain(
    kind: str,
    day: date | None,
    links: Sequence[Grant | Refusal],
    student: RosterEntry | None,
    pilot: Pilot,
    today: date,
) -> Explanation:
    """Explain the decision on a record of one student; `links` are the grounds of that student's links.

    An unknown `kind` and a missing day are withheld. Raises ValueError for links of several students.
    """
    students = {link.student_key for link in links} | ({student.student_key} if student else set())
    if len(students) > 1:
        raise ValueError("a record has one student")
    verdicts = tuple(_verdict(link, kind, day) for link in links)
    permitting = tuple(
        link for link, said in zip(links, verdicts, strict=True) if isinstance(link, Grant) and said.reason is None
    )
    if not permitting:
        reasons = (said.reason for said in verdicts if said.reason is not None)
        return Explanation((), max(reasons, key=RANKING.index, default=Reason.NO_LINK), verdicts)
    if not in_pilot(student, today, pilot):
        return Explanation((), Reason.NOT_IN_PILOT, verdicts)
    return Explanation(permitting, None, verdicts)


def _verdict(link: Grant | Refusal, kind: str, day: date | None) -> LinkVerdict:
    if isinstance(link, Refusal):
        return LinkVerdict(link.link_id, link.account_id, None, None, link.reason)
    reason = _gap(link, kind, day)
    return LinkVerdict(link.link_id, link.account_id, link.consent_ref, link.consent_text_version, reason)


def _gap(grant: Grant, kind: str, day: date | None) -> Reason | None:
    """Return why a consent does not cover a record; None: it does."""
    if kind not in grant.kinds:
        return Reason.KIND_NOT_COVERED
    inside = day is not None and grant.records_from <= day and (grant.records_to is None or day <= grant.records_to)
    return None if inside else Reason.DATE_NOT_COVERED


def with_consents(explanation: Explanation, cases: Iterable[CaseState]) -> Explanation:
    """Return the explanation with the consent of the moment named for the links that were refused, too."""
    of_link = {case.link_id: case for case in cases}

    def named(said: LinkVerdict) -> LinkVerdict:
        case = of_link.get(said.link_id)
        if case is None:
            return said
        return replace(said, consent_ref=case.consent_ref, consent_text_version=case.consent_text_version)

    return replace(explanation, links=tuple(named(said) for said in explanation.links))


def say(explanation: Explanation, language: Language) -> list[str]:
    """Return the explanation in sentences: the decision first, then what each link says."""
    lines = [
        _PERMITTED.say(
            language,
            consent=grant.consent_ref,
            version=grant.consent_text_version,
            link=grant.link_id,
            account=grant.account_id,
        )
        for grant in explanation.permitted_by
    ]
    if explanation.reason is not None:
        meaning, remedy = (wording.say(language) for wording in MEANINGS[explanation.reason])
        lines.append(_WITHHELD.say(language, reason=explanation.reason, meaning=meaning))
        lines.append(_REMEDY.say(language, remedy=remedy))
    return [*lines, *(_say_link(said, language) for said in explanation.links)]


def _say_link(said: LinkVerdict, language: Language) -> str:
    consent = ""
    if said.consent_ref is not None:
        consent = _CONSENT.say(language, consent=said.consent_ref, version=said.consent_text_version or "–")
    told = {"link": said.link_id, "account": said.account_id, "consent": consent}
    if said.reason is None:
        return _LINK_PERMITS.say(language, **told)
    return _LINK_REFUSES.say(language, **told, reason=said.reason, meaning=MEANINGS[said.reason][0].say(language))
