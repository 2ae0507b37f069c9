"""Verifies an evidence package; this one file, Python 3.9 or newer and `cryptography` are all that it needs.

    python verify_evidence.py EVIDENCE.zip [--key VKEY] [--witness VKEY] [--checkpoint FILE] [--quorum N]

Exit status 0: all of it is proven. 2: one sentence, in Russian and in English, says what is wrong and where.
A copy of this file lies in every package; who distrusts the package takes the file, and the log's key, from elsewhere.

Rules. The archive is exactly the bytes that `pack` makes of its members: nothing compressed, doubled, hidden or added.
The manifest is a C2SP signed note by the log's key and holds the SHA-256 of every other member. The checkpoint is
signed by the log's key; it, or an earlier one that it is shown to continue, also by each witness that the manifest
names, and by nobody else. Of these witnesses only those count whose keys the reader gave (`--witness`): each vouches
for what stands below the size that it signed itself. Keys that the package names, and nobody gave, prove nothing.
Every entry is in canonical form, stands in the log at its number by its RFC 6962 proof, and speaks of the student that
the manifest names, in its span of time. The log names accounts by references that only the student's own account key
opens; where the package holds that key, each reference is computed again from the account that the package names for
its link. The CSV is made anew from the entries, its accounts named so, and compared. The PDF, the registry's consents
and the names are the word of whoever signed: they are bound to the package, and not proven by it.
What no package can show is that nothing was left out: whoever has the whole log selects again (`select`), and the
checkpoint, kept by a witness, says which log is whole. Written for itself: nothing else of the project is imported.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import re
import struct
import sys
import zlib
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping, NamedTuple, Sequence  # noqa: UP035  Python 3.9 reads this too

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST, CHECKPOINT, ENTRIES, TABLE = "manifest", "checkpoint", "entries.jsonl", "evidence.csv"
PAPER, CONSENTS, NAMES, PROGRAM = "evidence.pdf", "consents.json", "names.json", "verify_evidence.py"
EARLIER = "earlier-checkpoint"
NEEDED = frozenset({MANIFEST, CHECKPOINT, ENTRIES, TABLE, PAPER, CONSENTS, PROGRAM})
ALLOWED = NEEDED | {NAMES, EARLIER}
HEADLINE = "dnevnik-bridge evidence v1"
COLUMNS = (
    "index", "at", "kind", "run", "batch", "link", "case", "action", "event", "records", "accounts", "consents",
    "outcome", "receipt", "rejected", "leaf",
)  # fmt: skip
LARGEST = 1 << 28
ED25519, COSIGNATURE = b"\x01", b"\x04"


class EvidenceError(Exception):
    """What is wrong with a package, as one sentence in both languages."""

    def __init__(self, ru: str, en: str) -> None:
        super().__init__(en)
        self.ru, self.en = ru, en


# The archive: a ZIP of one form only, so that every byte of it says something.

_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_DAY_ZERO, _MADE_BY, _NEEDS, _MODE = 33, 0x0314, 20, 0o100644 << 16


def pack(members: Mapping[str, bytes]) -> bytes:
    """Return the archive of these members: stored, sorted by name, dated 1980-01-01; the same in, the same out."""
    body, directory = [], []
    offset = 0
    for name in sorted(members):
        data, path = members[name], name.encode("ascii")
        said = (0, 0, 0, _DAY_ZERO, zlib.crc32(data), len(data), len(data), len(path), 0)
        body += [_LOCAL.pack(b"PK\x03\x04", _NEEDS, *said), path, data]
        directory += [_CENTRAL.pack(b"PK\x01\x02", _MADE_BY, _NEEDS, *said, 0, 0, 0, _MODE, offset), path]
        offset += _LOCAL.size + len(path) + len(data)
    listed = b"".join(directory)
    end = _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(listed), offset, 0)
    return b"".join([*body, listed, end])


def unpack(data: bytes) -> dict[str, bytes]:
    """Return an archive's members. Raises EvidenceError unless it is byte for byte what `pack` makes of them."""
    if len(data) > LARGEST:
        raise EvidenceError(
            f"Пакет больше {LARGEST >> 20} МиБ: таких не бывает.", f"The package is over {LARGEST >> 20} MiB: none is."
        )
    members: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\x03\x04" and at + _LOCAL.size <= len(data):
        size, name_size = _LOCAL.unpack_from(data, at)[8:10]
        start = at + _LOCAL.size
        name = data[start : start + name_size].decode("ascii", "replace")
        at = start + name_size + size
        if name not in ALLOWED or name in members:
            raise EvidenceError(
                f"Архив: член номер {len(members) + 1} посторонний или повторён.",
                f"The archive: member number {len(members) + 1} is a stranger or doubled.",
            )
        members[name] = data[start + name_size : at]
    for name in sorted(NEEDED - members.keys()):
        raise EvidenceError(f"Архив: нет файла {name}.", f"The archive: the file {name} is missing.")
    made = pack(members)
    if made != data:
        first = _first_difference(made, data)
        raise EvidenceError(
            f"Архив изменён или упакован заново: с байта {first} он не тот, что был выдан.",
            f"The archive was changed or packed anew: from byte {first} on it isn't as it was made.",
        )
    return members


