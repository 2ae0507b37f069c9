from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from consent_registry.facts import CaseKey, CaseState, Fact, FactKind, newest, state_of
from journal.vocabulary import ALL_KINDS, RecordKind

KEY = CaseKey(1, "0252", "1017", "pa-1", "link-1")
START = datetime(2026, 9, 1, tzinfo=UTC)
DETAILS: dict[FactKind, dict[str, object]] = {
    FactKind.APPLICATION: {"relation": "parent"},
    FactKind.IDENTIFICATION: {"by": "Секретарь 1"},
    FactKind.CONSENT: {
        "consent_ref": "consent-1",
        "text_version": "2025-09",
        "signed_on": "2026-09-03",
        "in_force_from": "2026-09-04",
        "in_force_to": None,
        "records_from": "2026-09-01",
        "records_to": "2027-05-31",
        "kinds": "current period",
    },
    FactKind.REGISTRATION: {"by": "Завуч 2"},
    FactKind.WITHDRAWAL: {"origin": "person"},
    FactKind.RESTRICTION: {"from": "2026-10-01", "to": None},
    FactKind.PEOPLE: {"changed": ["email"]},
}


def fact(kind: FactKind, hour: int, **detail: object) -> Fact:
    moment = START + timedelta(hours=hour)
    return Fact(kind, moment - timedelta(days=1), moment, "operator", detail)


def test_no_facts_make_a_case_without_anything() -> None:
    assert state_of(KEY, []) == CaseState(1, "0252", "1017", "pa-1", "link-1")


def test_all_facts_make_the_whole_state() -> None:
    facts = [fact(kind, hour, **detail) for hour, (kind, detail) in enumerate(DETAILS.items())]
    before = START - timedelta(days=1)
    assert state_of(KEY, facts) == CaseState(
        case_id=1,
        school="0252",
        student_key="1017",
        account_id="pa-1",
        link_id="link-1",
        relation="parent",
        submitted_at=before,
        identified_at=before + timedelta(hours=1),
        registered_at=before + timedelta(hours=3),
        consent_ref="consent-1",
        consent_text_version="2025-09",
        consent_signed_on=date(2026, 9, 3),
        in_force_from=date(2026, 9, 4),
        in_force_to=None,
        records_from=date(2026, 9, 1),
        records_to=date(2027, 5, 31),
        kinds=frozenset({RecordKind.CURRENT, RecordKind.PERIOD}),
        withdrawn_at=before + timedelta(hours=4),
        restricted_from=date(2026, 10, 1),
        restricted_to=None,
    )


def test_a_consent_without_kinds_covers_all_of_them() -> None:
    assert state_of(KEY, [fact(FactKind.CONSENT, 0, **DETAILS[FactKind.CONSENT] | {"kinds": ""})]).kinds == ALL_KINDS


@given(
    st.lists(st.tuples(st.sampled_from(FactKind), st.booleans()), max_size=20),
    st.none() | st.integers(-1, 20),
)
def test_of_each_kind_the_last_recorded_counts_as_far_as_it_was_known(
    told: list[tuple[FactKind, bool]], known_hour: int | None
) -> None:
    facts = [fact(kind, hour, **(DETAILS[kind] if stands else {})) for hour, (kind, stands) in enumerate(told)]
    known_at = None if known_hour is None else START + timedelta(hours=known_hour)

    expected = {}
    for kind in FactKind:
        heard = [one for one in facts if one.kind is kind and (known_at is None or one.recorded_at <= known_at)]
        if heard and heard[-1].detail:
            expected[kind] = heard[-1]
    assert newest(facts, known_at) == expected
    state = state_of(KEY, facts, known_at)
    assert (state.withdrawn_at is not None) == (FactKind.WITHDRAWAL in expected)
    assert (state.consent_ref is not None) == (FactKind.CONSENT in expected)
