"""FORMAT.md says what the code does: its tables, its worked example, its program."""

import hmac
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import audit
from audit import verify_evidence
from audit.account_reference import account_reference
from audit.cosigning import CosignerKey, cosign, verify_cosignatures
from audit.entry import KINDS, DeliveryDecision, DisclosureIntended, Entry, Ground, RecordAction, Rejected, parse
from audit.keys import SigningKey
from audit.log import open_log
from audit.note import Checkpoint, VerifierKey
from audit.shape import Checked

PAGE = (Path(audit.__file__).parent / "FORMAT.md").read_text("utf-8")
ORIGIN = "school.example/audit"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))), ORIGIN)
    entries = [parse(block.rstrip("\n").encode()) for block in blocks("json")]
    open_log(tmp_path, key, ORIGIN).append(entries)
    return tmp_path


def test_the_example_is_what_the_code_writes(example: Path) -> None:
    (checkpoint,) = blocks("checkpoint")
    (leaves,) = blocks("leaves")
    (vkey,) = blocks("vkey")
    assert (example / "checkpoint").read_text("utf-8") == checkpoint
    assert (example / "tile/0/000.p/2").read_bytes() == bytes.fromhex(leaves)
    key = VerifierKey.parse(vkey)
    assert Checkpoint.parse(checkpoint.encode()).signed_by([key]) == key


def test_the_cosigned_example_is_what_a_witness_writes() -> None:
    (checkpoint,), (cosigned,), (vkey,) = blocks("checkpoint"), blocks("cosigned"), blocks("cosigner")
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64))), "committee.example/witness")
    assert checkpoint + cosign(checkpoint.encode(), key, 1_795_000_000) == cosigned
    (found,) = verify_cosignatures(cosigned.encode(), [CosignerKey.parse(vkey)])
    assert found.moment == 1_795_000_000


def test_the_example_is_the_entry_that_it_seems_to_be() -> None:
    first = parse(blocks("json")[0].rstrip("\n").encode())
    assert isinstance(first, DisclosureIntended)
    assert first.at == datetime(2026, 11, 24, 16, 15, tzinfo=UTC)
    assert first.records == (RecordAction("rc-1", 3, "publish"), RecordAction("rc-2", 2, "withdraw", "deleted"))
    assert first.grounds == (Ground(link="ln-9", consent="cn-3", account=blocks("account")[0].split()[2]),)


def test_the_example_of_an_account_is_what_its_key_makes() -> None:
    account_key, account, reference = blocks("account")[0].split()
    assert account_reference(bytes.fromhex(account_key), account) == reference
    assert verify_evidence.reference_of(bytes.fromhex(account_key), account) == reference
    assert hmac.digest(bytes(range(32)), b"pa-55810", "sha256").hex() == reference
    with pytest.raises(ValueError, match="32 bytes"):
        account_reference(b"short", account)


def test_the_example_of_a_decision_is_one() -> None:
    (block,) = blocks("entry")
    assert parse(block.rstrip("\n").encode()) == DeliveryDecision(
        at=datetime(2026, 11, 24, 17, 2, tzinfo=UTC),
        school="0252",
        record="rc-1",
        action="retried",
        by_digest="7a" * 32,
    )


def described(kind: type[Checked]) -> set[str]:
    """A class's fields as the page lists them: those that may be left out in brackets."""
    return {f"[{field.name}]" if field.default is None else field.name for field in fields(kind)} - {"at"}


def test_the_page_lists_every_field_of_every_kind() -> None:
    section = PAGE.partition("## Entries")[2].partition("## Worked example")[0]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ([^|]*) \|$", section, re.MULTILINE))
    assert {kind: set(row.split(", ")) for kind, row in rows.items()} == {
        kind: described(cls) for kind, cls in KINDS.items()
    }
    parts = dict(re.findall(r"`(records|grounds|rejected)`: ([^·.]*?)(?= ·|\.$)", section, re.MULTILINE))
    listed = {name: set(re.sub(r" \([^)]*\)", "", text).split(", ")) for name, text in parts.items()}
    assert listed == {
        "records": described(RecordAction),
        "grounds": described(Ground),
        "rejected": described(Rejected),
    }


def test_every_default_is_none_or_stands_in_the_entry() -> None:
    """A field with another default is always written, so the page doesn't bracket it."""
    for cls in KINDS.values():
        for field in fields(cls):
            assert field.default_factory is MISSING


@pytest.mark.parametrize("size", [0, 1, 255, 256, 700])
def test_the_pages_program_finds_the_root(
    tmp_path: Path, key: SigningKey, intents: Callable[[int], list[Entry]], size: int
) -> None:
    checkpoint = open_log(tmp_path / "log", key, ORIGIN).append(intents(size))
    (program,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(tmp_path / "log")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == checkpoint.note.decode().split("\n")[2]
