"""A log with a student among others, an evidence package of that student, and the package taken apart and put together.

`resealed` gives what somebody can make of changed members: without a key, with a key of their own, with the log's.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from audit import verify_evidence
from audit.account_reference import account_reference
from audit.entry import (
    ConsentEvent,
    DisclosureIntended,
    DisclosureOutcome,
    Entry,
    Ground,
    LinkIntended,
    LinkOutcome,
    Look,
    RecordAction,
    Rejected,
)
from audit.evidence import Made, Papers, find, instant, make_package
from audit.keys import SigningKey
from audit.location import open_store
from audit.log import open_log
from audit.note import Checkpoint, sign_note
from audit.verify_evidence import CHECKPOINT, HEADLINE, MANIFEST, Asked, canonical

ORIGIN = "school.example/audit"
START = datetime(2026, 11, 24, 16, 15, tzinfo=UTC)
DIGEST = "cd" * 32
SCHOOL, STUDENT, LINK, CASE = "0252", "st-ours", "ln-ours", "ABCD-1234"
ACCOUNT, ACCOUNT_KEY = "pa-55810", bytes(range(32))
"""The account of our student, which has another child too, and our student's account key."""


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def account_of(student: str) -> str:
    """Return by what the log names the one account of everybody here: under each student's own key."""
    key = ACCOUNT_KEY if student == STUDENT else hashlib.sha256(student.encode()).digest()
    return account_reference(key, ACCOUNT)


def disclosure(minutes: float, student: str, batch: str, *records: str) -> DisclosureIntended:
    return DisclosureIntended(
        at=at(minutes),
        run="run-1",
        school=SCHOOL,
        batch=batch,
        student=student,
        records=tuple(RecordAction(record, 1, "publish") for record in records),
        grounds=(Ground(LINK if student == STUDENT else f"ln-{student}", f"cn-{student}", account_of(student)),),
        request_digest=DIGEST,
        basis="written-consent",
        software="dnevnik-bridge/0.1.0",
    )


def outcome(minutes: float, batch: str, *rejected: str) -> DisclosureOutcome:
    told = tuple(Rejected(record, "TooOld") for record in rejected)
    return DisclosureOutcome(
        at=at(minutes), run="run-1", school=SCHOOL, batch=batch, outcome="taken", receipt="rc-1", rejected=told
    )


def link(minutes: float, name: str, revision: int, student: str | None) -> list[Entry]:
    said = {"run": "run-1", "school": SCHOOL, "link": name, "revision": revision}
    action = "put" if student else "end"
    return [
        LinkIntended(
            at=at(minutes), action=action, student=student, account=account_of(student) if student else None, **said
        ),
        LinkOutcome(at=at(minutes + 1), action=action, outcome="taken", **said),
    ]


def event(minutes: float, case: str, what: str) -> ConsentEvent:
    return ConsentEvent(at=at(minutes), school=SCHOOL, case=case, event=what, valid_at=at(minutes), by_digest=DIGEST)


def entries(others: int = 40) -> list[tuple[Entry, bool]]:
    """Give a log's entries, each with whether it speaks of our student in the span of `asked`."""
    told: list[tuple[Entry, bool]] = [
        (disclosure(-99, STUDENT, "early", "r-0"), False),
        (outcome(1, "early"), False),  # said in the span, but of an intent before it
        (event(1, CASE, "application"), True),
        (event(2, LINK, "consent"), True),
        (event(2, "ln-other", "consent"), False),
        *((one, True) for one in link(3, LINK, 1, STUDENT)),
        *((one, False) for one in link(3, "ln-other", 1, "st-other")),
        (disclosure(5, STUDENT, "b-1", "r-1", "r-2"), True),
        (disclosure(5, "st-other", "b-1", "r-3"), False),
        (disclosure(6, "st-other", "b-2", "r-4"), False),
        (outcome(7, "b-2"), False),
        (outcome(7, "b-1", "r-2"), True),
        *((disclosure(8 + n / 60, f"st-{n}", f"o-{n}", f"o-{n}"), False) for n in range(others)),
        (
            Look(at=at(50), school=SCHOOL, what="evidence", names=False, by_digest=DIGEST, student=STUDENT),
            True,
        ),
        (Look(at=at(50), school=SCHOOL, what="dossier", names=True, by_digest=DIGEST, student="st-other"), False),
        (disclosure(59, STUDENT, "b-3", "r-5"), True),
        *((one, True) for one in link(59, LINK, 2, None)),  # its outcome comes at 60, past the span
        (disclosure(61, STUDENT, "b-4", "r-6"), False),
        (outcome(62, "b-3"), True),
        (outcome(63, "b-4"), False),
    ]
    return told


def asked() -> Asked:
    return Asked(SCHOOL, STUDENT, frozenset({LINK}), frozenset({LINK, CASE}), instant(at(0)), instant(at(60)))


CONSENTS = {
    "account_key": ACCOUNT_KEY.hex(),
    "cases": [{"link": LINK, "account": ACCOUNT, "events": [{"kind": "consent", "consent_ref": "cn-st-ours"}]}],
}


def package(
    location: str,
    key: SigningKey,
    *,
    earlier: int = 0,
    grow: bool = True,
    remembered: Checkpoint | None = None,
    head: Checkpoint | None = None,
    **made: object,
) -> bytes:
    """Fill the log at `location` and return a package of our student; `earlier`: shown to continue so many entries.

    Without `grow` the log is taken as it is; `head` is its checkpoint with cosignatures, `remembered` an earlier one.
    """
    if grow:
        log = open_log(location, key, ORIGIN)
        told = [entry for entry, _ in entries()]
        remembered = log.append(told[:earlier]) if earlier else None
        log.append(told[earlier:])
        log.close()
    store = open_store(location)
    checkpoint = head or Checkpoint.parse(store.read(CHECKPOINT))
    found = find(store.read, checkpoint, asked())
    papers = Papers(b"%PDF-1.7 made up", CONSENTS)
    circumstances = Made(at=at(99), software="dnevnik-bridge/0.1.0", signer=key, earlier=remembered, **made)
    done = make_package(store.read, checkpoint, asked(), found, papers, circumstances)
    store.close()
    return done


def manifest_of(members: Mapping[str, bytes]) -> dict[str, object]:
    return json.loads(members[MANIFEST].split(b"\n")[1])


def resealed(members: Mapping[str, bytes], signer: SigningKey | None, **changes: object) -> bytes:
    """Pack changed members under a manifest with their digests and `changes`, signed anew or by the old signature."""
    rest = {name: data for name, data in members.items() if name != MANIFEST}
    files = {name: hashlib.sha256(data).hexdigest() for name, data in rest.items()}
    told = {**manifest_of(members), "files": files, **changes}
    if signer is None:
        old = members[MANIFEST].split(b"\n")
        note = b"\n".join([old[0], canonical(told).encode(), *old[2:]])
    else:
        told["keys"] = [signer.verifier.vkey]
        note = sign_note(f"{HEADLINE}\n{canonical(told)}\n", signer)
    return verify_evidence.pack({MANIFEST: note, **rest})


def checkpoint_of(members: Mapping[str, bytes]) -> Checkpoint:
    return Checkpoint.parse(members["checkpoint"])
