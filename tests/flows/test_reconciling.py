"""Each difference between portal and ledger has its name, and is mended by the same outbox."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.memory_portal import HeldRecord
from worlds.memory_world import CODE, Link, MemoryWorld, Row

from database import reading
from delivery.limits import Limits
from delivery.runs import last_balances
from delivery.tables import RECORD, STUDENT_REF
from flows.reconciling import reconcile_school
from flows.steps import sync_school
from journal.portal import PortalError, Resend

DAY = date(2026, 10, 5)


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    made = MemoryWorld(tmp_path)
    for student in "12":
        made.register(Link(student, f"pa-{student}"))
        for number in range(4):
            made.rows[f"mark:{student}{number}"] = Row(student, str(number % 4 + 2), DAY)
    sync_school(made.bridge(), CODE)
    return made


def ids(world: MemoryWorld, student: str) -> list[str]:
    with reading(world.engine) as connection:
        query = sa.select(RECORD.c.record_id).where(RECORD.c.student_key == student).order_by(RECORD.c.source_key)
        return list(connection.scalars(query))


def reference(world: MemoryWorld, student: str) -> str:
    with reading(world.engine) as connection:
        return connection.scalar(sa.select(STUDENT_REF.c.student_ref).where(STUDENT_REF.c.student_key == student)) or ""


def per_student(world: MemoryWorld) -> dict[str, list[str]]:
    held = world.portal.held(CODE).values()
    return {
        student: sorted(record.value or "" for record in held if record.student_ref == reference(world, student))
        for student in "12"
    }


def as_expected(world: MemoryWorld) -> bool:
    permitted = world.permitted().values()
    return per_student(world) == {s: sorted(value for student, value in permitted if student == s) for s in "12"}


def hold(world: MemoryWorld, like: str, **changes: object) -> None:
    records = world.portal.seed(CODE).records
    published = records[like].published._replace(**changes)
    records[published.record_id] = HeldRecord(published.revision, published)


def test_a_missing_record_is_published_again(world: MemoryWorld) -> None:
    del world.portal.seed(CODE).records[ids(world, "1")[0]]
    assert reconcile_school(world.bridge(), CODE).differences == {"missing": 1}
    assert as_expected(world)


def test_a_record_that_the_ledger_never_knew_is_withdrawn(world: MemoryWorld) -> None:
    hold(world, ids(world, "1")[0], record_id="stray", revision=4)
    balance = reconcile_school(world.bridge(), CODE)
    assert balance.differences == {"extra": 1}
    assert "stray" not in world.portal.held(CODE)
    assert as_expected(world)


def test_a_record_that_was_taken_back_and_is_still_held_goes(world: MemoryWorld) -> None:
    record_id = ids(world, "1")[0]
    kept = world.portal.seed(CODE).records[record_id]
    del world.rows["mark:10"]
    sync_school(world.bridge(), CODE)
    world.portal.seed(CODE).records[record_id] = kept
    assert reconcile_school(world.bridge(), CODE).differences == {"still-held": 1}
    assert as_expected(world)


@pytest.mark.parametrize(("revision", "name"), [(3, "newer"), (1, "older")])
def test_another_revision_is_replaced(world: MemoryWorld, revision: int, name: str) -> None:
    world.rows["mark:10"].value = "5"
    sync_school(world.bridge(), CODE)
    hold(world, ids(world, "1")[0], revision=revision, value="1")
    assert reconcile_school(world.bridge(), CODE).differences == {name: 1}
    assert as_expected(world)


def test_a_record_under_another_childs_reference_goes_at_once_though_a_limit_holds_the_rest(world: MemoryWorld) -> None:
    foreign = ids(world, "1")[0]
    hold(world, foreign, student_ref=reference(world, "2"))
    for number in range(1, 4):
        del world.rows[f"mark:2{number}"]
    world.limits = Limits(0.10, 200, 0.75, 2)
    balance = reconcile_school(world.bridge(), CODE)
    assert balance.held is not None
    assert balance.differences == {"foreign": 1}
    assert foreign not in world.portal.held(CODE)
    world.limits = Limits(1.0, 10**9, 1.0, 10**9)
    assert sync_school(world.bridge(), CODE).failure is None
    assert as_expected(world)
    assert foreign not in world.portal.held(CODE)  # the row has a new record, for a record belongs to one student
    assert reconcile_school(world.bridge(), CODE).differences == {}


def test_what_is_taken_back_while_the_pages_come_is_no_difference(world: MemoryWorld) -> None:
    original = world.portal.holdings

    def listing(school: str):
        for number, holding in enumerate(original(school)):
            if number == 3:
                world.withdraw("1", "pa-1")
            yield holding

    world.portal.holdings = listing
    world.portal.page_size = 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.reconciling.HOLDINGS_A_PAGE", 2)
        balance = reconcile_school(world.bridge(), CODE)
    assert balance.differences == {}
    assert balance.withdrawn == {"consent-withdrawn": 4}
    assert as_expected(world)


def test_the_listing_is_asked_for_again_when_its_answer_is_lost_and_what_was_found_is_kept(world: MemoryWorld) -> None:
    del world.portal.seed(CODE).records[ids(world, "1")[0]]
    world.now += timedelta(minutes=1)
    world.portal.fail_after("holdings", PortalError("timeout", Resend.UNKNOWN))
    reconcile_school(world.bridge(), CODE)
    with reading(world.engine) as connection:
        (kept,) = last_balances(connection, [CODE])
    assert kept.differences == {"missing": 1}
