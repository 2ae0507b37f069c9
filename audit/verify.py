"""Proves that a stored log is whole, from its raw resources and nothing else.

Rules. Everything is computed anew: the entries give the leaves, the leaves give every tile and the root, the root
is the one that the checkpoint's signature covers; each entry is one that this version could have written. Where
something differs, the signed root decides which of two differing files was changed. What lies beyond the
checkpoint's size is named apart: an append that didn't end left it, and no promise rests on it.
A log that was cut back to a true earlier state can't be told from a young one by looking at it: give `earlier`
checkpoints, kept elsewhere. Needs no database for a folder, no key but the public one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audit.cosigning import CosignerKey, verify_cosignatures
from audit.errors import AuditError, NoteError, Problem
from audit.examine import Examined, differences, examine_log, read_hashes
from audit.location import open_store
from audit.note import Checkpoint, VerifierKey, split_note
from audit.store import COSIGNED, Store
from audit.tiles import (
    BUNDLES,
    CHECKPOINT,
    TILE_WIDTH,
    Tile,
    hashes_at,
    join_entries,
    levels,
    parse_path,
    read_tile,
    split_entries,
    split_hashes,
    tiles_at,
)
from audit.tree import EMPTY_ROOT, HASH_BYTES, CompactRange, root_hash

LONGEST_REPORT = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found.

    `ok` is true when there is no problem; `key_known` when a given key signed the checkpoint, and without it
    `ok` says only that the log fits itself. `unpublished` are paths beyond the checkpoint, left by an append
    that didn't end. `witnesses` are the names of the given ones whose cosignatures, kept beside the log, say that
    they saw its first `witnessed` entries. `compared`: how many earlier checkpoints the log was held against, of those
    that are kept in its own database (`kept`), beside it and elsewhere. The rows that a database keeps are as many as
    nobody deleted: a missing one can't be told, and hides nothing, for the newest covers every entry.
    """

    ok: bool
    size: int
    root: bytes
    problems: tuple[Problem, ...]
    key_known: bool
    origin: str = ""
    unpublished: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()
    witnessed: int = 0
    compared: int = 0
    kept: int = 0


Progress = Callable[[int, int], None]


def verify_log(
    location: str | Path,
    verifier: VerifierKey | None,
    *,
    former_keys: Sequence[VerifierKey] = (),
    witnesses: Sequence[CosignerKey] = (),
    earlier: Sequence[Checkpoint] = (),
    progress: Progress | None = None,
) -> Verdict:
    """Verify the whole log in a folder or behind a SQLAlchemy URL; never raises for what is wrong with it.

    `former_keys` signed before `verifier` did; `witnesses` may have cosigned what lies beside the log. Each of
    `earlier` must be a state of this log; who signed it is for the caller to have seen. Reports `LONGEST_REPORT`
    problems at most and then stops. `progress` is told how many entries were read, and of how many. Writes nothing
    anywhere.
    """
    check = _Verification(verifier, former_keys, witnesses, progress)
    try:
        store = open_store(location)
        try:
            check.run(location, store, earlier)
        finally:
            store.close()
    except _EnoughError:
        check.problems.append(
            Problem(
                f"Найдено {LONGEST_REPORT} нарушений, проверка остановлена.",
                f"{LONGEST_REPORT} problems were found; the verification stopped.",
            )
        )
    except AuditError as error:
        check.problems.append(Problem(error.ru, error.en))
    return check.verdict()


class _EnoughError(Exception):
    """So much is wrong that more needn't be said."""


