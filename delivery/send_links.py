"""Tells the portal which links to close and which to open.

Rules. Every message is announced in the audit log before it is sent, and its outcome follows. A message has a
revision of its own and changes nothing when the portal holds a newer one, so a lost reply is answered by
telling the same again: `pending` in the ledger means "told, reply not seen". Links are announced a chunk at a
time, for each announcement waits for the disk. Dies in a chunk: its links stay pending, the next run tells
them again. A link is opened only if its ground stands in the transaction that stores the intent, and where the
registry moved since, once more at the last moment before it is told: what lost its ground is closed first then.
A link that the portal refuses keeps no other back; where its account should have seen less from now on, no record of
its student is published in this run (`Desk.shut`). At the first refusal of a run the portal is asked whether it trusts
the bridge at all: where it doesn't, no link is at fault, and the telling ends.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from audit.entry import LinkIntended, LinkOutcome, Outcome
from consent_registry.decision import Grant
from database import gate, reading, writing
from delivery import ledger
from delivery.desk import Desk, TakingBackStoppedError
from delivery.knock import ask
from delivery.lease import check_lease, confirm_lease
from delivery.links import LinkEnding, LinkPlan, Reach, ToldLink, terms_digest
from delivery.logged_words import logged_reason
from delivery.tables import LINK_STATE
from delivery.watch import Mark, has_moved, mark_of
from journal.portal import PortalError, Resend
from journal.records import LinkEnd, LinkPut, LinkState
from journal.vocabulary import ALL_KINDS
from journal.wording import BridgeError

LINKS_AT_ONCE = 50


@dataclass(slots=True)
class LinkTally:
    """How many links were closed and opened, and how many would not be; `stopped_by` ended the telling early.

    Of those that should have been renewed with less, `not_narrowed` were not; they are not in `not_put`.

    `trusted`: the portal was asked after a refusal, and it does trust the bridge.
    """

    ended: int = 0
    put: int = 0
    not_ended: int = 0
    not_put: int = 0
    not_narrowed: int = 0
    trusted: bool = False
    stopped_by: PortalError | BridgeError | None = None


@dataclass(frozen=True, slots=True)
class _Message:
    link_id: str
    student_key: str
    message: LinkPut | LinkEnd
    terms: bytes | None
    mark: Mark | None = None
    account_ref: str | None = None
    narrows: bool = False
    reach: Mapping[str, object] | None = None


class _OtherTermsError(Exception):
    """A link's ground went or changed after its message was stored and before it was told."""


_Answer = tuple[_Message, Outcome, str | None]
"""A message, what became of it, and the portal's code where it was not taken."""


def told_links(connection: Connection, school: str) -> dict[str, ToldLink]:
    """Return what the portal was last told of each link of a school."""
    told = LINK_STATE.c
    columns = (told.link_id, told.student_key, told.revision, told.active, told.pending, told.terms_digest)
    rows = connection.execute(sa.select(*columns, sa.cast(told.reach, sa.Text)).where(told.school == school))
    reaches: dict[str | None, Reach | None] = {None: None}  # of a thousand links, many reach as far as another
    links: dict[str, ToldLink] = {}
    for link_id, student, revision, active, pending, terms, reach in rows:
        if reach not in reaches:
            reaches[reach] = Reach.read(json.loads(reach))
        links[link_id] = ToldLink(link_id, student, revision, active, pending, terms, reaches[reach])
    return links


def linked_students(connection: Connection, school: str) -> set[str]:
    """Return the students, by key, of whom a link is open at the portal."""
    is_open = sa.and_(LINK_STATE.c.school == school, LINK_STATE.c.active)
    return set(connection.scalars(sa.select(LINK_STATE.c.student_key).where(is_open)))


def end_links(desk: Desk, plan: LinkPlan, tally: LinkTally) -> None:
    """Close links at the portal."""
    for part in _chunks(plan.end):
        if tally.stopped_by is None:
            _tell(desk, _store_ends(desk, part), tally)


def put_links(desk: Desk, plan: LinkPlan, tally: LinkTally) -> None:
    """Open or renew links at the portal."""
    for part in _chunks(plan.put):
        changed: Sequence[LinkEnding | Grant] = part
        while changed and tally.stopped_by is None:
            put = _store_puts(desk, changed, plan.narrowed)
            waiting = {message.link_id for message in _tell(desk, put, tally)}
            changed = [link for link in changed if link.link_id in waiting]


def _chunks(links: Sequence[LinkEnding] | Sequence[Grant]) -> Iterator[list[LinkEnding | Grant]]:
    for start in range(0, len(links), LINKS_AT_ONCE):
        yield list(links[start : start + LINKS_AT_ONCE])


