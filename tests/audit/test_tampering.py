"""Whatever is done to a stored log, past the program, its verification finds and says where.

Rules. The tamperer writes to the medium at will: files, a SQLite file, a PostgreSQL as its superuser. Changes go as far
up as they like: only the entries, their hashes too, all tiles, the checkpoint's text, its signature by another key.
Two things no look at the log alone can find: an older copy put back, and a log written anew by whoever has its key.
These are found by a checkpoint that was kept elsewhere, and refused by a witness. That a database keeps every
checkpoint is a help and no promise: to delete an earlier one there is no change of the log.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fakes.postgresql import postgresql
from fakes.stored_logs import HEADS, Folder, Medium, Sqlite, State, Superuser

from audit.entry import DisclosureIntended, Entry, canonical, parse
from audit.keys import SigningKey, create_signing_key, load_signing_key
from audit.location import open_store
from audit.log import AuditLog, open_log
from audit.note import Checkpoint
from audit.tiles import BUNDLES, join_entries, levels, node_reader, split_entries, tiles_at
from audit.tree import consistency_proof, leaf_hash, root_hash
from audit.verify import verify_log
from audit.witness import Refusal, Seen, Submission, decide

ORIGIN = "school.example/audit"
SOAK = os.environ.get("DNEVNIK_SOAK") == "1"
MUTATIONS = (
    {"folder": 6000, "sqlite": 2500, "postgresql": 1500} if SOAK else {"folder": 700, "sqlite": 300, "postgresql": 200}
)
SIZES = (100, 256, 258, 262)
KINDS = {"bit", "bytes cut", "resource gone", "stranger", "exchanged", "line", "swap", "cut", "insert", "fork"} | {
    "older copy",
    "signed anew",
}
STRANGER = load_signing_key(create_signing_key(), ORIGIN)


def resources(entries: list[bytes]) -> dict[str, bytes]:
    """All bundles and tiles of a log of these entries."""
    made = {}
    size = len(entries)
    for tile in tiles_at(BUNDLES, size):
        made[tile.path] = join_entries(entries[tile.first : tile.first + tile.width])
    hashes = [leaf_hash(entry) for entry in entries]
    for level in levels(size):
        above = []
        for tile in tiles_at(level, size):
            mine = hashes[tile.first : tile.first + tile.width]
            made[tile.path] = b"".join(mine)
            if tile.full:
                above.append(root_hash(mine))
        hashes = above
    return made


@dataclass
class Tampered:
    """A log as it is stored after a change, and what was touched."""

    kind: str
    state: dict[str, bytes]
    unseen: bool = False
    """Nothing but what is kept elsewhere can tell."""


@dataclass
class Tamperer:
    """Makes changes of one honest log."""

    medium: Medium
    honest: dict[str, bytes]
    older: list[dict[str, bytes]]
    key: SigningKey
    chance: random.Random
    entries: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        bundles = [self.honest[tile.path] for tile in tiles_at(BUNDLES, SIZES[-1])]
        self.entries = [entry for bundle in bundles for entry in split_entries(bundle)]

    @property
    def head(self) -> str:
        """The key of the newest checkpoint."""
        return "checkpoint" if "checkpoint" in self.honest else f"{HEADS}{SIZES[-1]}"

    def ways(self) -> list[Callable[[], Tampered]]:
        ways = [
            self.bit,
            self.cut_file,
            self.gone,
            self.strange,
            self.line,
            self.swap,
            self.cut,
            self.insert,
            self.fork,
        ]
        ways += [self.restored, self.rewritten]
        return ways if "checkpoint" in self.honest else [*ways, self.rows, self.rows]

    def any(self) -> Iterator[Tampered]:
        """Change after change, of each kind in turn."""
        while True:
            for way in self.ways():
                yield way()

    def _some(self) -> str:
        """The key of something that must be there: not of a partial form that has grown since."""
        needed = [*resources(self.entries), self.head]
        return self.chance.choice([key for key in self.honest if key in needed])

    def bit(self) -> Tampered:
        """One bit of anything at all."""
        key = self.chance.choice(sorted(self.honest))
        content = bytearray(self.honest[key])
        content[self.chance.randrange(len(content))] ^= 1 << self.chance.randrange(8)
        return Tampered("bit", {**self.honest, key: bytes(content)})

    def cut_file(self) -> Tampered:
        key = self.chance.choice(sorted(self.honest))
        content = self.honest[key]
        start, end = sorted(self.chance.sample(range(len(content) + 1), 2))
        return Tampered("bytes cut", {**self.honest, key: content[:start] + content[end:]})

    def gone(self) -> Tampered:
        key = self._some()
        if key != self.head or key == "checkpoint":
            return Tampered("resource gone", {other: content for other, content in self.honest.items() if other != key})
        # A database then has an older newest checkpoint, and rows that nothing can have written.
        return Tampered("checkpoint gone", {other: content for other, content in self.honest.items() if other != key})

    def strange(self) -> Tampered:
        """Something more, or one thing in another's place."""
        one, other = self._some(), self._some()
        if one == other or self.chance.random() < 0.4:
            return Tampered(
                "stranger", {**self.honest, self.chance.choice(["tile/notes", "tile/0/000.bak", "x"]): b"x"}
            )
        return Tampered("exchanged", {**self.honest, one: self.honest[other], other: self.honest[one]})

    def line(self) -> Tampered:
        """An entry that says something else."""
        number = self.chance.randrange(len(self.entries))
        entry = parse(self.entries[number])
        assert isinstance(entry, DisclosureIntended)
        changes: list[dict[str, object]] = [
            {"student": "s-other"},
            {"records": entry.records[1:]},
            {"grounds": ()},
            {"run": "r"},
        ]
        other = canonical(replace(entry, **self.chance.choice(changes)))
        return self._written("line", [*self.entries[:number], other, *self.entries[number + 1 :]])

    def swap(self) -> Tampered:
        one, other = self.chance.sample(range(len(self.entries)), 2)
        entries = list(self.entries)
        entries[one], entries[other] = entries[other], entries[one]
        return self._written("swap", entries)

    def cut(self) -> Tampered:
        """Entries left out, at the end or in the middle."""
        count = self.chance.randint(1, 20)
        at = self.chance.choice([len(self.entries) - count, self.chance.randrange(len(self.entries) - count)])
        return self._written("cut", self.entries[:at] + self.entries[at + count :])

    def insert(self) -> Tampered:
        at = self.chance.randrange(len(self.entries) + 1)
        return self._written("insert", [*self.entries[:at], self.chance.choice(self.entries), *self.entries[at:]])

    def fork(self) -> Tampered:
        """The same up to some entry, then another end."""
        at = self.chance.randrange(len(self.entries))
        end = [self.chance.choice(self.entries) for _ in range(self.chance.randint(1, 30))]
        return self._written("fork", [*self.entries[:at], *end])

    def _written(self, kind: str, entries: list[bytes]) -> Tampered:
        """The log with these entries in it, rewritten up to some height, but not signed by its key."""
        made = resources(entries)
        grown = {key: content for key, content in self.honest.items() if key not in resources(self.entries)}
        height = self.chance.choice(["entries", "hashes", "tiles", "text", "another key"])
        if height in {"entries", "hashes"}:
            lowest = ("tile/entries/",) if height == "entries" else ("tile/entries/", "tile/0/")
            state = {**self.honest, **{key: content for key, content in made.items() if key.startswith(lowest)}}
            if entries[: len(self.entries)] == self.entries:  # what was added stands beyond the end
                return self._written(kind, entries)
            gone = [key for key in resources(self.entries) if key.startswith(lowest) and key not in made]
            return Tampered(kind, {key: content for key, content in state.items() if key not in gone})
        state = {**grown, **made}
        size, root = len(entries), root_hash([leaf_hash(entry) for entry in entries])
        if height == "text":
            forged = Checkpoint.sign(ORIGIN, size, root, STRANGER).note.partition(b"\n\n")[0]
            self._put_head(state, size, forged + b"\n\n" + self.honest[self.head].partition(b"\n\n")[2])
        elif height == "another key":
            self._put_head(state, size, Checkpoint.sign(ORIGIN, size, root, STRANGER).note)
        return Tampered(kind, state)

    def _put_head(self, state: dict[str, bytes], size: int, note: bytes) -> None:
        """Make a note the newest checkpoint."""
        if self.head == "checkpoint":
            state["checkpoint"] = note
            return
        for key in [key for key in state if key.startswith(HEADS) and int(key.removeprefix(HEADS)) >= size]:
            del state[key]
        state[f"{HEADS}{size}"] = note

    def rows(self) -> Tampered:
        """What can be done to a table of checkpoints."""
        heads = sorted(key for key in self.honest if key.startswith(HEADS))
        one, other = self.chance.sample(heads, 2)
        state = dict(self.honest)
        match self.chance.choice(["moved", "exchanged", "false root", "later", "another's"]):
            case "moved":
                state[f"{HEADS}{self.chance.randint(101, 255)}"] = state.pop(one)
            case "exchanged":
                state[one], state[other] = state[other], state[one]
            case "false root":
                size = int(one.removeprefix(HEADS))
                state[one] = Checkpoint.sign(ORIGIN, size, self.chance.randbytes(32), self.key).note
            case "later":
                state[f"{HEADS}{SIZES[-1] + 5}"] = state[self.head]
            case _:
                note = Checkpoint.parse(state[one])
                state[one] = Checkpoint.sign(ORIGIN, note.size, note.root, STRANGER).note
        return Tampered("rows", state)

    def restored(self) -> Tampered:
        return Tampered("older copy", dict(self.chance.choice(self.older)), unseen=True)

    def rewritten(self) -> Tampered:
        """Other entries, and the log's own key over them: the checkpoints that a database kept are rewritten too."""
        at = self.chance.randrange(len(self.entries))
        end = [self.chance.choice(self.entries) for _ in range(self.chance.choice([0, 5, 300]))]
        entries = [*self.entries[:at], *end]
        if entries == self.entries:
            entries.reverse()
        state = resources(entries)
        size, root = len(entries), root_hash([leaf_hash(entry) for entry in entries])
        note = Checkpoint.sign(ORIGIN, size, root, self.key).note
        state["checkpoint" if self.head == "checkpoint" else f"{HEADS}{size}"] = note
        return Tampered("signed anew", state, unseen=True)


