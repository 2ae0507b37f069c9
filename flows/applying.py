"""A look's plan handed over, in the order that never shows a record without ground; the balance of what came of it.

Rules. Links are ended first, those that show less are put so, then records are withdrawn, then other links put, then
records published, only of students whose link is open and of whom no link shows more than it may (`Desk.shut`). A hold
or a pause keeps back all but what the law demands to be taken back (`flows.look.Leave`). What lost its ground meanwhile
goes before anything that shows more (`flows.taking_back`).
Deliberately not here: reading and deciding (`flows.look`), when a run begins and ends (`flows.steps`).
"""

from dataclasses import replace
from datetime import datetime

import pandas as pd

from audit.entry import HoldEvent
from database import reading, writing
from delivery import holds
from delivery.balance import HeldPlan, SchoolBalance
from delivery.desk import Desk, SendingTally, at_once
from delivery.intent import content_rows, permitted_now, publish_rows
from delivery.send import send_publications, send_withdrawals, take_back_first
from delivery.send_links import LinkTally, end_links, linked_students, put_links
from flows.bridge import Bridge, School
from flows.failures import describe, not_taken_back
from flows.look import LATE, Leave, Look, admitted_links, admitted_withdrawals, expected_balance
from flows.witness_steps import heeding_witnesses


def apply_look(
    bridge: Bridge, school: School, desk: Desk, look: Look, blank: SchoolBalance, leave: Leave
) -> SchoolBalance:
    """Send a look's plan in the order that never shows a record without ground; returns the balance."""
    if leave.held is not None:
        _store_hold(bridge, school, leave.held, desk.run, look.now)
    links, tally = LinkTally(), SendingTally()
    link_plan = admitted_links(look.links, leave)
    end_links(at_once(desk), link_plan, links)
    if links.stopped_by is None:
        put_links(at_once(desk), link_plan.demanded(), links)
    send_withdrawals(at_once(desk), admitted_withdrawals(look.records, leave), bridge.batch_records, tally)
    if leave.stop is None:
        vouched = heeding_witnesses(bridge, desk)
        take_back_first(vouched, tally)
        if links.stopped_by is None and tally.stopped_by is None:
            put_links(vouched, link_plan.others(), links)
        tally.stopped_by = tally.stopped_by or links.stopped_by
        _publish(bridge, vouched, look.records.publish, tally)
        with writing(bridge.engine) as connection:
            holds.finish_holds(connection, school.code, "", bridge.clock())
    take_back_first(desk, tally)
    stopped_by = tally.stopped_by or links.stopped_by
    expected = expected_balance(look, leave, blank)
    late = {LATE: tally.withheld_late} if tally.withheld_late else {}
    return replace(
        expected,
        sent=tally.sent,
        failed=expected.failed + tally.failed,
        withheld={**expected.withheld, **late},
        withdrawn=dict(tally.withdrawn),
        links_put=links.put,
        links_ended=links.ended,
        links_refused=links.not_put,
        failure=describe(stopped_by)
        if stopped_by
        else not_taken_back(tally.not_withdrawn, links.not_ended + links.not_narrowed),
    )


def _publish(bridge: Bridge, desk: Desk, publish: pd.DataFrame, tally: SendingTally) -> None:
    """Publish the records of students whose link is open at the portal, and none shows more than it may.

    What else is still permitted has failed.
    """
    with reading(bridge.engine) as connection:
        linked = linked_students(connection, desk.school)
    ready = publish["student_key"].isin(linked - desk.shut)
    rows = publish_rows(content_rows(publish[~ready]), desk.new_id)
    with reading(bridge.engine) as connection:
        permitted = len(permitted_now(replace(desk, shut=set()), connection, rows, desk.clock())[0])
    tally.failed += permitted
    tally.withheld_late += len(rows) - permitted
    send_publications(desk, publish[ready], bridge.batch_records, tally)


def _store_hold(bridge: Bridge, school: School, plan: HeldPlan, run: str, now: datetime) -> None:
    counts = {"withdrawals": plan.withdrawals, "changes": plan.changes, "holdings": plan.holdings}
    bridge.log.append([HoldEvent(at=now, school=school.code, hold=plan.digest, event="held", run=run, counts=counts)])
    with writing(bridge.engine) as connection:
        holds.store_hold(connection, school.code, plan, now)
