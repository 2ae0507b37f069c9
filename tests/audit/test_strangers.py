"""What the log says of itself is held against the Go project's own code for transparency logs (golang.org/x/mod).

Rules. Of each kind 1,000 honest cases are accepted and 1,000 damaged ones refused, by that code and by ours alike.
The program in `go/judge.go` only translates; Debian's golang-go and golang-golang-x-mod-dev build it. Where they are
missing these tests fail: an unasked stranger has agreed to nothing.
"""

import base64
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from audit.entry import RunStarted, canonical
from audit.errors import NoteError
from audit.keys import SigningKey, create_signing_key, load_signing_key
from audit.log import open_log
from audit.note import Checkpoint, VerifierKey
from audit.tiles import BUNDLES, Tile, hashes_at, levels, split_entries
from audit.tree import (
    HASH_BYTES,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_at,
    verify_consistency,
    verify_inclusion,
)

ORIGIN = "school.example/audit"
CASES = 1000
LARGEST = 5000
MODULE = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built without any network."""
    if shutil.which("go") is None or not MODULE.is_dir():
        pytest.fail("Go or its module is missing: apt-get install golang-go golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOFLAGS": "",
        "GOPATH": "/usr/share/gocode",
        "GOCACHE": str(folder / "cache"),
        "GOPROXY": "off",
    }
    source = Path(__file__).parent / "go" / "judge.go"
    built = subprocess.run(
        ["go", "build", "-o", folder / "judge", source], env=environment, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return folder / "judge"


@pytest.fixture(scope="module")
def chance() -> random.Random:
    return random.Random("the same cases each time")  # noqa: S311  cases, not secrets


@pytest.fixture(scope="module")
def tree() -> "Tree":
    return Tree([leaf_hash(f"entry {number}".encode()) for number in range(LARGEST)])


class Tree:
    """All complete subtrees over some leaves, so that proofs are at hand for every size."""

    def __init__(self, leaves: list[bytes]) -> None:
        self._levels = [leaves]
        while len(self._levels[-1]) > 1:
            pairs = iter(self._levels[-1])
            self._levels.append([node_hash(left, right) for left, right in zip(pairs, pairs, strict=False)])

    def node(self, level: int, index: int) -> bytes:
        return self._levels[level][index]

    def root(self, size: int) -> bytes:
        return root_at(size, self.node)


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def answers(judge: Path, questions: list[dict[str, object]]) -> list[bool]:
    """What the stranger says to each question."""
    lines = "".join(f"{json.dumps(question)}\n" for question in questions)
    done = subprocess.run([judge], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == len(questions)
    assert all(line == "yes" or line.startswith("no ") for line in said)
    return [line == "yes" for line in said]


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def damaged_proof(proof: tuple[bytes, ...], chance: random.Random) -> tuple[bytes, ...]:
    """The proof with a bit changed, an element more, less, or two in each other's place."""
    at = chance.randrange(len(proof) + 1)
    ways: list[Callable[[], tuple[bytes, ...]]] = [lambda: (*proof[:at], chance.randbytes(HASH_BYTES), *proof[at:])]
    if proof:
        one = at % len(proof)
        ways += [
            lambda: (*proof[:one], flipped(proof[one], chance), *proof[one + 1 :]),
            lambda: (*proof[:one], *proof[one + 1 :]),
        ]
    if len(proof) > 1:
        ways.append(lambda: (proof[-1], *proof[1:-1], proof[0]))
    return chance.choice(ways)()


@dataclass(frozen=True)
class Inclusion:
    index: int
    size: int
    leaf: bytes
    root: bytes
    proof: tuple[bytes, ...]

    @classmethod
    def honest(cls, tree: Tree, chance: random.Random) -> "Inclusion":
        size = chance.choice([chance.randint(1, 20), chance.randint(1, 600), chance.randint(1, LARGEST)])
        index = chance.randrange(size)
        return cls(index, size, tree.node(0, index), tree.root(size), inclusion_proof(index, size, tree.node))

    def damaged(self, chance: random.Random) -> "Inclusion":
        ways: list[Callable[[], Inclusion]] = [
            lambda: replace(self, proof=damaged_proof(self.proof, chance)),
            lambda: replace(self, proof=damaged_proof(self.proof, chance)),
            lambda: replace(self, leaf=flipped(self.leaf, chance)),
            lambda: replace(self, root=flipped(self.root, chance)),
            lambda: replace(self, index=self.index + chance.choice([-1, 1])),
        ]
        return chance.choice(ways)()

    @property
    def accepted(self) -> bool:
        return verify_inclusion(self.leaf, self.index, self.size, self.proof, self.root)

    @property
    def question(self) -> dict[str, object]:
        return {
            "About": "inclusion",
            "Index": self.index,
            "Size": self.size,
            "Leaf": text(self.leaf),
            "Root": text(self.root),
            "Proof": [text(part) for part in self.proof],
        }


