"""The steps of one school between a fake school and a fake portal: what is sent, taken back, held, and lost replies."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.memory_world import CODE, DiedError, Link, MemoryWorld, Row

from audit.keys import load_signing_key
from audit.verify import verify_log
from database import reading, writing
from delivery import holds
from delivery.limits import Limits
from delivery.tables import BATCH, RECORD, SCHOOL_LEASE
from flows.reconciling import reconcile_school
from flows.steps import plan_school, sweep_school, sync_school
from journal.portal import PortalError, Resend
from journal.records import LinkEnd, Withdraw

DAY = date(2026, 10, 5)


@pytest.fixture
def world(tmp_path: Path) -> MemoryWorld:
    made = MemoryWorld(tmp_path)
    for student in "12":
        made.register(Link(student, f"pa-{student}"))
        for number in range(5):
            made.rows[f"mark:{student}{number}"] = Row(student, str(number % 4 + 2), DAY)
    made.rows["mark:30"] = Row("3", "5", DAY)
    return made


def shown(world: MemoryWorld) -> list[tuple[str, str]]:
    """What the portal shows, as (student, value), by the ledger's own map from refs to students."""
    with reading(world.engine) as connection:
        keys = {r.record_id: r.student_key for r in connection.execute(sa.select(RECORD))}
    return sorted((keys[key], record.value) for key, record in world.portal.held(CODE).items())


def expected(world: MemoryWorld) -> list[tuple[str, str]]:
    return sorted(world.permitted().values())


def test_a_first_sync_shows_the_permitted_records_and_balances(world: MemoryWorld) -> None:
    balance = sync_school(world.bridge(), CODE)
    assert balance.failure is None
    assert (balance.read, balance.sent, balance.withheld) == (11, 10, {"no-link": 1})
    assert balance.balances
    assert shown(world) == expected(world)
    assert len(world.portal.active_links(CODE)) == 2
    again = sync_school(world.bridge(), CODE)
    assert (again.sent, again.unchanged, again.links_put) == (0, 10, 0)


def test_a_plan_says_what_a_sync_then_does_and_sends_nothing(world: MemoryWorld) -> None:
    plan = plan_school(world.bridge(), CODE)
    assert world.portal.calls == []
    done = sync_school(world.bridge(), CODE)
    assert (plan.read, plan.sent, plan.withheld) == (done.read, done.sent, done.withheld)