def _first_difference(one: bytes, other: bytes) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


# JSON, in the one form of RFC 8785 that these files use.


def canonical(value: object) -> str:
    """Return JSON with sorted keys and no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _refuse_number(_text: str) -> object:
    raise ValueError("no such number stands here")


def _number(text: str) -> int:
    if len(text) > 16:  # noqa: PLR2004  digits that JSON keeps exactly; a million of them would take minutes to read
        raise ValueError("no such number stands here")
    return int(text)


def read_json(text: bytes, where: str) -> dict[str, Any]:
    """Return the object that canonical JSON stands for. Raises EvidenceError for any other text."""
    try:
        value = json.loads(
            text.decode("utf-8"), parse_int=_number, parse_float=_refuse_number, parse_constant=_refuse_number
        )
        if isinstance(value, dict) and canonical(value).encode("utf-8") == text:
            return value
    except (ValueError, RecursionError):
        pass
    raise EvidenceError(f"{where}: не канонический JSON.", f"{where}: this is no canonical JSON.")


def _field(record: Mapping[str, Any], name: str, kind: type, where: str) -> Any:  # noqa: ANN401  of the kind asked for
    value = record.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise EvidenceError(f"{where}: поле {name} не читается.", f"{where}: the field {name} can't be read.")
    return value


def _texts(record: Mapping[str, Any], name: str, where: str) -> list[str]:
    values = _field(record, name, list, where)
    if not all(isinstance(value, str) for value in values):
        raise EvidenceError(f"{where}: поле {name} не читается.", f"{where}: the field {name} can't be read.")
    return list(values)


def decode(text: str, where: str) -> bytes:
    """Return what Base64 in its one standard form stands for. Raises EvidenceError."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or base64.b64encode(data).decode("ascii") != text:
        raise EvidenceError(f"{where}: не Base64.", f"{where}: this is no Base64.")
    return data