def _store_ends(desk: Desk, part: Sequence[LinkEnding | Grant]) -> list[_Message]:
    with writing(desk.engine) as connection:
        gate(connection, desk.school)
        now = desk.clock()
        confirm_lease(connection, desk.lease, now)
        revisions = _next_revisions(connection, part)
        messages = [
            _Message(
                ending.link_id,
                ending.student_key,
                LinkEnd(desk.school, ending.link_id, revisions[ending.link_id], now, ending.reason),
                None,
            )
            for ending in part
            if isinstance(ending, LinkEnding)
        ]
        _store_pending(connection, desk.school, messages)
    _announce(desk, messages, now)
    return messages


def _store_puts(desk: Desk, part: Sequence[LinkEnding | Grant], narrowed: frozenset[str]) -> list[_Message]:
    with writing(desk.engine) as connection:
        gate(connection, desk.school)
        now = desk.clock()
        confirm_lease(connection, desk.lease, now)
        mark = mark_of(connection, desk.school, now, desk.day_of)
        standing = {
            ground.link_id: ground
            for ground in desk.grounds_now(connection, sorted({link.student_key for link in part}), now)
            if isinstance(ground, Grant)
        }
        grants = [standing[link.link_id] for link in part if link.link_id in standing]
        grants = _not_put_yet(connection, desk.school, grants)
        refs = ledger.student_refs(connection, desk.school, (grant.student_key for grant in grants), desk.new_id)
        revisions = _next_revisions(connection, grants)
        messages = [
            _Message(
                grant.link_id,
                grant.student_key,
                LinkPut(
                    school=desk.school,
                    link_id=grant.link_id,
                    revision=revisions[grant.link_id],
                    account_id=grant.account_id,
                    student_ref=refs[grant.student_key],
                    consent_ref=grant.consent_ref,
                    valid_from=grant.in_force_from,
                    valid_to=grant.in_force_to,
                    records_from=grant.records_from,
                    records_to=grant.records_to,
                    kinds=frozenset(grant.kinds or ALL_KINDS),
                ),
                terms_digest(grant),
                mark,
                grant.account_ref,
                grant.link_id in narrowed,
                Reach.of(grant).plain(),
            )
            for grant in grants
        ]
        _store_pending(connection, desk.school, messages)
    desk.boundary("links-stored")
    _announce(desk, messages, now)
    return messages


def _not_put_yet(connection: Connection, school: str, grants: Sequence[Grant]) -> list[Grant]:
    """Return the grants but for those that the portal has taken on these very terms, since the run was planned."""
    of_these = LINK_STATE.c.link_id.in_([grant.link_id for grant in grants])
    stands = sa.select(LINK_STATE.c.link_id, LINK_STATE.c.terms_digest).where(
        LINK_STATE.c.school == school, LINK_STATE.c.active, ~LINK_STATE.c.pending, of_these
    )
    taken = {(link_id, terms) for link_id, terms in connection.execute(stands)}
    return [grant for grant in grants if (grant.link_id, terms_digest(grant)) not in taken]


def _next_revisions(connection: Connection, links: Sequence[LinkEnding | Grant]) -> dict[str, int]:
    known: defaultdict[str, int] = defaultdict(int)
    ids = [link.link_id for link in links]
    rows = connection.execute(
        sa.select(LINK_STATE.c.link_id, LINK_STATE.c.revision).where(LINK_STATE.c.link_id.in_(ids))
    )
    known.update((link_id, revision) for link_id, revision in rows)
    return {link_id: known[link_id] + 1 for link_id in ids}


def _store_pending(connection: Connection, school: str, messages: Sequence[_Message]) -> None:
    for message in messages:
        stored = connection.execute(
            LINK_STATE.update()
            .where(LINK_STATE.c.link_id == message.link_id)
            .values(revision=message.message.revision, pending=True)
        )
        if stored.rowcount == 0:
            connection.execute(
                LINK_STATE.insert().values(
                    link_id=message.link_id,
                    school=school,
                    student_key=message.student_key,
                    revision=message.message.revision,
                    active=False,
                    pending=True,
                )
            )


def _announce(desk: Desk, messages: Sequence[_Message], now: datetime) -> None:
    if not messages:
        return
    with reading(desk.engine) as connection:
        check_lease(connection, desk.lease)
    desk.log.append([_intended(desk, message, now) for message in messages])
    desk.boundary("links-logged")


