"""The log itself: append, read, and hold against a checkpoint remembered elsewhere.

Rules. Under the lock an append reads the checkpoint and the right edge, holds the edge against the signed root, and
only then adds to it; so any number of threads and processes may share a log, and recovery after a crash is the same
code. All that is remembered between calls is which last bundle fits which checkpoint: the same bytes aren't hashed
again. `append` returns when entries and checkpoint are durable. When it raises, the entries may or may not have become
part of the log: to append them again is right, to act as if they stood there is not. A log that doesn't fit its own
signed checkpoint is appended to by nobody.
Deliberately not here: a proof that all of the log is whole (`audit.verify`), witnesses.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from audit.entry import Entry, canonical_parts
from audit.errors import AuditDamagedError, NoteError
from audit.keys import SigningKey
from audit.location import open_store
from audit.note import Checkpoint, VerifierKey
from audit.store import COSIGNED, LONGEST_APPEND, Longer, Store, Writer
from audit.tiles import (
    BUNDLES,
    CHECKPOINT,
    TILE_WIDTH,
    Tile,
    divided,
    edge,
    hashes_at,
    join_entries,
    levels,
    node_reader,
    read_tile,
    tiles_at,
    whole_bundle,
    whole_tile,
)
from audit.tree import EMPTY_ROOT, consistency_proof, leaf_hash, root_at, root_hash, verify_consistency


@dataclass(slots=True)
class _Edge:
    """What stands at the right edge of the tree: the last bundle, while it isn't full, and each level's last hashes."""

    bundle: bytes
    hashes: dict[int, list[bytes]]


@dataclass(slots=True)
class _Fitting:
    """The checkpoint and the last bundle that were found to fit each other, or were made so."""

    pair: tuple[bytes, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: its first entry's number, and the checkpoint that covers its last."""

    first: int
    checkpoint: Checkpoint


