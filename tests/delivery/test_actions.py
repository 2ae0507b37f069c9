"""A plan as acts: what its digest tells apart, what it can't tell, in which order things are done."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.decision import Grant
from delivery.actions import DEEDS, Act, Drift, act_from, acts_of, canonical_json, digest_of, drift, held_back
from delivery.links import LinkEnding, LinkPlan
from delivery.plan import RecordPlan
from journal.vocabulary import ALL_KINDS, EndReason

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
GRANT = Grant(
    "0252", "1", "pa-1", "link-1", "consent-1", "2025-09", ALL_KINDS, date(2026, 9, 1), None, date(2026, 9, 1), None
)
ENDING = LinkEnding("link-2", "2", EndReason.CONSENT_WITHDRAWN)


def records(publish: list[tuple[str, str, str | None, bytes]], withdraw: list[tuple[str, str, bool]]) -> RecordPlan:
    return RecordPlan(
        read=len(publish),
        publish=pd.DataFrame(publish, columns=["source_key", "student_key", "record_id", "digest"], dtype=object),
        withdraw=pd.DataFrame(withdraw, columns=["record_id", "reason", "lawful"]),
        unchanged=0,
        rejected_before=0,
        withheld={},
        set_aside={},
        holdings=0,
    )


NEW = ("mark:1", "17", None, b"a" * 16)
KNOWN = ("mark:2", "17", "r-2", b"b" * 16)
GONE = ("r-3", "deleted", False)
RECORDS = records([NEW, KNOWN], [GONE])
LINKS = LinkPlan((ENDING,), (GRANT,))


def digest(plan: RecordPlan = RECORDS, links: LinkPlan = LINKS, key: bytes = KEY) -> str:
    return digest_of(acts_of(plan, links, key))


def test_links_end_before_records_go_and_open_before_records_come() -> None:
    acts = acts_of(RECORDS, LINKS, KEY)
    assert [act.deed for act in acts] == ["end-link", "withdraw", "put-link", "publish", "publish"]
    assert [act.deed for act in acts if act.lawful] == ["end-link"]
    assert held_back(acts) == acts[1:]


def test_the_same_world_gives_the_same_digest_in_whatever_order_it_was_read() -> None:
    assert digest() == digest(records([KNOWN, NEW], [GONE]))
    assert len(digest()) == 64


@pytest.mark.parametrize(
    ("plan", "links"),
    [
        (records([NEW], [GONE]), LINKS),
        (records([NEW, ("mark:2", "17", "r-2", b"c" * 16)], [GONE]), LINKS),
        (records([NEW, ("mark:2", "17", "r-9", b"b" * 16)], [GONE]), LINKS),
        (records([("mark:1", "18", None, b"a" * 16), KNOWN], [GONE]), LINKS),
        (records([("mark:9", "17", None, b"a" * 16), KNOWN], [GONE]), LINKS),
        (records([NEW, KNOWN], []), LINKS),
        (records([NEW, KNOWN], [("r-4", "deleted", False)]), LINKS),
        (records([NEW, KNOWN], [("r-3", "out-of-scope", False)]), LINKS),
        (records([NEW, KNOWN], [("r-3", "deleted", True)]), LINKS),
        (RECORDS, LinkPlan((), (GRANT,))),
        (RECORDS, LinkPlan((LinkEnding("link-2", "2", EndReason.RESTRICTED),), (GRANT,))),
        (RECORDS, LinkPlan((LinkEnding("link-2", "2", EndReason.CONSENT_WITHDRAWN, limited=True),), (GRANT,))),
        (RECORDS, LinkPlan((ENDING,), ())),
        (RECORDS, LinkPlan((ENDING,), (replace(GRANT, in_force_to=date(2027, 5, 31)),))),
    ],
)  # fmt: skip
def test_whatever_would_be_sent_otherwise_gives_another_digest(plan: RecordPlan, links: LinkPlan) -> None:
    assert digest(plan, links) != digest()


def test_who_lacks_the_key_can_try_nothing_out() -> None:
    told = canonical_json([act.plain() for act in acts_of(RECORDS, LINKS, KEY)]).decode()
    for secret in ("mark:1", "mark:2", '"17"', "pa-1", "consent-1"):
        assert secret not in told
    mine, others = acts_of(RECORDS, LINKS, KEY), acts_of(RECORDS, LINKS, OTHER_KEY)
    changed = [(a.deed, a.new) for a, b in zip(mine, others, strict=True) if a != b]
    assert changed == [("put-link", False), ("publish", True)]


acts = st.builds(
    Act,
    st.sampled_from(DEEDS),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["x", "y"]),
    st.booleans(),
    st.booleans(),
)


@given(acts)
def test_an_act_reads_back(act: Act) -> None:
    assert act_from(act.plain()) == act


@pytest.mark.parametrize(
    "plain",
    [
        None, [], {}, "publish",
        {"do": "publish", "record": "r", "content": "c", "more": "m"},
        {"do": "publish", "record": 1, "content": "c"},
        {"do": "erase", "record": "r", "content": "c"},
        {"do": "withdraw", "record": "r", "reason": "deleted", "lawful": False},
        {"do": "withdraw", "record": "r", "content": "c"},
    ],
)  # fmt: skip
def test_what_is_no_act_is_refused(plain: object) -> None:
    with pytest.raises(ValueError, match="not an act"):
        act_from(plain)


def keyed(listed: list[Act]) -> dict[tuple[str, str, bool], Act]:
    return {(act.deed, act.what, act.new): act for act in listed}


@given(st.lists(acts).map(keyed), st.lists(acts).map(keyed))
def test_drift_counts_what_one_list_has_and_another_lacks(before, after) -> None:
    found = {one.deed: one for one in drift(before.values(), after.values())}
    for deed in DEEDS:
        new = [key for key in after if key[0] == deed and key not in before]
        gone = [key for key in before if key[0] == deed and key not in after]
        other = [key for key in after if key[0] == deed and key in before and after[key] != before[key]]
        expected = Drift(deed, len(new), len(gone), len(other))
        assert found.get(deed, Drift(deed, 0, 0, 0)) == expected
    same = set(before.values()) == set(after.values())
    assert (not found) == same