def made_log(
    location: str, medium: Callable[[], Medium], key: SigningKey, intents: Callable[[int], list[Entry]]
) -> Tamperer:
    log = open_log(location, key, ORIGIN)
    states, size = [], 0
    stored: Medium | None = None
    for reached in SIZES:
        log.append(intents(reached - size))
        size = reached
        stored = stored or medium()
        states.append(stored.state())
    log.close()
    assert stored is not None
    chance = random.Random(f"the same each time in {type(stored).__name__}")  # noqa: S311  cases, not secrets
    return Tamperer(stored, states[-1], states[:-1], key, chance)


def witness_cosigns(location: str, key: SigningKey, kept: Checkpoint) -> bool:
    """Whether a witness that saw `kept` would cosign the log as it is now, whatever proof the log can give."""
    store = open_store(location)
    now = AuditLog(store, key).checkpoint()
    node = node_reader(store.read, now.size)
    proof = consistency_proof(kept.size, now.size, node) if 0 < kept.size <= now.size else ()
    answers = [
        decide(Submission(old, given, now), Seen(kept.size, kept.root))
        for old, given in ((kept.size, proof), (now.size, ()), (0, ()))
    ]
    store.close()
    return not all(isinstance(answer, Refusal) for answer in answers)


def hunt(location: str, tamperer: Tamperer, count: int) -> Counter[str]:
    """Change the log `count` times; each time it must be found. Returns how many changes there were of each kind."""
    key, kept = tamperer.key, Checkpoint.parse(tamperer.honest[tamperer.head])
    whole = verify_log(location, key.verifier, earlier=[kept])
    assert (whole.problems, whole.unpublished) == ((), ())
    assert witness_cosigns(location, key, kept)
    kinds: Counter[str] = Counter()
    for tampered in tamperer.any():
        if tampered.state == tamperer.honest:
            continue
        kinds[tampered.kind] += 1
        tamperer.medium.change(tamperer.honest, tampered.state)
        try:
            find(location, tampered, key, kept, touched(tamperer.honest, tampered.state))
        finally:
            tamperer.medium.change(tampered.state, tamperer.honest)
        if kinds.total() == count:
            break
    assert verify_log(location, key.verifier, earlier=[kept]) == whole
    return kinds