def _intended(desk: Desk, announced: _Message, now: datetime) -> LinkIntended:
    message = announced.message
    if isinstance(message, LinkPut):
        return LinkIntended(
            at=now,
            run=desk.run,
            school=desk.school,
            link=message.link_id,
            revision=message.revision,
            action="put",
            account=announced.account_ref,
            student=message.student_ref,
            consent=message.consent_ref,
        )
    return LinkIntended(
        at=now,
        run=desk.run,
        school=desk.school,
        link=message.link_id,
        revision=message.revision,
        action="end",
        reason=logged_reason(str(message.reason)),
    )


def _tell(desk: Desk, messages: Sequence[_Message], tally: LinkTally) -> list[_Message]:
    """Send each message; what was answered is entered even when a later one breaks off.

    Returns those that were not sent because their ground is another now.
    """
    answered: list[_Answer] = []
    changed: list[_Message] = []
    for message in messages:
        try:
            desk.patience.call(partial(_ask, desk, message), idempotent=True, meanwhile=desk.first)
        except _OtherTermsError:
            answered.append((message, "not-taken", "ground-lost"))
            changed.append(message)
        except TakingBackStoppedError as stopped:
            tally.stopped_by = stopped.failure
            break
        except PortalError as error:
            _count_not_told(desk, message, tally)
            if error.resend is not Resend.UNKNOWN:
                outcome: Outcome = "refused" if error.resend is Resend.FINAL else "not-taken"
                answered.append((message, outcome, error.code))
            tally.stopped_by = error if error.resend is not Resend.FINAL else _distrust(desk, tally)
            if tally.stopped_by is not None:
                break
        else:
            answered.append((message, "taken", None))
            if isinstance(message.message, LinkPut):
                tally.put += 1
            else:
                tally.ended += 1
    desk.boundary("links-told")
    _enter(desk, answered)
    return changed


def _count_not_told(desk: Desk, message: _Message, tally: LinkTally) -> None:
    if isinstance(message.message, LinkPut) and not message.narrows:
        tally.not_put += 1
        return
    desk.shut.add(message.student_key)
    if message.narrows:
        tally.not_narrowed += 1
    else:
        tally.not_ended += 1


def _distrust(desk: Desk, tally: LinkTally) -> PortalError | None:
    """Return why the portal refuses whatever the bridge says; None: it was that link alone."""
    if not tally.trusted:
        try:
            ask(desk)
        except PortalError as error:
            return error
        tally.trusted = True
    return None


def _ask(desk: Desk, message: _Message) -> LinkState:
    desk.turns.take(urgent=desk.urgent, meanwhile=desk.first)
    _still_stands(desk, message)
    if isinstance(message.message, LinkPut):
        return desk.portal.put_link(message.message)
    return desk.portal.end_link(message.message)


def _still_stands(desk: Desk, message: _Message) -> None:
    """Hold a message against the world at the last moment. Raises _OtherTermsError, BridgeError `lease-lost`."""
    with reading(desk.engine) as connection:
        check_lease(connection, desk.lease)
        now = desk.clock()
        if message.mark is None or not has_moved(connection, message.mark, now, desk.day_of):
            return
    desk.first()
    with reading(desk.engine) as connection:
        check_lease(connection, desk.lease)
        grounds = desk.grounds_now(connection, [message.student_key], desk.clock())
        told = connection.scalar(sa.select(LINK_STATE.c.revision).where(LINK_STATE.c.link_id == message.link_id))
    if told != message.message.revision:  # it was ended meanwhile, under a newer revision
        raise _OtherTermsError
    ground = next((one for one in grounds if one.link_id == message.link_id), None)
    if not isinstance(ground, Grant) or terms_digest(ground) != message.terms:
        raise _OtherTermsError


def _enter(desk: Desk, answered: Sequence[_Answer]) -> None:
    if not answered:
        return
    with reading(desk.engine) as connection:
        check_lease(connection, desk.lease)
    now = desk.clock()
    desk.log.append(
        [
            LinkOutcome(
                at=now,
                run=desk.run,
                school=desk.school,
                link=message.link_id,
                revision=message.message.revision,
                action="put" if isinstance(message.message, LinkPut) else "end",
                outcome=outcome,
            )
            for message, outcome, _ in answered
        ]
    )
    with writing(desk.engine) as connection:
        confirm_lease(connection, desk.lease, now)
        for message, outcome, code in answered:
            # A message that was told since has a newer revision, and its own outcome.
            this_link = LINK_STATE.update().where(
                LINK_STATE.c.link_id == message.link_id, LINK_STATE.c.revision == message.message.revision
            )
            if outcome == "taken":
                active = isinstance(message.message, LinkPut)
                told = {"active": active, "pending": False, "terms_digest": message.terms, "reach": message.reach}
                connection.execute(this_link.values(**told, refused_code=None, refused_at=None))
            elif outcome == "refused":
                connection.execute(this_link.values(refused_code=code, refused_at=now))