class AuditLog:
    """A log that its owner, the holder of the signing key, appends to. Safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        signing_key: SigningKey,
        former_keys: Sequence[VerifierKey] = (),
        *,
        also: SigningKey | None = None,
    ) -> None:
        """Take the key that signs, those that may have signed before it, and one that signs beside it (a change)."""
        self._store = store
        self._signers = (signing_key,) if also is None else (signing_key, also)
        self._keys = (*(key.verifier for key in self._signers), *former_keys)
        self._origin = signing_key.verifier.name
        self._fitting = _Fitting()

    def open(self) -> None:
        """Begin a log where there is nothing at all, else hold the existing one's right edge against its checkpoint.

        A log begins with a signed checkpoint of size 0, so one that lost its checkpoint is not taken for a new one.
        Raises AuditDamagedError, AuditUnavailableError.
        """
        self._store.prepare()
        with self._store.writing() as writer:
            if writer.read(CHECKPOINT) is None and next(self._store.paths(), None) is None:
                writer.publish(Checkpoint.sign(self._origin, 0, EMPTY_ROOT, *self._signers).note, 0)
            self._read_edge(cache(writer.read), self._published(writer))

    def within(self, connection: object) -> "AuditLog | None":
        """Return this log as written within an open transaction, None where it isn't kept in that database.

        What is appended to it is durable when the transaction is committed, and gone when it is rolled back.
        """
        store = self._store.within(connection)
        if store is None:
            return None
        joined = copy(self)
        joined._store = store  # noqa: SLF001  its own kind
        return joined

    def append(self, entries: Sequence[Entry]) -> Checkpoint:
        """Add entries in order and return the checkpoint that covers them, once all of it is durable.

        Raises as `add` does.
        """
        return self.add(entries).checkpoint

    def add(self, entries: Sequence[Entry]) -> Appended:
        """Add entries in order; say where they begin, and which checkpoint covers them, once all of it is durable.

        An entry over 64 KiB is divided (`canonical_parts`), so the size may grow by more than `len(entries)`.
        Raises AuditUnavailableError (AuditDamagedError included): then nothing may be done that the entries speak
        of; EntryError for an entry that can't be divided, ValueError for more than 65,536 entries at once.
        """
        lines = [line for entry in entries for line in canonical_parts(entry)]
        if len(lines) > LONGEST_APPEND:
            msg = f"an append takes {LONGEST_APPEND} entries at most"
            raise ValueError(msg)
        with self._store.writing() as writer:
            read = cache(writer.read)
            before = self._published(writer)
            right = self._read_edge(read, before)
            if not lines:
                return Appended(before.size, before)
            writer.drop_unpublished(before.size)
            resources = _grow(right.hashes, before.size, [leaf_hash(line) for line in lines])
            bundles, longer, last = _bundled(right.bundle, before.size, lines)
            size = before.size + len(lines)
            root = root_at(size, node_reader(lambda path: resources.get(path) or read(path), size))
            writer.write(bundles | resources, longer)
            # Killed before the next line: the old checkpoint stands and what was written is dropped as unpublished.
            after = Checkpoint.sign(self._origin, size, root, *self._signers)
            writer.publish(after.note, size)
            # Killed after it: the entries are in the log although no caller heard so.
            for tile in _completed(before.size, size):
                writer.drop_partials(tile.partials)
            self._fitting.pair = after.note, last
        return Appended(before.size, after)

    def checkpoint(self) -> Checkpoint:
        """Return the published checkpoint, its signature verified; a new log has one of size 0.

        Raises AuditDamagedError, AuditUnavailableError.
        """
        return self._published(self._store)

    def continues(self, size: int, root: bytes) -> bool:
        """Tell whether this log is the one that once had `size` entries under `root`, with more added or none.

        False: the log was cut, forked or replaced. Raises AuditDamagedError when its tiles can't be read,
        AuditUnavailableError.
        """
        now = self.checkpoint()
        if size == 0:
            return root == EMPTY_ROOT
        if not 0 < size <= now.size:
            return False
        proof = consistency_proof(size, now.size, node_reader(self._store.read, now.size))
        return verify_consistency(size, now.size, root, now.root, proof)

    def continuation(self, old_size: int, new: Checkpoint) -> tuple[bytes, ...]:
        """Return the proof that `new`, a checkpoint of this log, continues its own state of `old_size` entries.

        Empty from size 0. Raises ValueError unless 0 <= old_size <= new.size, AuditDamagedError, AuditUnavailableError.
        """
        if old_size == 0:
            return ()
        return consistency_proof(old_size, new.size, node_reader(self._store.read, new.size))

    def verifies(self, checkpoint: Checkpoint) -> bool:
        """Tell whether a checkpoint is one that this log signed, now or earlier; not whether it still holds."""
        return checkpoint.origin == self._origin and checkpoint.signed_by(self._keys) is not None

    def keep_cosigned(self, note: bytes) -> None:
        """Keep a cosigned checkpoint beside the log, unless a longer one is kept. Raises AuditUnavailableError."""
        size = Checkpoint.parse(note).size
        with self._store.writing() as writer:
            kept = _parsed(writer.read(COSIGNED))
            if kept is None or kept.size <= size:
                writer.keep_beside(COSIGNED, note)

    def cosigned(self) -> Checkpoint | None:
        """Return the cosigned checkpoint that is kept beside the log; whose signatures it bears is for the caller."""
        return _parsed(self._store.read(COSIGNED))

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Give the canonical lines of entries `start` to `end` (not included), as published when it begins.

        Raises AuditDamagedError, AuditUnavailableError. The lines aren't held against the root: see `audit.verify`.
        """
        size = self.checkpoint().size
        end = size if end is None else min(end, size)
        for bundle in tiles_at(BUNDLES, size, start):
            if bundle.first >= end:
                return
            lines = whole_bundle(self._store.read, bundle)
            yield from lines[max(0, start - bundle.first) : end - bundle.first]

    def close(self) -> None:
        """Let go of files and connections."""
        self._store.close()

    def _read_edge(self, read: Callable[[str], bytes | None], checkpoint: Checkpoint) -> _Edge:
        """Return the right edge of the stored tree, held against the signed root. Raises AuditDamagedError."""
        size = checkpoint.size
        hashes: dict[int, list[bytes]] = {}
        for level in levels(size):
            tile = edge(level, size)
            hashes[level] = whole_tile(read, tile) if tile else []
        if root_at(size, node_reader(read, size)) != checkpoint.root:
            raise AuditDamagedError(
                "Корень сохранённого дерева журнала аудита не сходится с подписанным. Проверьте: dnevnik audit verify.",
                "The root of the audit log's stored tree isn't the signed one. Find the damage: dnevnik audit verify.",
            )
        tile = edge(BUNDLES, size)
        bundle = read_tile(read, tile) if tile else b""
        if bundle is None or self._fitting.pair != (checkpoint.note, bundle):
            entries = divided(bundle, tile) if tile else []
            if [leaf_hash(entry) for entry in entries] != hashes.get(0, []):
                raise AuditDamagedError(
                    "Последние записи журнала аудита не сходятся с деревом. Проверьте его: dnevnik audit verify.",
                    "The audit log's last entries don't fit its tree. Look for the damage: dnevnik audit verify.",
                )
            self._fitting.pair = checkpoint.note, bundle or b""
        return _Edge(bundle or b"", hashes)

    def _published(self, source: Store | Writer) -> Checkpoint:
        note = source.read(CHECKPOINT)
        if note is None:
            raise _damaged_checkpoint("Её нет.", "There is none.")
        try:
            checkpoint = Checkpoint.parse(note)
        except NoteError as error:
            raise _damaged_checkpoint(error.ru, error.en) from None
        if checkpoint.origin != self._origin:
            raise _damaged_checkpoint("Она от другого журнала.", "It is another log's.")
        if checkpoint.signed_by(self._keys) is None:
            raise _damaged_checkpoint("Она не подписана ключом этого журнала.", "It isn't signed with this log's key.")
        return checkpoint