@dataclass(frozen=True)
class Consistency:
    old: int
    size: int
    old_root: bytes
    root: bytes
    proof: tuple[bytes, ...]

    @classmethod
    def honest(cls, tree: Tree, chance: random.Random) -> "Consistency":
        size = chance.choice([chance.randint(1, 20), chance.randint(1, 600), chance.randint(1, LARGEST)])
        old = chance.choice([chance.randint(1, size), 1 << (chance.randint(1, size).bit_length() - 1)])
        return cls(old, size, tree.root(old), tree.root(size), consistency_proof(old, size, tree.node))

    def damaged(self, chance: random.Random) -> "Consistency":
        ways: list[Callable[[], Consistency]] = [
            lambda: replace(self, proof=damaged_proof(self.proof, chance)),
            lambda: replace(self, proof=damaged_proof(self.proof, chance)),
            lambda: replace(self, old_root=flipped(self.old_root, chance)),
            lambda: replace(self, root=flipped(self.root, chance)),
            lambda: replace(self, old=self.old + chance.choice([-1, 1])),
            lambda: replace(self, old_root=self.root, root=self.old_root),
        ]
        other = chance.choice(ways)()
        return other if other != self else replace(self, root=flipped(self.root, chance))

    @property
    def accepted(self) -> bool:
        return verify_consistency(self.old, self.size, self.old_root, self.root, self.proof)

    @property
    def question(self) -> dict[str, object]:
        return {
            "About": "consistency",
            "Old": self.old,
            "Size": self.size,
            "OldRoot": text(self.old_root),
            "Root": text(self.root),
            "Proof": [text(part) for part in self.proof],
        }


@dataclass(frozen=True)
class Head:
    """A checkpoint, and what it is claimed to say."""

    key: SigningKey
    note: bytes
    size: int
    root: bytes

    @classmethod
    def honest(cls, tree: Tree, chance: random.Random) -> "Head":
        name = chance.choice([ORIGIN, "школа.example/журнал", "a"])
        key = load_signing_key(create_signing_key(), name)
        size = chance.choice([0, chance.randint(1, LARGEST), chance.randint(1, 2**62)])
        root = tree.root(size) if size <= LARGEST else chance.randbytes(HASH_BYTES)
        note = Checkpoint.sign(name, size, root, key).note
        if chance.random() < 0.3:  # somebody else signed as well
            other = load_signing_key(create_signing_key(), "witness.example/w")
            note += Checkpoint.sign(name, size, root, other).note.partition(b"\n\n")[2]
        return cls(key, note, size, root)

    def damaged(self, chance: random.Random) -> "Head":
        own_line_ends = self.note.index(b"\n", self.note.index(b"\n\n") + 2)
        at = chance.choice([at for at in range(own_line_ends) if at not in self.unused_bits])
        bit = 1 << chance.randrange(8)
        ways: list[Callable[[], Head]] = [
            lambda: replace(self, note=self.note[:at] + bytes([self.note[at] ^ bit]) + self.note[at + 1 :]),
            lambda: replace(self, note=self.note[:at] + bytes([self.note[at] ^ bit]) + self.note[at + 1 :]),
            lambda: replace(self, note=self.note[:at] + self.note[at + 1 :]),
            lambda: replace(self, note=self.note[: self.note.index(b"\n\n") + 1]),
            lambda: replace(self, size=self.size + 1),
            lambda: replace(self, root=flipped(self.root, chance)),
            lambda: replace(self, key=load_signing_key(create_signing_key(), self.key.verifier.name)),
        ]
        return chance.choice(ways)()

    @property
    def unused_bits(self) -> set[int]:
        """Where in a signature a character of Base64 stands whose last bits say nothing; Go takes any, we take one."""
        signatures = self.note.index(b"\n\n")
        return {at - 1 for at, byte in enumerate(self.note) if byte == ord("=") and at > signatures}

    @property
    def accepted(self) -> bool:
        verifier = VerifierKey.parse(self.key.verifier.vkey)
        try:
            checkpoint = Checkpoint.parse(self.note)
        except NoteError:
            return False
        claimed = (checkpoint.origin, checkpoint.size, checkpoint.root) == (verifier.name, self.size, self.root)
        return claimed and checkpoint.signed_by([verifier]) == verifier

    @property
    def question(self) -> dict[str, object]:
        return {
            "About": "checkpoint",
            "VKey": self.key.verifier.vkey,
            "Note": text(self.note),
            "Size": self.size,
            "Root": text(self.root),
        }