# The tree of RFC 6962.


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def stands_in(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a leaf stands at `index` of the tree of `size` leaves under `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            computed = _node(sibling, computed)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            computed = _node(computed, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and computed == root


def continues(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether the tree of `old_root` is the beginning of that of `new_root` (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if not path:
        return False
    from_old = from_new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            from_old, from_new = _node(sibling, from_old), _node(sibling, from_new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            from_new = _node(from_new, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and from_old == old_root and from_new == new_root


# Signed notes of C2SP: keys, signatures, checkpoints.


class Key(NamedTuple):
    """A verifier key: `kind` is ED25519 for a log, COSIGNATURE for a witness."""

    name: str
    key_id: bytes
    kind: bytes
    public: bytes

    def verifies(self, text: bytes, signature: bytes) -> bool:
        """Tell whether this key signed the text; a witness puts the moment before it (C2SP tlog-cosignature)."""
        if self.kind == COSIGNATURE:
            moment, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            text = f"cosignature/v1\ntime {moment}\n".encode() + text
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


def read_key(line: str, kind: bytes) -> Key:
    """Return the key of a vkey line. Raises EvidenceError."""
    name, _, rest = line.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    material = decode(encoded, "vkey")
    digest = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    if not name or material[:1] != kind or len(material) != 33 or digest.hex() != key_id:  # noqa: PLR2004  32 bytes and their kind
        raise EvidenceError("Строка ключа проверки искажена.", "A verifier key line is garbled.")
    return Key(name, digest, kind, material[1:])


def signers(note: bytes, keys: Iterable[Key], where: str) -> tuple[str, list[Key]]:
    """Return a note's text and who signed it. Raises EvidenceError unless each line is a true signature of a key."""
    known = {(key.name, key.key_id): key for key in keys}
    text, blank, tail = note.decode("utf-8", "replace").rpartition("\n\n")
    wrong = EvidenceError(f"{where}: не подписанная запись C2SP.", f"{where}: this is no signed note of C2SP.")
    if not blank or not tail.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", text):
        raise wrong
    signed: list[Key] = []
    for number, line in enumerate(tail[:-1].split("\n"), 1):
        found = re.fullmatch(r"— (\S+) (\S+)", line)
        if found is None:
            raise wrong
        data = decode(found[2], where)
        key = known.get((found[1], data[:4]))
        if key is None or key in signed or not key.verifies(f"{text}\n".encode(), data[4:]):
            raise EvidenceError(
                f"{where}: подпись номер {number} неверна или её ключ не назван.",
                f"{where}: signature number {number} is false, or its key isn't named.",
            )
        signed.append(key)
    if f"{text}\n\n{tail}".encode() != note:
        raise wrong
    return text, signed


class Head(NamedTuple):
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes


def read_head(text: str, where: str) -> Head:
    """Return what a checkpoint's text says. Raises EvidenceError."""
    lines = text.split("\n")
    if len(lines) != 3 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):  # noqa: PLR2004  origin, size, root
        raise EvidenceError(f"{where}: не контрольная отметка.", f"{where}: this is no checkpoint.")
    return Head(lines[0], int(lines[1]), decode(lines[2], where))


# What a package is about, and which entries speak of it.


class Asked(NamedTuple):
    """Whom and what time a package is about: opaque ids, and moments as entries write them (the last excluded)."""

    school: str
    student: str
    links: frozenset[str]
    cases: frozenset[str]
    first: str
    end: str


def select(entries: Iterable[tuple[int, Mapping[str, Any]]], asked: Asked) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Give, of a log's numbered entries, those that speak of the student and were said in the span.

    An outcome goes with its intent: it is given when that was, whenever it came.
    """
    batches, messages = set(), set()
    for index, entry in entries:
        kind, batch, message = entry.get("kind"), entry.get("batch"), (entry.get("link"), entry.get("revision"))
        if kind == "disclosure-outcome":
            if batch in batches:
                yield index, entry
        elif kind == "link-outcome":
            if message in messages:
                yield index, entry
        elif (
            asked.first <= str(entry.get("at")) < asked.end
            and entry.get("school") == asked.school
            and (
                (asked.student and entry.get("student") == asked.student)
                or entry.get("link") in asked.links
                or entry.get("case") in asked.cases
            )
        ):
            if kind == "disclosure-intended":
                batches.add(batch)
            elif kind == "link-intended":
                messages.add(message)
            yield index, entry


# Accounts: the log holds references, which only the student's account key opens.


class Accounts(NamedTuple):
    """What a package's `consents.json` says of accounts: the account of each reference, the reference of each link."""

    named: Mapping[str, str]
    of_link: Mapping[str, str]


def reference_of(account_key: bytes, account: str) -> str:
    """Return by what the log names an account of the student whose account key this is: HMAC-SHA256, hexadecimal."""
    return hmac.new(account_key, account.encode("utf-8"), hashlib.sha256).hexdigest()


def read_accounts(consents: Mapping[str, Any]) -> Accounts | None:
    """Return the accounts that are named; None where the package holds no key to check names with.

    Raises EvidenceError.
    """
    if "account_key" not in consents:
        return None
    written = _field(consents, "account_key", str, CONSENTS)
    if not re.fullmatch(r"[0-9a-f]{64}", written):
        raise EvidenceError(f"{CONSENTS}: ключ учётных записей искажён.", f"{CONSENTS}: the account key is garbled.")
    named, of_link = {}, {}
    for case in _field(consents, "cases", list, CONSENTS):
        if not isinstance(case, dict):
            raise EvidenceError(f"{CONSENTS}: связь не читается.", f"{CONSENTS}: a link can't be read.")
        link, account = (_field(case, name, str, CONSENTS) for name in ("link", "account"))
        if not re.fullmatch(r"[0-9A-Za-z._:-]{1,64}", account):
            raise EvidenceError(f"{CONSENTS}: учётная запись не читается.", f"{CONSENTS}: an account can't be read.")
        of_link[link] = reference_of(bytes.fromhex(written), account)
        named[of_link[link]] = account
    return Accounts(named, of_link)


def references(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the references to accounts that stand in an entry, each behind its link."""
    for ground in entry.get("grounds", []):
        yield ground["link"], ground["account"]
    if "account" in entry:
        yield entry["link"], entry["account"]


def _hold_accounts(entries: Sequence[tuple[int, Mapping[str, Any]]], accounts: Accounts) -> int:
    """Hold each reference against the account that is named for its link; returns how many there are."""
    count = 0
    for index, entry in entries:
        for link, reference in references(entry):
            count += 1
            if accounts.of_link.get(link) != reference:
                raise EvidenceError(
                    f"Запись {index}: она о другой учётной записи, чем названа в {CONSENTS}.",
                    f"Entry {index}: it is about another account than {CONSENTS} names.",
                )
    return count


def table(entries: Iterable[tuple[int, Mapping[str, Any]]], accounts: Mapping[str, str]) -> bytes:
    """Return the entries as CSV: UTF-8 with BOM, `;` between fields; no field holds a `;`, a quote or a line's end.

    `accounts` are the accounts by their references; one that is not named there stands as its reference.
    """
    rows = [";".join(COLUMNS), *(";".join(_row(index, entry, accounts)) for index, entry in entries)]
    return ("\ufeff" + "\r\n".join(rows) + "\r\n").encode("utf-8")


def _row(index: int, entry: Mapping[str, Any], accounts: Mapping[str, str]) -> list[str]:
    grounds, told = entry.get("grounds", []), dict(entry)
    told["accounts"] = " ".join(accounts.get(reference, reference) for _, reference in references(entry))
    told["consents"] = " ".join(ground["consent"] for ground in grounds) or entry.get("consent", "")
    told["records"] = " ".join(f"{one['record']}:{one['revision']}:{one['action']}" for one in entry.get("records", []))
    told["rejected"] = " ".join(f"{one['record']}:{one['code']}" for one in entry.get("rejected", []))
    told["event"] = entry.get("event", entry.get("what", ""))
    told["index"], told["leaf"] = index, leaf_hash(canonical(entry).encode("utf-8")).hex()
    return [str(told.get(column, "")) for column in COLUMNS]


# The verification.


class Cosigned(NamedTuple):
    """A witness's name, and the largest size of the log that it signed."""

    name: str
    size: int


class Verdict(NamedTuple):
    """What a true package shows. `key_known`: a key that was given signed it; else it only fits itself.

    `witnesses` are those whose keys were given, each with the largest size of the log that it signed, the largest
    first; `strangers` the others that the package names, who vouch for nothing. `witnesses_known`: some key was given.
    `accounts`: how many references to accounts were computed again, each from the account that the package names; None
    where it holds no key for that.
    """

    asked: Asked
    made_at: str
    head: Head
    entries: Sequence[tuple[int, Mapping[str, Any]]]
    in_span: int
    key: str
    key_known: bool
    witnesses: Sequence[Cosigned]
    strangers: Sequence[Cosigned]
    witnesses_known: bool
    accounts: int | None

    def witnessed(self, quorum: int = 1) -> int:
        """Return how many of the log's first entries so many of the trusted witnesses vouch for together."""
        place = max(quorum, 1) - 1
        return self.witnesses[place].size if place < len(self.witnesses) else 0


def verify(
    data: bytes,
    *,
    keys: Sequence[str] = (),
    witnesses: Sequence[str] = (),
    kept: Sequence[bytes] = (),
    quorum: int = 0,
) -> Verdict:
    """Return what a package shows. Raises EvidenceError, and nothing else, for one that is not wholly as it was made.

    `keys` are vkey lines of the log, `witnesses` those of witnesses whom the reader trusts (none given: none counts),
    `quorum` how many of them must have signed, `kept` checkpoints that were kept elsewhere.
    """
    members = unpack(data)
    manifest, own = _manifest(members[MANIFEST])
    trusted = [read_key(line, ED25519) for line in keys]
    if trusted and own[0] not in trusted:
        raise EvidenceError(
            f"manifest: подписано ключом {own[0].name}+{own[0].key_id.hex()}, которому вы не доверяли.",
            f"manifest: signed by the key {own[0].name}+{own[0].key_id.hex()}, which isn't the one given.",
        )
    _digests(members, manifest)
    cosigners = [read_key(line, COSIGNATURE) for line in _texts(manifest, "witnesses", MANIFEST)]
    head, cosigned = _checkpoint(members[CHECKPOINT], manifest, own, cosigners)
    earlier, cosigned_earlier = _earlier(members.get(EARLIER), manifest, head, [*own, *cosigners])
    believed = {read_key(line, COSIGNATURE) for line in witnesses}
    if set(cosigners) != {*cosigned, *cosigned_earlier}:
        raise EvidenceError(
            "checkpoint: нет подписи свидетеля, который назван.", "checkpoint: a witness named did not sign."
        )
    sizes = {
        **dict.fromkeys(cosigned_earlier, 0 if earlier is None else earlier.size),
        **dict.fromkeys(cosigned, head.size),
    }
    counted = _largest_first(sizes, believed & sizes.keys())
    if len(counted) < quorum:
        raise EvidenceError(
            f"checkpoint: подписей свидетелей, чьи ключи вы дали, {len(counted)}, нужно {quorum}.",
            f"checkpoint: signatures of witnesses whose keys were given: {len(counted)}, {quorum} are needed.",
        )
    for note in kept:
        _hold_against(note, head, earlier)
    asked = _asked(manifest)
    entries = _entries(members[ENTRIES], head)
    accounts = read_accounts(read_json(members[CONSENTS].rstrip(b"\n"), CONSENTS))
    try:
        _hold_entries(entries, asked, manifest)
        checked = None if accounts is None else _hold_accounts(entries, accounts)
        made = table(entries, {} if accounts is None else accounts.named)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise EvidenceError(
            f"{ENTRIES}: записи не того вида, какой пишет мост.", f"{ENTRIES}: entries of a form that no bridge writes."
        ) from None
    if members[TABLE] != made:
        raise EvidenceError(
            f"{TABLE}: таблица не та, что дают записи.", f"{TABLE}: the table isn't the one that the entries give."
        )
    return Verdict(
        asked,
        _field(manifest, "made_at", str, MANIFEST),
        head,
        entries,
        _field(manifest, "in_span", int, MANIFEST),
        _texts(manifest, "keys", MANIFEST)[0],
        bool(trusted),
        counted,
        _largest_first(sizes, sizes.keys() - believed),
        bool(believed),
        checked,
    )


def _largest_first(sizes: Mapping[Key, int], keys: Iterable[Key]) -> list[Cosigned]:
    return sorted((Cosigned(key.name, sizes[key]) for key in keys), key=lambda one: (-one.size, one.name))


def _manifest(note: bytes) -> tuple[dict[str, Any], list[Key]]:
    """Return the manifest and the log's keys that it names, the present one, which signed it, first."""
    headline, _, rest = note.partition(b"\n")
    manifest = read_json(rest.partition(b"\n")[0], MANIFEST)
    own = [read_key(line, ED25519) for line in _texts(manifest, "keys", MANIFEST)]
    if headline.decode("utf-8", "replace") != HEADLINE or not own:
        raise EvidenceError(
            "manifest: это не пакет доказательств первой версии.", "manifest: this is no evidence package, version 1."
        )
    text, _ = signers(note, own[:1], MANIFEST)
    if text != f"{HEADLINE}\n{canonical(manifest)}":
        raise EvidenceError("manifest: лишние строки.", "manifest: there are lines too many.")
    return manifest, own


def _digests(members: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    listed = _field(manifest, "files", dict, MANIFEST)
    for name in sorted(members.keys() | listed.keys()):
        if name == MANIFEST:
            continue
        digest = hashlib.sha256(members[name]).hexdigest() if name in members else ""
        if listed.get(name) != digest:
            raise EvidenceError(f"{name}: файл изменён.", f"{name}: the file was changed.")


def _checkpoint(
    note: bytes, manifest: Mapping[str, Any], own: Sequence[Key], cosigners: Sequence[Key]
) -> tuple[Head, list[Key]]:
    text, signed = signers(note, [*own, *cosigners], CHECKPOINT)
    head = read_head(text, CHECKPOINT)
    if own[0] not in signed or head.origin != own[0].name:
        raise EvidenceError("checkpoint: нет подписи журнала.", "checkpoint: the log's signature is missing.")
    said = (_field(manifest, "size", int, MANIFEST), _field(manifest, "root", str, MANIFEST))
    if said != (head.size, base64.b64encode(head.root).decode("ascii")):
        raise EvidenceError("checkpoint: отметка не та.", "checkpoint: it isn't the manifest's.")
    return head, [key for key in signed if key.kind == COSIGNATURE]


def _proof(record: Mapping[str, Any], where: str) -> list[bytes]:
    hashes = [decode(text, where) for text in _texts(record, "proof", where)]
    if len(hashes) > 64 or any(len(one) != 32 for one in hashes):  # noqa: PLR2004  hashes on a way through 2^64 leaves
        raise EvidenceError(f"{where}: доказательство не читается.", f"{where}: the proof can't be read.")
    return hashes


def _earlier(
    note: bytes | None, manifest: Mapping[str, Any], head: Head, keys: Sequence[Key]
) -> tuple[Head | None, list[Key]]:
    """Return the earlier state that the log is shown to continue, and the witnesses who signed its checkpoint."""
    if "earlier" not in manifest and note is None:
        return None, []
    where = "manifest: earlier"
    earlier = _field(manifest, "earlier", dict, MANIFEST)
    root = decode(_field(earlier, "root", str, where), where)
    old = Head(head.origin, _field(earlier, "size", int, where), root)
    if not continues(old.size, head.size, old.root, head.root, _proof(earlier, where)):
        raise EvidenceError(
            f"Журнал не продолжает прежнюю отметку ({old.size} записей).",
            f"The log doesn't continue the earlier checkpoint ({old.size} entries).",
        )
    if note is None:
        return old, []
    text, signed = signers(note, keys, EARLIER)
    if read_head(text, EARLIER) != old or all(key.kind == COSIGNATURE for key in signed):
        raise EvidenceError(f"{EARLIER}: отметка не та.", f"{EARLIER}: it isn't the manifest's.")
    return old, [key for key in signed if key.kind == COSIGNATURE]


def _hold_against(note: bytes, head: Head, earlier: Head | None) -> None:
    """Hold the package against a checkpoint that its reader kept; who signed that is for the reader to have seen."""
    kept = read_head(note.decode("utf-8", "replace").partition("\n\n")[0], "--checkpoint")
    for known in (head, earlier):
        if known is not None and known.size == kept.size:
            if known == kept:
                return
            raise EvidenceError(
                f"Журнал переписан: сохранённая отметка ({kept.size} записей) другая.",
                f"The log was rewritten: the checkpoint that was kept ({kept.size} entries) is another.",
            )
    raise EvidenceError(
        f"Пакет ничего не говорит об отметке на {kept.size} записей: проверьте с нею весь журнал.",
        f"The package says nothing of a checkpoint of {kept.size} entries: verify the whole log with it.",
    )


def _asked(manifest: Mapping[str, Any]) -> Asked:
    moments = [_field(manifest, name, str, MANIFEST) for name in ("from", "to")]
    if not all(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z", moment) for moment in moments):
        raise EvidenceError("manifest: срок не читается.", "manifest: the span of time can't be read.")
    return Asked(
        _field(manifest, "school", str, MANIFEST),
        _field(manifest, "student", str, MANIFEST),
        frozenset(_texts(manifest, "links", MANIFEST)),
        frozenset(_texts(manifest, "cases", MANIFEST)),
        *moments,
    )


def _entries(lines: bytes, head: Head) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the entries, each shown to stand in the log at its number, the numbers rising."""
    entries: list[tuple[int, Mapping[str, Any]]] = []
    for number, line in enumerate(lines.split(b"\n")[:-1], 1):
        where = f"{ENTRIES}, {number}"
        told = read_json(line, where)
        index, entry = _field(told, "index", int, where), _field(told, "entry", dict, where)
        if not stands_in(leaf_hash(canonical(entry).encode("utf-8")), index, head.size, _proof(told, where), head.root):
            raise EvidenceError(
                f"{where}: записи номер {index} в журнале нет такой.",
                f"{where}: no such entry stands in the log as number {index}.",
            )
        if told.keys() != {"index", "entry", "proof"} or (entries and index <= entries[-1][0]):
            raise EvidenceError(f"{where}: запись не на своём месте.", f"{where}: the entry is out of its place.")
        entries.append((index, entry))
    if lines and not lines.endswith(b"\n"):
        raise EvidenceError(f"{ENTRIES}: последняя строка обрезана.", f"{ENTRIES}: the last line is cut.")
    return entries


def _hold_entries(entries: Sequence[tuple[int, Mapping[str, Any]]], asked: Asked, manifest: Mapping[str, Any]) -> None:
    of_student = {index for index, _ in select(entries, asked)}
    for index, _ in entries:
        if index not in of_student:
            raise EvidenceError(
                f"Запись {index}: не об этом ученике или не за этот срок.",
                f"Entry {index}: it isn't about this student, or not of this span of time.",
            )
    if len(entries) != _field(manifest, "entries", int, MANIFEST):
        raise EvidenceError("manifest: записей не столько.", "manifest: the number of entries is another.")


def told(verdict: Verdict, *, complete: bool = False, quorum: int = 0) -> list[tuple[str, str]]:
    """Return what is said of a true package, in both languages; `complete`: the whole log is at hand and is asked.

    `quorum`: what counts as witnessed is what so many of the trusted witnesses signed; 0: any one of them.
    """
    head, count = verdict.head, len(verdict.entries)
    log = f"{head.origin}, {head.size}, {base64.b64encode(head.root).decode('ascii')}"
    said = [
        (
            f"Пакет цел. Записей {count}, каждая стоит в журнале ({log}).",
            f"The package is whole. Entries: {count}; each stands in the log ({log}).",
        ),
        *_told_of_witnesses(verdict, max(quorum, 1)),
    ]
    if verdict.accounts is None:
        ru = "Учётные записи не названы: в журнале стоят их шифрованные ссылки, ключа к ним в пакете нет."
        en = "Accounts aren't named: the log has keyed references to them, and the package holds no key for these."
    else:
        ru = f"Учётные записи: ссылок {verdict.accounts}, каждая вычислена заново ключом из пакета и сошлась."
        en = f"Accounts: {verdict.accounts} references, each computed again by the package's key, and each fits."
    said.append((ru, en))
    if not complete:
        ru = (
            f"Записей журнала за этот срок, по слову подписавшего: {verdict.in_span}. Что об ученике ничего не "
            "опущено, показывает только весь журнал: dnevnik audit verify ПАКЕТ --against ЖУРНАЛ."
        )
        en = (
            f"Entries of the log in this span, by the signer's word: {verdict.in_span}. That nothing of the student is "
            "left out is shown by the whole log alone: dnevnik audit verify PACKAGE --against LOG."
        )
        said.append((ru, en))
    if not verdict.key_known:
        said.append(
            (
                f"Чей это ключ, не проверено, сравните: {verdict.key}",
                f"Whose key it is was not checked, compare: {verdict.key}",
            )
        )
    return said


def _told_of_witnesses(verdict: Verdict, quorum: int) -> list[tuple[str, str]]:
    """Return who vouches for the log and how far: each with its own size, then what the quorum reached together."""
    strangers = "; ".join(f"{one.name} ({one.size})" for one in verdict.strangers)
    if not verdict.witnesses_known:
        if not strangers:
            ru = "Свидетелей в пакете нет: за журнал ручается только его собственный ключ."
            en = "The package has no witnesses: the log's own key alone vouches for it."
        else:
            ru = (
                f"Свидетели (записей), чьи ключи взяты из самого пакета и ничего не доказывают: {strangers}. "
                "Возьмите их ключи у них самих: --witness КЛЮЧ."
            )
            en = (
                f"Witnesses (entries) whose keys come from the package itself and prove nothing: {strangers}. "
                "Get their keys from themselves: --witness VKEY."
            )
        return [(ru, en)]
    size, count = verdict.witnessed(quorum), len(verdict.witnesses)
    named = "; ".join(f"{one.name} ({one.size})" for one in verdict.witnesses) or "—"
    beyond = sum(index >= size for index, _ in verdict.entries)
    ru = (
        f"Свидетели (записей), чьи ключи вы дали: {named}. Подписей {count}, нужно {quorum}: подтверждены первые "
        f"записи журнала ({size}); записей пакета без подтверждения: {beyond}."
    )
    en = (
        f"Witnesses (entries) whose keys were given: {named}. Signatures: {count}, needed {quorum}: the log's first "
        f"{size} entries are witnessed; entries of the package beyond these: {beyond}."
    )
    said = [(ru, en)]
    if strangers:
        ru = f"Не в счёт, ключей не дано: {strangers}."
        said.append((ru, f"Not counted, for their keys weren't given: {strangers}."))
    return said


def main(arguments: Sequence[str]) -> int:
    """Verify the package that the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(description="Verifies an evidence package of an audit log.")
    parser.add_argument("package", type=Path)
    parser.add_argument("--key", action="append", default=[], help="the log's verifier key, a vkey line")
    parser.add_argument("--witness", action="append", default=[], help="a trusted witness's key, a vkey line")
    parser.add_argument("--checkpoint", action="append", default=[], type=Path, help="a checkpoint kept elsewhere")
    parser.add_argument("--quorum", type=int, default=0, help="how many of the witnesses given must have signed")
    given = parser.parse_args(arguments)
    try:
        verdict = verify(
            given.package.read_bytes(),
            keys=given.key,
            witnesses=given.witness,
            kept=[file.read_bytes() for file in given.checkpoint],
            quorum=given.quorum,
        )
    except EvidenceError as error:
        sys.stderr.write(f"{error.ru}\n{error.en}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"Файл не читается: {error.strerror}.\nA file can't be read: {error.strerror}.\n")
        return 2
    for ru, en in told(verdict, quorum=given.quorum):
        sys.stdout.write(f"{ru}\n{en}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