def _parsed(note: bytes | None) -> Checkpoint | None:
    """Return the checkpoint in what is kept beside the log, None for none and for what is no checkpoint."""
    try:
        return None if note is None else Checkpoint.parse(note)
    except NoteError:
        return None


def open_log(
    location: str | Path, signing_key: SigningKey, origin: str, *, former_keys: Sequence[VerifierKey] = ()
) -> AuditLog:
    """Open the log in a folder or behind a SQLAlchemy URL; begin it where there is nothing yet.

    `origin` names the log and is the key's name too. `former_keys` may have signed the last checkpoint before the
    key was replaced. Raises AuditDamagedError, AuditUnavailableError, ValueError for a key of another name.
    """
    if origin != signing_key.verifier.name:
        msg = f"the key of the log {origin} is to be loaded under that name, not {signing_key.verifier.name}"
        raise ValueError(msg)
    log = AuditLog(open_store(location), signing_key, former_keys)
    log.open()
    return log


def _damaged_checkpoint(ru: str, en: str) -> AuditDamagedError:
    return AuditDamagedError(
        f"Контрольная отметка журнала аудита не принята. {ru} Сверьте ключ и имя журнала или возьмите его из копии.",
        f"The audit log's checkpoint isn't accepted. {en} Check the log's key and name, or restore it from a copy.",
    )


def _bundled(last: bytes, size: int, lines: Sequence[bytes]) -> tuple[dict[str, bytes], Longer | None, bytes]:
    """Return what a log of `size` entries gets when `lines` are added; `last` is its last bundle, empty if it is full.

    That is bundles by path; the last one, where it only got longer; and what now is the last one, empty if full.
    """
    resources: dict[str, bytes] = {}
    longer: Longer | None = None
    held = size % TILE_WIDTH
    for at in range(0, held + len(lines), TILE_WIDTH):
        tile = Tile(BUNDLES, (size - held + at) // TILE_WIDTH, min(TILE_WIDTH, held + len(lines) - at))
        added = join_entries(lines[max(0, at - held) : at - held + TILE_WIDTH])
        if last and not tile.full:
            longer = Longer(tile.path, last, added)
        else:
            resources[tile.path] = last + added
        last = b"" if tile.full else last + added
    return resources, longer, last


def _grow(edge_hashes: Mapping[int, list[bytes]], size: int, leaves: Sequence[bytes]) -> dict[str, bytes]:
    """Return the tiles that a tree of `size` leaves gets by more; `edge_hashes`: those in each level's last tile."""
    resources: dict[str, bytes] = {}
    level, risen = 0, list(leaves)
    while risen:
        before = edge_hashes.get(level, [])
        start = hashes_at(level, size) - len(before)
        row, risen = before + risen, []
        for at in range(0, len(row), TILE_WIDTH):
            hashes = row[at : at + TILE_WIDTH]
            tile = Tile(level, (start + at) // TILE_WIDTH, len(hashes))
            resources[tile.path] = b"".join(hashes)
            if tile.full:
                risen.append(root_hash(hashes))
        level += 1
    return resources


def _completed(size: int, new_size: int) -> Iterator[Tile]:
    """Give the tiles that were partial in a tree of `size` and are full in one of `new_size`."""
    for level in (BUNDLES, *levels(size)):
        tile = edge(level, size)
        if tile is not None and hashes_at(level, new_size) >= tile.first + TILE_WIDTH:
            yield tile