@dataclass(slots=True)
class _Verification:
    """One verification under way: what was found so far."""

    verifier: VerifierKey | None
    former_keys: Sequence[VerifierKey]
    witnesses: Sequence[CosignerKey]
    progress: Progress | None
    problems: list[Problem] = field(default_factory=list)
    unpublished: list[str] = field(default_factory=list)
    differing: list[tuple[Tile, tuple[int, ...]]] = field(default_factory=list)
    checkpoint: Checkpoint | None = None
    key_known: bool = False
    incomplete: bool = False
    unknown: list[tuple[int, frozenset[str]]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    cosigned: tuple[int, tuple[str, ...]] = (0, ())
    compared: int = 0
    kept: int = 0

    def verdict(self) -> Verdict:
        """Return the outcome."""
        checkpoint = self.checkpoint
        return Verdict(
            ok=not self.problems,
            size=checkpoint.size if checkpoint else 0,
            root=checkpoint.root if checkpoint else EMPTY_ROOT,
            problems=tuple(self.problems),
            key_known=self.key_known,
            origin=checkpoint.origin if checkpoint else "",
            unpublished=tuple(self.unpublished),
            witnessed=self.cosigned[0],
            witnesses=self.cosigned[1],
            compared=self.compared,
            kept=self.kept,
        )

    def say(self, ru: str, en: str) -> None:
        """Note a problem. Raises _EnoughError when the report is long enough."""
        self.problems.append(Problem(ru, en))
        if len(self.problems) >= LONGEST_REPORT:
            raise _EnoughError

    def run(self, location: str | Path, store: Store, earlier: Sequence[Checkpoint]) -> None:
        """Verify everything in the store at `location`."""
        kept = list(self.read_history(store))  # all of these first, for the log may grow under our hands
        older = [*kept, *self.read_cosigned(store), *earlier]
        self.compared, self.kept = len(older), len(kept)
        checkpoint = self.read_checkpoint(store)
        if checkpoint is None:
            return
        self.checkpoint = checkpoint
        found = examine_log(location, store.read, checkpoint.size)
        root, tile_roots = self.check_entries(found, checkpoint.size, older)
        self.check_upper(store, checkpoint.size, tile_roots)
        whole = root == checkpoint.root
        self.say_differences(whole=whole)
        if not whole and not self.incomplete:
            self.say(
                f"Записи дают не тот корень, который подписан в контрольной отметке (записей: {checkpoint.size}).",
                f"The entries give another root than the one signed in the checkpoint (entries: {checkpoint.size}).",
            )
        self.check_unknown_signers()
        self.check_strays(store, checkpoint.size)

    def read_checkpoint(self, store: Store) -> Checkpoint | None:
        """Return the published checkpoint, None when there is none that can be read."""
        note = store.read(CHECKPOINT)
        if note is None:
            self.say(
                "Здесь нет журнала аудита: нет файла checkpoint.", "There is no audit log here: no file checkpoint."
            )
            return None
        try:
            checkpoint = Checkpoint.parse(note)
        except NoteError as error:
            self.say(f"checkpoint: {error.ru}", f"checkpoint: {error.en}")
            return None
        if self.verifier is not None:
            self.check_signature(checkpoint, self.verifier)
        return checkpoint

    def check_signature(self, checkpoint: Checkpoint, verifier: VerifierKey) -> None:
        """Hold the checkpoint against the key that should have signed it."""
        self.key_known = checkpoint.signed_by([verifier, *self.former_keys]) is not None
        if not self.key_known:
            self.say(
                f"checkpoint: нет верной подписи ключом {verifier.name} ({verifier.key_id.hex()}).",
                f"checkpoint: no true signature by the key {verifier.name} ({verifier.key_id.hex()}).",
            )
        if checkpoint.origin != verifier.name:
            self.say(
                f"checkpoint: это отметка другого журнала, ожидался {verifier.name}.",
                f"checkpoint: it is another log's; {verifier.name} was expected.",
            )

    def read_history(self, store: Store) -> Iterator[Checkpoint]:
        """Give the earlier checkpoints that the store kept, each signed as the present one has to be."""
        for note in store.history():
            try:
                checkpoint = Checkpoint.parse(note)
            except NoteError as error:
                self.say(f"прежняя отметка: {error.ru}", f"an earlier checkpoint: {error.en}")
                continue
            self.check_signer(checkpoint)
            yield checkpoint

    def read_cosigned(self, store: Store) -> Iterator[Checkpoint]:
        """Give the checkpoint that witnesses cosigned, where one is kept beside the log, its signatures verified."""
        note = store.read(COSIGNED)
        if note is None:
            return
        try:
            checkpoint = Checkpoint.parse(note)
            names = tuple(cosignature.key.name for cosignature in verify_cosignatures(note, self.witnesses))
        except NoteError as error:
            self.say(f"{COSIGNED}: {error.ru}", f"{COSIGNED}: {error.en}")
            return
        self.check_signer(checkpoint)
        self.cosigned = (checkpoint.size if names else 0, names)
        yield checkpoint

    def check_signer(self, checkpoint: Checkpoint) -> None:
        """Hold an earlier checkpoint's signatures against the keys; leave those of unknown keys for later."""
        if self.verifier is None:
            return
        keys = [self.verifier, *self.former_keys]
        _, signatures = split_note(checkpoint.note)
        ids = {signature.key_id for signature in signatures if signature.name == self.verifier.name}
        if ids.isdisjoint(key.key_id for key in keys):
            self.unknown.append((checkpoint.size, frozenset(key_id.hex() for key_id in ids)))
        elif checkpoint.signed_by(keys) is None:
            self.say_unsigned(checkpoint.size)

    def check_unknown_signers(self) -> None:
        """Refuse an earlier checkpoint that bears no known signature, unless the log tells of a key that it names."""
        for size, ids in self.unknown:
            if ids.isdisjoint(self.keys):
                self.say_unsigned(size)

    def say_unsigned(self, size: int) -> None:
        """Note that an earlier checkpoint isn't the log's."""
        self.say(
            f"прежняя отметка (записей: {size}): нет верной подписи ключом журнала.",
            f"an earlier checkpoint (entries: {size}): no true signature by the log's key.",
        )

    def check_entries(
        self, found: Iterable[Examined], size: int, older: Sequence[Checkpoint]
    ) -> tuple[bytes, list[bytes]]:
        """Return the root over all leaves and those of the full level-0 tiles, noting what is wrong with the entries.

        On the way each of `older` is held against the tree of its size.
        """
        remembered: dict[int, list[Checkpoint]] = {}
        for checkpoint in older:
            remembered.setdefault(checkpoint.size, []).append(checkpoint)
        self.check_older(remembered.pop(0, []), EMPTY_ROOT)
        sizes = sorted(remembered, reverse=True)
        tree, rest, tile_roots = CompactRange(), None, list[bytes]()
        for examined in found:
            bundle = examined.bundle
            self.note(examined)
            reached = bundle.first + bundle.width
            if sizes and sizes[-1] <= reached:
                within = CompactRange()
                for leaf in split_hashes(examined.leaves):
                    within.append(leaf)
                    if bundle.first + within.size == sizes[-1]:
                        self.check_older(remembered[sizes.pop()], tree.root(within.root()))
                        if not sizes:
                            break
            if bundle.full:
                tree.append(examined.root)
                tile_roots.append(examined.root)
            else:
                rest = examined.root
            if self.progress is not None:
                self.progress(reached, size)
        for more in reversed(sizes):
            self.say(
                f"Журнал укорочен: прежняя отметка говорит о {more} записях, теперь их {size}.",
                f"The log was cut: an earlier checkpoint speaks of {more} entries, now there are {size}.",
            )
        return tree.root(rest), tile_roots

    def note(self, examined: Examined) -> None:
        """Take over what is wrong with one bundle or its tile."""
        for problem in examined.problems:
            self.say(problem.ru, problem.en)
        if examined.differing:
            self.differing.append((Tile(0, examined.bundle.index, examined.bundle.width), examined.differing))
        self.keys |= examined.keys
        self.incomplete = self.incomplete or examined.lost

    def check_older(self, checkpoints: Sequence[Checkpoint], root: bytes) -> None:
        """Hold earlier checkpoints of one size against the root at that size."""
        for checkpoint in checkpoints:
            if checkpoint.root != root:
                self.say(
                    f"Журнал переписан: его первые записи ({checkpoint.size}) не те, что были под прежней отметкой.",
                    f"The log was rewritten: its first {checkpoint.size} entries aren't an earlier checkpoint's.",
                )

    def check_upper(self, store: Store, size: int, tile_roots: list[bytes]) -> None:
        """Hold the tiles above level 0 against the roots of the tiles below them."""
        computed = tile_roots
        for level in levels(size)[1:]:
            above: list[bytes] = []
            for tile in tiles_at(level, size):
                mine = computed[tile.first : tile.first + tile.width]
                problems: list[Problem] = []
                stored = read_hashes(store.read, tile, problems)
                for problem in problems:
                    self.say(problem.ru, problem.en)
                if stored is not None and stored != b"".join(mine):
                    self.differing.append((tile, differences(tile, stored, mine)))
                if tile.full:
                    above.append(root_hash(mine))
            computed = above

    def say_differences(self, *, whole: bool) -> None:
        """Say which of two differing files was changed: not the entries, when they give the signed root."""
        entries_differ = any(tile.level == 0 for tile, _ in self.differing)
        for tile, numbers in self.differing:
            some = ", ".join(str(number) for number in numbers[:5]) + (", …" if len(numbers) > 5 else "")  # noqa: PLR2004  enough to look there
            if whole:
                self.say(
                    f"Файл {tile.path} изменён: хеши {some} не те, что дают записи.",
                    f"The file {tile.path} was changed: its hashes {some} aren't those of the entries.",
                )
            elif tile.level == 0:
                bundle = Tile(BUNDLES, tile.index, tile.width)
                self.say(
                    f"Файл {bundle.path}: записи {some} (счёт от нуля) не те, что внесены в дерево ({tile.path}).",
                    f"The file {bundle.path}: entries {some} (from zero) aren't those in the tree ({tile.path}).",
                )
            elif not entries_differ:
                self.say(
                    f"Файл {tile.path}: хеши {some} не те, что дают файлы под ними.",
                    f"The file {tile.path}: its hashes {some} aren't those of the files below.",
                )

    def check_strays(self, store: Store, size: int) -> None:
        """Look at everything stored that isn't needed: outlived partial tiles, an unpublished end, strangers."""
        paths = list(store.paths())
        present = self.present_size(store, size)
        for path in paths:
            tile = parse_path(path)
            if path == CHECKPOINT:
                continue
            if tile is None:
                self.say(f"Посторонний файл {path}.", f"The file {path} is no part of a log.")
                continue
            rest = hashes_at(tile.level, size) - tile.first
            if tile.width > rest:
                self.unpublished.append(path)
                if not store.leaves_unpublished and tile.width > hashes_at(tile.level, present) - tile.first:
                    self.say(
                        f"{path}: лежит за последней отметкой, хотя запись туда невозможна.",
                        f"{path}: stands beyond the last checkpoint, where nothing can have been written.",
                    )
            elif tile.width < min(rest, TILE_WIDTH):
                self.check_outlived(store, tile, Tile(tile.level, tile.index, min(rest, TILE_WIDTH)))

    def present_size(self, store: Store, size: int) -> int:
        """Return the size that the log has now: it may have grown since the verification began."""
        try:
            return max(size, Checkpoint.parse(store.read(CHECKPOINT) or b"").size)
        except NoteError:
            return size

    def check_outlived(self, store: Store, old: Tile, now: Tile) -> None:
        """Hold a partial tile that has grown since against its present form."""
        left, right = store.read(old.path), read_tile(store.read, now)
        if left is None or right is None:
            return  # gone meanwhile, as it may; or missed above already
        if old.level != BUNDLES:
            same = left == right[: old.width * HASH_BYTES]
        else:
            try:
                same = left == join_entries(split_entries(right)[: old.width])
            except ValueError:
                return  # said above already
        if not same:
            self.say(
                f"Файл {old.path} изменён: это не начало файла {now.path}.",
                f"The file {old.path} was changed: it isn't the beginning of {now.path}.",
            )