def test_links_are_put_before_records_and_ended_before_they_are_withdrawn(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    calls = world.portal.calls
    assert calls.index("submit") > max(i for i, call in enumerate(calls) if call == "put_link")
    world.withdraw("1", "pa-1")
    calls.clear()
    sync_school(world.bridge(), CODE)
    assert calls.index("end_link") < calls.index("submit")


def test_corrections_deletions_and_withdrawals_reach_the_portal(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.rows["mark:10"].value = "5"
    del world.rows["mark:20"]
    world.withdraw("1", "pa-1")
    balance = sync_school(world.bridge(), CODE)
    assert balance.withdrawn == {"consent-withdrawn": 5, "deleted": 1}
    assert balance.balances
    assert shown(world) == expected(world)
    assert {link.account_id for link in world.portal.active_links(CODE).values()} == {"pa-2"}


def test_a_sweep_takes_back_without_reading_the_school(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.read_fails = AssertionError("a sweep must not read the school")
    world.withdraw("1", "pa-1")
    world.left.add("2")  # not known to the sweep: the roster is as last read
    balance = sweep_school(world.bridge(), CODE)
    assert balance.failure is None
    assert balance.withdrawn == {"consent-withdrawn": 5}
    assert balance.links_ended == 1
    world.portal.calls.clear()
    sweep_school(world.bridge(), CODE)
    assert world.portal.calls == []


def test_coming_of_age_is_seen_by_a_sweep(world: MemoryWorld) -> None:
    world.birth_dates["1"] = world.today.replace(year=world.today.year - 18) + timedelta(days=1)
    sync_school(world.bridge(), CODE)
    world.now += timedelta(days=1)
    assert sweep_school(world.bridge(), CODE).withdrawn == {"came-of-age": 5}
    assert {act.message.reason for act in world.portal.acts if isinstance(act.message, LinkEnd | Withdraw)} == {
        "came-of-age"
    }
    # The portal is told; a log with this word would tell the birth date of whoever is erased later.
    assert b"of-age" not in b"".join(world.log.entries())
    ended = json.loads(list(world.log.entries())[-1])
    assert ended["balance"]["withdrawn"] == {"lapsed": 5}


def test_a_row_set_aside_keeps_what_is_held_unless_it_no_longer_stands(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.rows["mark:10"].bad = "undecodable-text"
    world.rows["mark:20"].bad = "lesson-cancelled"
    balance = sync_school(world.bridge(), CODE)
    assert balance.withdrawn == {"out-of-scope": 1}
    assert len(world.portal.held(CODE)) == 9


@pytest.mark.parametrize("code", ["timeout", "Internal", "connection-cut"])
def test_a_lost_reply_is_asked_after_and_never_sent_blindly(world: MemoryWorld, code: str) -> None:
    world.portal.fail_after("submit", PortalError(code, Resend.UNKNOWN))
    balance = sync_school(world.bridge(), CODE)
    assert (balance.sent, balance.failed) == (10, 0)
    assert world.portal.calls.count("receipt") == 1
    assert world.portal.calls.count("submit") == 4
    assert shown(world) == expected(world)


def test_a_call_that_never_arrived_is_sent_again_as_the_same_batch(world: MemoryWorld) -> None:
    world.portal.fail_before("submit", PortalError("timeout", Resend.UNKNOWN))
    assert sync_school(world.bridge(), CODE).sent == 10
    with reading(world.engine) as connection:
        assert connection.scalars(sa.select(BATCH.c.state)).all() == ["taken"] * 4


def test_an_unknown_outcome_stops_the_school_and_the_next_run_resolves_it(world: MemoryWorld) -> None:
    world.portal.fail_after("submit", PortalError("timeout", Resend.UNKNOWN))
    world.portal.fail_before("receipt", PortalError("timeout", Resend.UNKNOWN), times=2)
    first = sync_school(world.bridge(), CODE)
    assert first.failure is not None
    assert first.failure.code == "portal-timeout"
    assert first.balances
    world.portal.faults.clear()
    second = sync_school(world.bridge(), CODE)
    assert second.failure is None
    assert second.unchanged == 3
    assert shown(world) == expected(world)


def test_throttling_is_waited_out_and_maintenance_beyond_patience_loses_nothing(world: MemoryWorld) -> None:
    world.portal.fail_before("submit", PortalError("Throttled", Resend.RETRYABLE, retry_after=0))
    assert sync_school(world.bridge(), CODE).sent == 10
    world.rows["mark:11"].value = "5"
    world.portal.fail_before("submit", PortalError("Maintenance", Resend.RETRYABLE, retry_after=0), times=9)
    down = sync_school(world.bridge(), CODE)
    assert (down.sent, down.failed) == (0, 1)
    assert down.failure is not None
    world.portal.faults.clear()
    assert sync_school(world.bridge(), CODE).sent == 1
    assert shown(world) == expected(world)


def test_rejected_records_fail_alone_and_are_tried_again_only_when_they_changed(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    with reading(world.engine) as connection:
        record_id = connection.scalar(sa.select(RECORD.c.record_id).where(RECORD.c.source_key == "mark:10"))
    world.portal.reject[record_id] = "BadValue"
    world.rows["mark:10"].value = "5"
    world.rows["mark:11"].value = "5"
    balance = sync_school(world.bridge(), CODE)
    assert (balance.sent, balance.failed, balance.balances) == (1, 1, True)
    world.portal.calls.clear()
    assert sync_school(world.bridge(), CODE).failed == 1
    assert world.portal.calls == []
    world.portal.reject.clear()
    world.rows["mark:10"].value = "4"
    assert sync_school(world.bridge(), CODE).sent == 1


def test_a_withdrawal_between_plan_and_intent_keeps_the_records_back(world: MemoryWorld) -> None:
    world.portal.fail_before("submit", PortalError("Throttled", Resend.RETRYABLE, retry_after=0))
    bridge = world.bridge()
    original = world.portal.put_link

    def put_and_withdraw(link):
        state = original(link)
        if link.account_id == "pa-2":
            world.withdraw("2", "pa-2")
        return state

    world.portal.put_link = put_and_withdraw
    balance = sync_school(bridge, CODE)
    assert balance.withheld == {"no-link": 1, "consent-changed": 5}
    assert balance.balances
    assert {student for student, _ in shown(world)} == {"1"}


def test_limits_hold_deletions_until_a_person_approves_but_never_a_lawful_withdrawal(world: MemoryWorld) -> None:
    world.limits = Limits(0.10, 200, 0.75, 2)
    sync_school(world.bridge(), CODE)
    for number in range(4):
        del world.rows[f"mark:2{number}"]
    world.withdraw("1", "pa-1")
    held = sync_school(world.bridge(), CODE)
    assert held.held is not None
    assert held.held.exceeded == ("withdraw_share",)
    assert held.withdrawn == {"consent-withdrawn": 5}
    assert len(world.portal.held(CODE)) == 5
    still = sync_school(world.bridge(), CODE)
    assert still.held is not None
    with writing(world.engine) as connection:
        holds.decide_hold(connection, CODE, still.held.digest[:12], holds.APPROVED, "Завуч", world.now)
    assert sync_school(world.bridge(), CODE).withdrawn == {"deleted": 4}
    with reading(world.engine) as connection:
        assert holds.list_holds(connection) == []
    assert shown(world) == expected(world)


def test_paused_days_hold_all_but_lawful_withdrawals(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.rows["mark:29"] = Row("2", "5", DAY)
    world.withdraw("1", "pa-1")
    world.paused = ((world.today, world.today),)
    balance = sync_school(world.bridge(), CODE)
    assert balance.withheld["paused"] == 1
    assert balance.balances
    assert balance.withdrawn == {"consent-withdrawn": 5}
    assert len(world.portal.held(CODE)) == 5


def test_a_pilot_class_admits_only_its_students(world: MemoryWorld) -> None:
    world.pilot_classes = frozenset({"6Б"})
    balance = sync_school(world.bridge(), CODE)
    assert balance.sent == 0
    assert balance.withheld == {"not-in-pilot": 10, "no-link": 1}
    assert "put_link" not in world.portal.calls
    world.pilot_classes = frozenset({"5-а"})
    assert sync_school(world.bridge(), CODE).sent == 10


def test_reconciling_mends_every_kind_of_difference(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    records = world.portal.seed(CODE).records
    first, second, third, fourth = sorted(records)[:4]
    del records[first]  # missing
    newer = records[second].published._replace(revision=7)
    records[second] = type(records[second])(7, newer)
    stray = records[third].published
    with writing(world.engine) as connection:  # extra: the portal holds it, the ledger has forgotten it
        connection.execute(RECORD.update().where(RECORD.c.record_id == fourth).values(held=False, digest=None))
    records["stray"] = type(records[third])(3, stray._replace(record_id="stray", revision=3))
    balance = reconcile_school(world.bridge(), CODE)
    assert balance.failure is None
    assert balance.differences == {"missing": 1, "newer": 1, "extra": 1, "still-held": 1}
    with reading(world.engine) as connection:
        assert "stray" not in world.portal.held(CODE)
        assert connection.scalar(sa.select(sa.func.count()).select_from(RECORD).where(RECORD.c.held)) == 10
    assert len(world.portal.held(CODE)) == 10
    assert reconcile_school(world.bridge(), CODE).differences == {}


BOUNDARIES = [
    "links-stored", "links-logged", "links-told",
    "batch-stored", "intent-logged", "reply-received", "outcome-logged", "outcome-stored",
]  # fmt: skip


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("passes", [0, 1])
def test_dying_at_each_boundary_the_next_run_ends_as_the_oracle_says(
    world: MemoryWorld, boundary: str, passes: int
) -> None:
    world.batch_records = 4
    for phase in range(2):
        world.die_at = (boundary, passes if not boundary.startswith("links") else 0)
        if phase:
            world.rows["mark:10"].value = "5"
            del world.rows["mark:21"]
            world.rows["mark:28"] = Row("2", "3", DAY)
            world.register(Link("4", "pa-4"))
            world.rows["mark:40"] = Row("4", "4", DAY)
        with pytest.raises(DiedError):
            sync_school(world.bridge(), CODE)
        if phase:
            world.withdraw("2", "pa-2")
        assert sync_school(world.bridge(), CODE).failure is None
        assert shown(world) == expected(world)
        assert {(link.account_id) for link in world.portal.active_links(CODE).values()} == {
            account for _, account in world.open_links()
        }
        with reading(world.engine) as connection:
            assert connection.scalar(sa.select(sa.func.count()).where(BATCH.c.state == "open")) == 0
    assert len({record.record_id for record in world.portal.held(CODE).values()}) == len(shown(world))
    assert verify_log(world.folder / "audit", load_signing_key(world.pem, "test-log").verifier).ok


def test_a_school_that_cannot_be_read_ends_in_a_coded_failure_and_touches_nothing(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.read_fails = ZeroDivisionError("Иванов Пётр")
    balance = sync_school(world.bridge(), CODE)
    assert balance.failure is not None
    assert balance.failure.code == "internal"
    assert "Иванов" not in repr(balance)
    assert shown(world) == expected(world)


def test_a_school_that_cannot_be_read_still_takes_back_what_lost_its_ground(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.read_fails = ZeroDivisionError()
    world.withdraw("1", "pa-1")
    balance = sync_school(world.bridge(), CODE)
    assert balance.failure is not None
    assert balance.withdrawn == {"consent-withdrawn": 5}
    assert shown(world) == expected(world)


def test_a_database_that_lost_its_students_is_held_not_believed(world: MemoryWorld) -> None:
    world.limits = Limits(0.10, 200, 0.75, 2)
    sync_school(world.bridge(), CODE)
    world.rows.clear()
    world.vanished = True
    balance = sync_school(world.bridge(), CODE)
    assert balance.held is not None
    assert (balance.withdrawn, balance.links_ended) == ({}, 0)
    assert len(world.portal.held(CODE)) == 10


def test_a_refused_withdrawal_and_a_refused_end_of_a_link_are_failures(world: MemoryWorld) -> None:
    sync_school(world.bridge(), CODE)
    world.withdraw("1", "pa-1")
    world.portal.fail_before("end_link", PortalError("NotAuthorized", Resend.FINAL))
    world.portal.reject = dict.fromkeys(world.portal.held(CODE), "Refused")
    balance = sweep_school(world.bridge(), CODE)
    assert balance.failure is not None
    assert balance.failure.code == "not-taken-back"
    assert "5" in balance.failure.wording.en
    assert "1 links" in balance.failure.wording.en
    world.portal.reject.clear()
    assert sweep_school(world.bridge(), CODE).failure is None
    assert shown(world) == expected(world)


def test_a_link_whose_reply_was_lost_is_told_again_at_once(world: MemoryWorld) -> None:
    world.portal.fail_after("put_link", PortalError("timeout", Resend.UNKNOWN))
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent, balance.links_put) == (None, 10, 2)
    assert world.portal.calls.count("put_link") == 3


def test_a_portal_that_asks_for_a_long_wait_is_left_alone(world: MemoryWorld) -> None:
    world.portal.fail_before("submit", PortalError("Throttled", Resend.RETRYABLE, retry_after=3600))
    balance = sync_school(world.bridge(), CODE)
    assert balance.failure is not None
    assert balance.failure.code == "portal-throttled"
    assert world.portal.calls.count("submit") == 1
    world.now += timedelta(hours=1)
    assert sync_school(world.bridge(), CODE).failure is None
    assert shown(world) == expected(world)


def test_a_run_that_lost_its_lease_while_it_waited_sends_nothing_more(world: MemoryWorld) -> None:
    original = world.portal.submit

    def taken_over(_batch):
        world.portal.submit = original
        with writing(world.engine) as connection:  # another process took the school over, and settled this batch
            connection.execute(SCHOOL_LEASE.update().values(fence=99, holder="other"))
        raise PortalError("Throttled", Resend.RETRYABLE, retry_after=0)

    world.portal.submit = taken_over
    balance = sync_school(world.bridge(), CODE)
    assert balance.failure is not None
    assert balance.failure.code == "lease-lost"
    assert world.portal.held(CODE) == {}
    with writing(world.engine) as connection:
        connection.execute(SCHOOL_LEASE.update().values(holder=None, expires_at=None))
    assert sync_school(world.bridge(), CODE).sent == 10


def test_a_link_that_the_portal_will_not_open_is_told_though_another_shows_the_records(world: MemoryWorld) -> None:
    world.register(Link("1", "pa-1b"))
    del world.rows["mark:30"]
    world.portal.fail_before("put_link", PortalError("NotAuthorized", Resend.FINAL))
    balance = sync_school(world.bridge(), CODE)
    assert (balance.links_put, balance.links_refused) == (2, 1)
    assert balance.has_exceptions
    again = sync_school(world.bridge(), CODE)
    assert (again.links_put, again.links_refused) == (1, 0)
    assert shown(world) == expected(world)
