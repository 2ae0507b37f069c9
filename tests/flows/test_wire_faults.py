"""Each fault of the wire in pairs, through the whole flow over real TLS: failed and not taken, failed but taken.

Whatever breaks, the portal ends with exactly the permitted records, each said once, and no outcome stays unknown.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.memory_world import CODE
from worlds.wired_world import WiredWorld, lasting_keys, wired_world

from audit.keys import load_signing_key
from audit.verify import verify_log
from database import reading
from delivery.tables import BATCH, RECORD
from flows.reconciling import reconcile_school
from flows.steps import sync_school
from sandbox.portal import FaultKind

NOT_TAKEN = [
    FaultKind.TIMEOUT_BEFORE, FaultKind.CUT_BEFORE, FaultKind.INTERNAL_BEFORE,
    FaultKind.HTTP_500_BEFORE, FaultKind.HTTP_502_BEFORE, FaultKind.HTTP_503_BEFORE,
]  # fmt: skip
TAKEN = [
    FaultKind.TIMEOUT_AFTER, FaultKind.CUT_AFTER, FaultKind.INTERNAL_AFTER,
    FaultKind.HTTP_500_AFTER, FaultKind.HTTP_502_AFTER, FaultKind.HTTP_503_AFTER,
    FaultKind.HALF_REPLY_AFTER, FaultKind.UNSIGNED, FaultKind.WRONG_SIGNATURE, FaultKind.ALTERED_BODY,
    FaultKind.FOREIGN_CERTIFICATE, FaultKind.STALE_TIMESTAMP, FaultKind.REPLY_OF_ANOTHER, FaultKind.OVERSIZE_REPLY,
]  # fmt: skip


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lasting_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def world(tmp_path: Path, keys: Path) -> Iterator[WiredWorld]:
    with wired_world(tmp_path, keys) as made:
        yield made


def all_is_well(world: WiredWorld) -> None:
    assert [value for value, _ in world.shown()] == sorted(value for _, value in world.permitted().values())
    with reading(world.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(BATCH.c.state == "open")) == 0
        held = connection.execute(sa.select(RECORD.c.record_id, RECORD.c.revision).where(RECORD.c.held)).all()
    assert sorted(map(tuple, held)) == sorted(
        world.rows_of("SELECT record_id, revision FROM holding WHERE withdrawn = 0")
    )
    assert reconcile_school(world.bridge(), CODE).differences == {}
    assert verify_log(world.folder / "audit", load_signing_key(world.pem, "test-log").verifier).ok


@pytest.mark.parametrize("kind", [*NOT_TAKEN, *TAKEN])
@pytest.mark.parametrize("operation", ["SubmitJournal", "PutLink"])
def test_a_fault_is_over_within_the_run(world: WiredWorld, kind: FaultKind, operation: str) -> None:
    world.server.fail_next(kind, operation=operation)
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent, balance.links_put, balance.balances) == (None, 10, 2, True)
    said = world.said()
    assert len(said) == len({subject for _, subject, _ in said}) == 12
    assert {revision for _, _, revision in said} == {1}
    if operation == "SubmitJournal":
        assert world.asked("SubmitJournal") == (1 if kind in TAKEN else 2)
        assert len(world.rows_of("SELECT batch_id FROM receipt")) == 1
    all_is_well(world)


@pytest.mark.parametrize("kind", [*NOT_TAKEN, *TAKEN])
def test_a_fault_whose_outcome_cannot_be_asked_for_is_settled_by_the_next_run(
    world: WiredWorld, kind: FaultKind
) -> None:
    world.server.fail_next(kind, operation="SubmitJournal")
    world.server.fail_next("http-502-before", operation="GetReceipt", times=None)
    first = sync_school(world.bridge(), CODE)
    assert first.failure is not None
    assert first.failure.code.startswith("portal-")
    assert (first.sent, first.failed, first.balances) == (0, 10, True)
    assert world.asked("SubmitJournal") == 1
    world.server.clear_faults()
    second = sync_school(world.bridge(), CODE)
    assert second.failure is None
    assert (second.sent, second.unchanged) == ((0, 10) if kind in TAKEN else (10, 0))
    assert len(world.shown()) == len([act for act, _, _ in world.said() if act == "publish"]) == 10
    all_is_well(world)


@pytest.mark.parametrize("kind", [FaultKind.THROTTLED, FaultKind.MAINTENANCE])
@pytest.mark.parametrize("operation", ["SubmitJournal", "PutLink"])
def test_a_portal_that_asks_for_patience_gets_the_same_batch_again(
    world: WiredWorld, kind: FaultKind, operation: str
) -> None:
    world.server.fail_next(kind, operation=operation, argument="0")
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent) == (None, 10)
    assert world.asked("GetReceipt") == 0
    assert len(world.said()) == 12
    all_is_well(world)


def test_a_redirect_leads_nowhere_and_the_batch_goes_where_it_belongs(world: WiredWorld) -> None:
    world.server.fail_next(FaultKind.REDIRECT, operation="SubmitJournal")
    sync_school(world.bridge(), CODE)
    sync_school(world.bridge(), CODE)
    assert len(world.said()) == 12
    all_is_well(world)


def test_rejected_records_among_good_ones_go_when_they_changed(world: WiredWorld) -> None:
    world.server.fail_next(FaultKind.REJECT_RECORDS, operation="SubmitJournal", argument="[02468]$")
    balance = sync_school(world.bridge(), CODE)
    assert (balance.sent, balance.failed, balance.balances) == (5, 5, True)
    assert sync_school(world.bridge(), CODE).failed == 5
    assert world.asked("SubmitJournal") == 1
    for row in world.rows.values():
        row.value = "1"
    assert sync_school(world.bridge(), CODE).sent == 10
    all_is_well(world)


def test_a_batch_that_arrives_after_it_was_asked_for_is_a_duplicate_when_it_is_sent_again(world: WiredWorld) -> None:
    """The receipt of the second copy says `duplicate`, and is the receipt of the first."""
    submit, receipt = world.portal.submit, world.portal.receipt
    late: list[object] = []

    def on_its_way(batch):
        late.append(batch)
        world.portal.submit = submit
        world.server.fail_next("cut-before", operation="SubmitJournal")
        return submit(batch)

    def asked_too_early(school: str, batch_id: str):
        known = receipt(school, batch_id)
        while late:
            submit(late.pop())
        return known

    world.portal.submit = on_its_way
    world.portal.receipt = asked_too_early
    balance = sync_school(world.bridge(), CODE)
    assert (balance.failure, balance.sent, balance.balances) == (None, 10, True)
    assert world.asked("SubmitJournal") == 3
    assert len(world.said()) == 12
    outcomes = [line for line in world.log.entries() if b'"kind":"disclosure-outcome"' in line]
    assert len(outcomes) == 1
    assert b'"duplicate":true' in outcomes[0]
    all_is_well(world)
