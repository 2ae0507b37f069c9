"""An explanation is the decision, told: the same answer as `decide` for the same record, and each link's part in it."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_registry.decision import Grant, Refusal, decide
from consent_registry.explanation import explain, say, with_consents
from consent_registry.facts import CaseState
from consent_registry.pilot.admission import WHOLE_SCHOOL, Pilot, PilotGroup, Stage
from consent_registry.reasons import MEANINGS, RANKING, Reason
from journal.school import Enrolment, RosterEntry
from journal.vocabulary import ALL_KINDS, RecordKind
from journal.wording import Language

TODAY = date(2026, 11, 20)
DAYS = [date(2026, 9, 1) + timedelta(days=number) for number in range(3)]
STUDENT = RosterEntry("7", date(2014, 3, 9), (Enrolment(date(2020, 9, 1), None, "5А"),))
REFUSING = [reason for reason in RANKING if RANKING.index(reason) < RANKING.index(Reason.NOT_IN_PILOT)]


def grant(number: int = 1, **changes: object) -> Grant:
    fields: dict[str, object] = {
        "school": "0252",
        "student_key": "7",
        "account_id": f"pa-{number}",
        "link_id": f"link-{number}",
        "consent_ref": f"consent-{number}",
        "consent_text_version": "2025-09",
        "kinds": ALL_KINDS,
        "in_force_from": date(2026, 9, 1),
        "in_force_to": None,
        "records_from": DAYS[0],
        "records_to": None,
    }
    return Grant(**(fields | changes))


def refusal(reason: Reason, number: int = 2) -> Refusal:
    return Refusal("0252", "7", f"pa-{number}", f"link-{number}", reason)


grants = st.builds(
    grant,
    st.integers(1, 9),
    kinds=st.frozensets(st.sampled_from(sorted(ALL_KINDS))),
    records_from=st.sampled_from(DAYS),
    records_to=st.none() | st.sampled_from(DAYS),
)
refusals = st.builds(refusal, st.sampled_from(REFUSING), st.integers(1, 9))
students = st.none() | st.sampled_from(
    [STUDENT, RosterEntry("7", None), RosterEntry("7", None, (Enrolment(date(2020, 9, 1), None, "6Б"),))]
)
groups = st.builds(
    PilotGroup,
    school=st.just("0252"),
    class_name=st.sampled_from(["5А", "6Б", WHOLE_SCHOOL]),
    stage=st.sampled_from(Stage),
    first=st.sampled_from([TODAY - timedelta(days=1), TODAY + timedelta(days=1)]),
)
pilots = st.builds(
    Pilot,
    configured=st.sampled_from([frozenset(), frozenset({"5-а"})]),
    groups=st.lists(groups, max_size=3).map(tuple),
)


@given(
    kind=st.sampled_from([*map(str, RecordKind), "homework"]),
    day=st.none() | st.sampled_from(DAYS),
    links=st.lists(grants | refusals, max_size=6),
    student=students,
    pilot=pilots,
)
@settings(deadline=None, max_examples=400)
def test_an_explanation_is_what_is_decided(
    kind: str,
    day: date | None,
    links: list[Grant | Refusal],
    student: RosterEntry | None,
    pilot: Pilot,
) -> None:
    frame = pd.DataFrame({"student_key": ["7"], "kind": [kind], "date": [day]})
    frame = frame.astype({"student_key": "str", "kind": "str", "date": "datetime64[s]"})
    roster = {} if student is None else {"7": student}
    (decided,) = decide(frame, links, roster, today=TODAY, pilot=pilot).itertuples(index=False)

    explained = explain(kind, day, links, student, pilot, TODAY)

    assert explained.reason == decided.reason
    assert bool(explained.permitted_by) == bool(decided.permitted)
    # Each link decided as if it were the student's only one, with no pilot group between.
    alone = [decide(frame, [link], {"7": STUDENT}, today=TODAY).reason.iloc[0] for link in links]
    assert [said.reason for said in explained.links] == alone
    assert [said.link_id for said in explained.links] == [link.link_id for link in links]
    if decided.permitted:
        permitting = [link for link, reason in zip(links, alone, strict=True) if reason is None]
        assert list(explained.permitted_by) == permitting


def test_each_consent_that_permits_a_record_is_named() -> None:
    links = [grant(1), refusal(Reason.CONSENT_WITHDRAWN, 2), grant(3, consent_text_version="2026-01")]
    explained = explain("current", DAYS[1], links, STUDENT, Pilot(), TODAY)
    assert explained.permitted_by == (links[0], links[2])
    assert say(explained, Language.EN) == [
        "Sent: permitted by consent consent-1 (text 2025-09) through link link-1 of account pa-1.",
        "Sent: permitted by consent consent-3 (text 2026-01) through link link-3 of account pa-3.",
        "Link link-1 of account pa-1: consent consent-1 (text 2025-09), permits this record.",
        "Link link-2 of account pa-2: consent-withdrawn. The parent has withdrawn the consent.",
        "Link link-3 of account pa-3: consent consent-3 (text 2026-01), permits this record.",
    ]


def test_a_withheld_record_has_one_reason_its_meaning_and_the_remedy() -> None:
    links = [refusal(Reason.NOT_IDENTIFIED, 1), grant(2, kinds=frozenset({RecordKind.REMARK}))]
    meaning = "Согласие не включает этот вид записей"
    explained = explain("current", DAYS[1], links, STUDENT, Pilot(), TODAY)
    assert say(explained, Language.RU) == [
        f"Не передаётся: kind-not-covered. {meaning}.",
        "Что делать: Возьмите новое согласие, если нужен этот вид.",
        "Связь link-1 учётной записи pa-1: not-identified. Заявление есть, личность родителя ещё не подтверждена.",
        f"Связь link-2 учётной записи pa-2: согласие consent-2 (текст 2025-09), kind-not-covered. {meaning}.",
    ]


def test_without_a_link_there_is_nothing_but_that_reason() -> None:
    explained = explain("current", DAYS[1], [], STUDENT, Pilot(), TODAY)
    assert (explained.permitted_by, explained.reason, explained.links) == ((), Reason.NO_LINK, ())
    assert len(say(explained, Language.RU)) == 2


def test_outside_the_pilot_group_the_links_still_say_that_they_permit() -> None:
    explained = explain("current", DAYS[1], [grant()], STUDENT, Pilot(frozenset({"6Б"})), TODAY)
    assert (explained.permitted_by, explained.reason) == ((), Reason.NOT_IN_PILOT)
    assert [said.reason for said in explained.links] == [None]


def test_refused_links_name_their_consents_where_the_cases_are_known() -> None:
    links = [refusal(Reason.CONSENT_EXPIRED, 1), refusal(Reason.NOT_IDENTIFIED, 2), refusal(Reason.NOT_REGISTERED, 3)]
    cases = [
        CaseState(1, "0252", "7", "pa-1", "link-1", consent_ref="c-1", consent_text_version="2025-09"),
        CaseState(2, "0252", "7", "pa-2", "link-2"),
    ]
    explained = with_consents(explain("current", DAYS[1], links, STUDENT, Pilot(), TODAY), cases)
    assert [(said.consent_ref, said.consent_text_version) for said in explained.links] == [
        ("c-1", "2025-09"),
        (None, None),
        (None, None),
    ]
    assert "consent c-1 (text 2025-09), consent-expired" in say(explained, Language.EN)[2]


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_can_be_told_in_both_languages(reason: Reason) -> None:
    explained = explain("current", DAYS[1], [refusal(reason)], STUDENT, Pilot(), TODAY)
    for language in Language:
        told = say(explained, language)
        assert all(wording.say(language) in "\n".join(told) for wording in MEANINGS[reason])


def test_links_of_several_students_are_no_record() -> None:
    with pytest.raises(ValueError, match="one student"):
        explain("current", DAYS[1], [grant()], RosterEntry("8", None), Pilot(), TODAY)
