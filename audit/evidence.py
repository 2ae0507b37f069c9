"""Makes an evidence package: what the log says of one student in a span of time, each entry with its proof.

The form: one ZIP whose members and rules `audit.verify_evidence` states, a copy of which lies in the package.
Rules. The same log, checkpoint and papers give the same bytes; the moment is an argument. Everything in a package is
under the manifest, which the log's key signs; its first line keeps it from being taken for a checkpoint. What was made
is verified before it is handed over, so a damaged log gives no package. Nothing in it names a person, unless names
were asked for. Deliberately not here: whose ids these are, the papers' content, who may ask (`commands`).
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audit import verify_evidence
from audit.cosigning import CosignerKey, verify_cosignatures
from audit.note import Checkpoint, Signer, VerifierKey, sign_note, split_note
from audit.tiles import BUNDLES, node_reader, tiles_at, whole_bundle
from audit.tree import EMPTY_ROOT, consistency_proof, inclusion_proof
from audit.verify_evidence import CHECKPOINT, CONSENTS, EARLIER, ENTRIES, NAMES, PAPER, PROGRAM, TABLE, Asked, canonical

Read = Callable[[str], bytes | None]
Entries = Sequence[tuple[int, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Found:
    """What a log says of a student: the entries with their numbers and proofs, beside how many the span has in all."""

    entries: Entries
    proofs: Sequence[Sequence[bytes]] = field(repr=False)
    in_span: int


@dataclass(frozen=True, slots=True, repr=False)
class Papers:
    """What is put beside the entries: a PDF, the registry's consents, and who they are where that was asked for.

    `consents` has the student's account key (`account_key`, hexadecimal) where accounts are to be named: then each of
    its `cases` names its `account`.
    """

    pdf: bytes
    consents: Mapping[str, Any]
    names: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """Under which keys and when a package is made.

    `earlier`: a checkpoint that the log is shown to continue; its note, where it has one, may bear cosignatures.
    `witnesses`: whose cosignatures count; lines of others are left out.
    """

    at: datetime
    software: str
    signer: Signer
    former_keys: Sequence[VerifierKey] = ()
    witnesses: Sequence[CosignerKey] = ()
    earlier: Checkpoint | None = None


def instant(moment: datetime) -> str:
    """Return a moment as entries write it. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


_MOMENT, _BATCH = re.compile(rb'"at":"([^"]*)"'), re.compile(rb'"batch":"([^"]*)"')
_OUTCOME, _INTENT = b'"kind":"disclosure-outcome"', b'"kind":"disclosure-intended"'


def find(read: Read, checkpoint: Checkpoint, asked: Asked) -> Found:
    """Return the entries of a log, as its checkpoint has it, that speak of a student. Raises AuditDamagedError."""
    in_span = 0
    first, end = asked.first.encode(), asked.end.encode()

    def numbered() -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Give the entries that may speak of the student: most lines are passed over without being read as JSON."""
        nonlocal in_span
        ids = [f'"{one}"'.encode() for one in {asked.student, *asked.links, *asked.cases} if one]
        named = re.compile(b"|".join([*map(re.escape, ids), b'"kind":"link-outcome"'])).search
        batches: set[bytes] = set()
        for bundle in tiles_at(BUNDLES, checkpoint.size):
            for number, line in enumerate(whole_bundle(read, bundle), bundle.first):
                moment = _MOMENT.search(line)
                in_span += moment is not None and first <= moment[1] < end
                batch = _BATCH.search(line)
                if named(line):
                    if batch is not None and _INTENT in line:
                        batches.add(batch[1])
                elif batch is None or batch[1] not in batches or _OUTCOME not in line:
                    continue
                yield number, json.loads(line)

    entries = tuple(verify_evidence.select(numbered(), asked))
    node = node_reader(read, checkpoint.size)
    proofs = [inclusion_proof(number, checkpoint.size, node) for number, _ in entries]
    return Found(entries, proofs, in_span)


def make_package(read: Read, checkpoint: Checkpoint, asked: Asked, found: Found, papers: Papers, made: Made) -> bytes:
    """Return the package. Raises EvidenceError when what was made does not verify: then the log is damaged."""
    keys = (made.signer.verifier, *made.former_keys)
    earlier = _usable(made.earlier, checkpoint)
    head, cosigners = _known_lines(checkpoint.note, keys, made.witnesses)
    accounts = verify_evidence.read_accounts(papers.consents)
    members = {
        CHECKPOINT: head,
        ENTRIES: b"".join(_line(*one) for one in zip(found.entries, found.proofs, strict=True)),
        TABLE: verify_evidence.table(found.entries, {} if accounts is None else accounts.named),
        PAPER: papers.pdf,
        CONSENTS: canonical(papers.consents).encode() + b"\n",
        PROGRAM: Path(verify_evidence.__file__).read_bytes(),
    }
    if papers.names is not None:
        members[NAMES] = canonical(papers.names).encode() + b"\n"
    if earlier is not None and earlier.note:
        members[EARLIER], others = _known_lines(earlier.note, keys, made.witnesses)
        cosigners |= others
    manifest = {
        "made_at": instant(made.at),
        "software": made.software,
        "school": asked.school,
        "student": asked.student,
        "links": sorted(asked.links),
        "cases": sorted(asked.cases),
        "from": asked.first,
        "to": asked.end,
        "size": checkpoint.size,
        "root": _text(checkpoint.root),
        "keys": [key.vkey for key in keys],
        "witnesses": sorted(cosigners),
        "entries": len(found.entries),
        "in_span": found.in_span,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
        **_earlier(read, checkpoint, earlier),
    }
    note = sign_note(f"{verify_evidence.HEADLINE}\n{canonical(manifest)}\n", made.signer)
    package = verify_evidence.pack({verify_evidence.MANIFEST: note, **members})
    verify_evidence.verify(package)
    return package


def _line(entry: tuple[int, Mapping[str, Any]], proof: Sequence[bytes]) -> bytes:
    told = {"index": entry[0], "entry": entry[1], "proof": [_text(one) for one in proof]}
    return canonical(told).encode() + b"\n"


def _usable(earlier: Checkpoint | None, checkpoint: Checkpoint) -> Checkpoint | None:
    """Return an earlier checkpoint that a proof can begin at: of something, and not of more than there is."""
    if earlier is None or earlier.root == EMPTY_ROOT or earlier.size > checkpoint.size:
        return None
    return earlier


def _known_lines(note: bytes, keys: Sequence[VerifierKey], witnesses: Sequence[CosignerKey]) -> tuple[bytes, set[str]]:
    """Return a note with the signatures of these keys alone, and the vkeys of the witnesses among them."""
    text, signatures = split_note(note)
    own = {(key.name, key.key_id) for key in keys}
    cosigned = verify_cosignatures(note, witnesses)
    lines = [one.line for one in signatures if (one.name, one.key_id) in own]
    lines += [one.line for one in cosigned]
    return f"{text}\n{''.join(lines)}".encode(), {one.key.vkey for one in cosigned}


def _earlier(read: Read, checkpoint: Checkpoint, earlier: Checkpoint | None) -> dict[str, Any]:
    """Return the proof that the log continues an earlier state."""
    if earlier is None:
        return {}
    proof = consistency_proof(earlier.size, checkpoint.size, node_reader(read, checkpoint.size))
    told = {"size": earlier.size, "root": _text(earlier.root), "proof": [_text(one) for one in proof]}
    return {"earlier": told}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