def touched(before: State, after: State) -> set[str]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def find(location: str, tampered: Tampered, key: SigningKey, kept: Checkpoint, places: set[str]) -> None:
    alone = verify_log(location, key.verifier)
    if not tampered.unseen:
        assert not alone.ok, (tampered.kind, sorted(places))
        said = [f"{problem.en} {problem.ru}" for problem in alone.problems]
        names = {place.replace(HEADS, "audit_checkpoint") for place in places} | {"checkpoint", "отметк"}
        names |= {
            place[: place.index(".p/") + 3] for place in places if "/entries/" in place and ".p/" in place
        }  # a piece
        assert any(name in sentence for name in names for sentence in said), (tampered.kind, sorted(places), said[:3])
        return
    assert alone.ok, (tampered.kind, alone.problems)  # nothing in it can tell
    verdict = verify_log(location, key.verifier, earlier=[kept])
    assert not verdict.ok, tampered.kind
    assert verdict.problems[0].en.startswith(("The log was cut", "The log was rewritten")), verdict.problems
    log = open_log(location, key, ORIGIN)
    assert not log.continues(kept.size, kept.root)
    log.close()
    assert not witness_cosigns(location, key, kept), tampered.kind


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("store", MUTATIONS)
def test_everything_is_found(
    store: str,
    tmp_path: Path,
    key: SigningKey,
    intents: Callable[[int], list[Entry]],
    request: pytest.FixtureRequest,
) -> None:
    medium: Callable[[], Medium]
    if store == "folder":
        location, medium = str(tmp_path / "log"), lambda: Folder(tmp_path / "log")
    elif store == "sqlite":
        location, medium = f"sqlite:///{tmp_path / 'log.db'}", lambda: Sqlite(tmp_path / "log.db")
    else:
        location = request.getfixturevalue("server")
        medium = lambda: Superuser(location)  # noqa: E731  as above
    tamperer = made_log(location, medium, key, intents)
    kinds = hunt(location, tamperer, MUTATIONS[store])
    if not isinstance(tamperer.medium, Folder):
        tamperer.medium.close()
    assert kinds.total() == MUTATIONS[store]
    assert kinds.keys() >= KINDS | (set() if store == "folder" else {"rows", "checkpoint gone"}), kinds
    assert min(kinds[kind] for kind in KINDS) > MUTATIONS[store] // 100, kinds
