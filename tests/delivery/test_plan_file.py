"""The file of a plan: written whole, read back, refused when a byte of it is another."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.actions import DEEDS, Act
from delivery.plan_file import STOPS, PlanFile, SchoolPlan, decode_plan, encode_plan, read_plan, write_plan
from journal.wording import BridgeError, Language

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
IDS = st.text("0123456789abcdef", min_size=1, max_size=8)
ACTS = st.builds(Act, st.sampled_from(DEEDS), IDS, IDS, st.booleans(), st.booleans())
SCHOOLS = st.builds(SchoolPlan, IDS, st.sampled_from(sorted(STOPS, key=str)), st.lists(ACTS, max_size=4).map(tuple))
PLANS = st.lists(SCHOOLS, min_size=1, max_size=3, unique_by=lambda plan: plan.school).map(
    lambda schools: PlanFile(AT, "dnevnik-bridge/0.1.0", tuple(schools))
)
PLAN = PlanFile(
    AT,
    "dnevnik-bridge/0.1.0",
    (
        SchoolPlan("0252", None, (Act("withdraw", "r-1", "deleted"), Act("publish", "r-2", "ab"))),
        SchoolPlan("0385", "held", (Act("withdraw", "r-3", "consent-withdrawn", lawful=True),)),
    ),
)


@given(PLANS)
def test_a_plan_reads_back(plan: PlanFile) -> None:
    assert decode_plan(encode_plan(plan)) == plan


@given(PLANS, st.data())
def test_a_file_with_another_byte_is_no_plan(plan: PlanFile, data: st.DataObject) -> None:
    content = bytearray(encode_plan(plan))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))
    try:
        read = decode_plan(bytes(content))
    except ValueError:
        return
    assert read.schools == plan.schools  # another moment or program, the same acts


@given(PLANS, PLANS)
def test_the_digest_is_over_all_that_is_to_be_done(one: PlanFile, other: PlanFile) -> None:
    assert (one.digest == other.digest) == (one.schools == other.schools)


def test_it_is_its_owners_alone_and_replaces_a_plan_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    write_plan(file, PLAN)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_plan(file) == PLAN
    assert json.loads(file.read_bytes())["schools"][1]["stop"] == "held"
    altered = file.read_bytes().replace(b'"r-1"', b'"r-9"')
    file.write_bytes(altered)
    write_plan(file, PLAN)
    assert read_plan(file) == PLAN
    other = tmp_path / "bridge.toml"
    other.write_text("[bridge]\n")
    assert_refused("plan-name-taken", lambda: write_plan(other, PLAN))
    assert other.read_text() == "[bridge]\n"
    assert_refused("plan-not-written", lambda: write_plan(tmp_path / "nowhere" / "plan.json", PLAN))
    assert {path.name for path in tmp_path.iterdir()} == {"plan.json", "bridge.toml"}


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.replace(b'"r-1"', b'"r-9"'),
        lambda content: content.replace(b'"held"', b"null"),
        lambda content: content.replace(b'"held"', b'"gone"'),
        lambda content: content.replace(b"+00:00", b""),
        lambda content: content.replace(b',"v":1', b',"v":2'),
        lambda content: content.rstrip(b"\n"),
        lambda _: b"[]\n",
        lambda _: encode_plan(PlanFile(AT, "dnevnik-bridge/0.1.0", ())),
        lambda _: b"\xff",
        lambda _: b"[" * 100_000,
    ],
)
def test_a_changed_file_is_refused(tmp_path: Path, change) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(change(encode_plan(PLAN)))
    assert_refused("plan-altered", lambda: read_plan(file))


def test_a_file_that_is_not_there_and_a_school_that_is_not_in_it_are_named(tmp_path: Path) -> None:
    assert_refused("plan-unreadable", lambda: read_plan(tmp_path / "none"))
    assert PLAN.chosen(tmp_path, ["0385"]) == [PLAN.schools[1]]
    assert PLAN.chosen(tmp_path, []) == list(PLAN.schools)
    refused = assert_refused("plan-without-school", lambda: PLAN.chosen(tmp_path, ["9"]))
    assert "0252, 0385" in refused.say(Language.RU)


def assert_refused(code: str, act) -> BridgeError:
    with pytest.raises(BridgeError) as refused:
        act()
    assert refused.value.code == code
    assert refused.value.say(Language.RU) != refused.value.say(Language.EN)
    return refused.value