@pytest.mark.parametrize("kind", [Head, Inclusion, Consistency])
def test_a_thousand_of_a_thousand(
    kind: type[Head | Inclusion | Consistency], judge: Path, tree: Tree, chance: random.Random
) -> None:
    honest = [kind.honest(tree, chance) for _ in range(CASES)]
    damaged = [case.damaged(chance) for case in honest]
    assert [case for case in honest if not case.accepted] == []
    assert [case for case in damaged if case.accepted] == []
    assert answers(judge, [case.question for case in honest]) == [True] * CASES
    assert answers(judge, [case.question for case in damaged]) == [False] * CASES


def test_of_two_ways_to_write_the_same_bytes_we_take_one(judge: Path, tree: Tree, chance: random.Random) -> None:
    """A note can't be changed unseen, not even without a change of meaning. Here Go's code is laxer."""
    head = Head.honest(tree, chance)
    same = []
    for at in head.unused_bits:
        character = head.note[at : at + 1].decode()
        other = chr(ord(character) + 1).encode()
        same.append(replace(head, note=head.note[:at] + other + head.note[at + 1 :]))
    assert same
    assert answers(judge, [case.question for case in same]) == [True] * len(same)
    assert not any(case.accepted for case in same)


def stored_tiles(folder: Path, size: int, index: int) -> Iterator[tuple[str, bytes]]:
    """The tiles above one entry and those at the right edge, under the paths that the Go code gives them."""
    for level in levels(size):
        last = (hashes_at(level, size) - 1) // 256
        for number in {min(index >> (8 * (level + 1)), last), last}:
            tile = Tile(level, number, min(256, hashes_at(level, size) - number * 256))
            yield tile.path.replace("tile/", "tile/8/"), (folder / tile.path).read_bytes()


def stored_entry(folder: Path, size: int, index: int) -> bytes:
    bundle = Tile(BUNDLES, index // 256, min(256, size - index // 256 * 256))
    return split_entries((folder / bundle.path).read_bytes())[index % 256]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1000, 65_900])
def test_entries_are_found_in_the_logs_files(
    judge: Path, chance: random.Random, size: int, tmp_path: Path, key: SigningKey, started: RunStarted
) -> None:
    log = open_log(tmp_path, key, ORIGIN)
    entries = [replace(started, run=f"run-{number}") for number in range(size)]
    for at in range(0, size, 40_000):
        checkpoint = log.append(entries[at : at + 40_000])
    honest: list[dict[str, object]] = []
    damaged: list[dict[str, object]] = []
    for index in [0, size - 1, *(chance.randrange(size) for _ in range(18))]:
        tiles = dict(stored_tiles(tmp_path, size, index))
        entry = stored_entry(tmp_path, size, index)
        assert entry == canonical(entries[index])
        question: dict[str, object] = {
            "About": "tiles",
            "Size": size,
            "Root": text(checkpoint.root),
            "Index": index,
            "Entry": text(entry),
            "Tiles": {path: text(data) for path, data in tiles.items()},
        }
        honest.append(question)
        path = chance.choice(sorted(tiles))
        changes: tuple[dict[str, object], ...] = (
            {"Tiles": {p: text(flipped(d, chance) if p == path else d) for p, d in tiles.items()}},
            {"Tiles": {p: text(d[:-HASH_BYTES] if p == path else d) for p, d in tiles.items()}},
            {"Tiles": {p: text(d) for p, d in tiles.items() if p != path}},
            {"Entry": text(flipped(entry, chance))},
            {"Root": text(flipped(checkpoint.root, chance))},
        )
        damaged.extend(question | change for change in changes)
    assert answers(judge, honest) == [True] * len(honest)
    assert answers(judge, damaged) == [False] * len(damaged)
