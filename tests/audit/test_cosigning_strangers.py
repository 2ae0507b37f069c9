"""Cosignatures are held against the Go project's own code for signed notes (golang.org/x/mod/sumdb/note).

Rules. 1,000 of ours are accepted by it and 1,000 of its are accepted by ours; 1,000 damaged ones are refused by both.
Debian's golang-go and golang-golang-x-mod-dev build the program; where they are missing these tests fail.
"""

import base64
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.cosigning import cosign, cosigner_key, verify_cosignatures, with_lines
from audit.errors import NoteError
from audit.keys import SigningKey
from audit.note import Checkpoint

CASES = 1000
MODULE = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/note")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built without any network."""
    if shutil.which("go") is None or not MODULE.is_dir():
        pytest.fail("Go or its module is missing: apt-get install golang-go golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    settings = {"GO111MODULE": "off", "GOFLAGS": "", "GOPATH": "/usr/share/gocode", "GOPROXY": "off"}
    environment = os.environ | settings | {"GOCACHE": str(folder / "cache")}
    command = ["go", "build", "-o", folder / "cosigner", Path(__file__).parent / "go" / "cosigner.go"]
    built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder / "cosigner"


def asked(stranger: Path, questions: list[dict[str, object]]) -> list[str]:
    lines = "".join(f"{json.dumps(question)}\n" for question in questions)
    done = subprocess.run([stranger], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == len(questions)
    return said


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Case:
    """A checkpoint, a witness, a moment."""

    def __init__(self, chance: random.Random) -> None:
        self.seed = chance.randbytes(32)
        name = chance.choice(["w.example/1", "комитет.example/свидетель", "a"])
        self.key = SigningKey(Ed25519PrivateKey.from_private_bytes(self.seed), name)
        log = SigningKey(Ed25519PrivateKey.from_private_bytes(chance.randbytes(32)), "school.example/audit")
        self.note = Checkpoint.sign("school.example/audit", chance.randrange(10**9), chance.randbytes(32), log).note
        self.moment = chance.choice([1, chance.randrange(1, 1 << 31), (1 << 63) - 1])
        self.vkey = cosigner_key(self.key).vkey

    def cosigned(self) -> bytes:
        return with_lines(self.note, [cosign(self.note, self.key, self.moment)])


def cases() -> list[Case]:
    chance = random.Random("the same cases each time")  # noqa: S311  cases, not secrets
    return [Case(chance) for _ in range(CASES)]


def test_a_stranger_accepts_ours_and_reads_the_same_moment(stranger: Path) -> None:
    made = cases()
    said = asked(stranger, [{"VKey": case.vkey, "Note": text(case.cosigned())} for case in made])
    assert said == [f"yes {case.moment}" for case in made]


def test_we_accept_a_strangers(stranger: Path) -> None:
    made = cases()
    said = asked(
        stranger,
        [
            {"Name": case.key.verifier.name, "Seed": text(case.seed), "Time": case.moment, "Note": text(case.note)}
            for case in made
        ],
    )
    for case, encoded in zip(made, said, strict=True):
        (found,) = verify_cosignatures(base64.b64decode(encoded), [cosigner_key(case.key)])
        assert found.moment == case.moment
        assert found.line.encode() in case.cosigned()  # Ed25519 signs the same the same way


def test_both_refuse_what_was_damaged(stranger: Path) -> None:
    chance = random.Random("the same damages each time")  # noqa: S311  cases, not secrets
    made = cases()
    damaged: list[bytes] = []
    for case in made:
        note = bytearray(case.cosigned())
        ours = note.rindex(b"\n\xe2\x80\x94")
        body = note.index(b"\n\n")
        at = chance.choice([chance.randrange(body), chance.randrange(ours + 1, len(note) - 1)])
        note[at] ^= 1 << chance.randrange(8)
        damaged.append(bytes(note))
    said = asked(stranger, [{"VKey": case.vkey, "Note": text(note)} for case, note in zip(made, damaged, strict=True)])
    assert [line for line in said if line.startswith("yes")] == []
    for case, note in zip(made, damaged, strict=True):
        try:
            found = verify_cosignatures(note, [cosigner_key(case.key)])
        except NoteError:
            found = []
        assert found == []
