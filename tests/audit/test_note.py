"""Signed notes, checkpoints, keys: the C2SP forms, and that nothing but them is taken."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.errors import KeyFileError, NoteError
from audit.keys import SigningKey, create_signing_key, load_signing_key
from audit.note import Checkpoint, Signature, VerifierKey, sign_note, split_note
from audit.tree import EMPTY_ROOT

# The example of the signed-note specification.
SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()


@pytest.fixture
def other() -> SigningKey:
    return load_signing_key(create_signing_key(), "witness.example/w")


def test_the_specifications_example_verifies() -> None:
    key = VerifierKey.parse(SPEC_VKEY)
    assert key.vkey == SPEC_VKEY
    text, (signature,) = split_note(SPEC_NOTE)
    assert text == "This is an example message.\n"
    assert (signature.name, signature.key_id) == (key.name, key.key_id)
    assert key.verifies(text.encode(), signature.value)
    assert not key.verifies(text.encode() + b" ", signature.value)


def test_a_vkey_with_anything_changed_is_refused() -> None:
    for at in range(len(SPEC_VKEY)):
        for put in ("", "A", "+", "0"):
            changed = SPEC_VKEY[:at] + put + SPEC_VKEY[at + 1 :]
            if changed != SPEC_VKEY:
                with pytest.raises(NoteError):
                    VerifierKey.parse(changed)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "a\x7fb"])
def test_a_key_name_with_blank_or_plus_is_refused(name: str) -> None:
    with pytest.raises(NoteError):
        load_signing_key(create_signing_key(), name)


def test_a_public_key_of_another_length_is_refused() -> None:
    with pytest.raises(NoteError):
        VerifierKey("a", b"short")


def test_a_checkpoint_is_origin_size_root(key: SigningKey) -> None:
    checkpoint = Checkpoint.sign("school.example/audit", 0, EMPTY_ROOT, key)
    text, signatures = split_note(checkpoint.note)
    assert text == "school.example/audit\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert [signature.name for signature in signatures] == ["school.example/audit"]
    assert Checkpoint.parse(checkpoint.note) == checkpoint
    assert checkpoint.signed_by([key.verifier]) == key.verifier


def test_one_changed_byte_of_a_checkpoint_is_found(key: SigningKey) -> None:
    note = Checkpoint.sign("school.example/audit", 20852163, EMPTY_ROOT, key).note
    for at in range(len(note)):
        for bit in range(8):
            changed = bytearray(note)
            changed[at] ^= 1 << bit
            try:
                checkpoint = Checkpoint.parse(bytes(changed))
            except NoteError:
                continue
            assert checkpoint.signed_by([key.verifier]) is None


def test_signatures_of_unknown_keys_are_passed_over(key: SigningKey, other: SigningKey) -> None:
    checkpoint = Checkpoint.sign("school.example/audit", 3, EMPTY_ROOT, key)
    text, _ = split_note(checkpoint.note)
    witness = Signature(other.verifier.name, other.verifier.key_id, other.sign(text.encode()))
    twice = Checkpoint.parse(checkpoint.note + witness.line.encode())
    assert twice.signed_by([key.verifier]) == key.verifier
    assert twice.signed_by([other.verifier]) == other.verifier
    assert twice.signed_by([]) is None


def test_a_key_signs_once(key: SigningKey, other: SigningKey) -> None:
    """The same line twice is no note; another line of the same key, were there one, makes it worthless."""
    note = Checkpoint.sign("school.example/audit", 3, EMPTY_ROOT, key, other).note
    _, (own, theirs) = split_note(note)
    for line in (own.line, theirs.line):
        with pytest.raises(NoteError):
            split_note(note + line.encode())
    again = Signature(own.name, own.key_id, own.value + b"\0")
    assert Checkpoint.parse(note + again.line.encode()).signed_by([key.verifier]) is None

    class Lenient(VerifierKey):
        """Finds every signature true."""

        def verifies(self, text: bytes, signature: bytes) -> bool:  # noqa: ARG002  the base's signature
            return True

    lenient = Lenient(key.verifier.name, key.verifier.public)
    assert Checkpoint.parse(note).signed_by([lenient]) == lenient
    assert Checkpoint.parse(note + again.line.encode()).signed_by([lenient]) is None


def test_a_false_signature_of_a_known_key_makes_the_note_worthless(key: SigningKey, other: SigningKey) -> None:
    checkpoint = Checkpoint.sign("school.example/audit", 3, EMPTY_ROOT, key)
    false = Signature(other.verifier.name, other.verifier.key_id, other.sign(b"something else"))
    twice = Checkpoint.parse(checkpoint.note + false.line.encode())
    assert twice.signed_by([key.verifier]) == key.verifier
    assert twice.signed_by([key.verifier, other.verifier]) is None


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno signature\n",
        "text\n\n— name AAAAAAAA".encode(),
        "text\n\n— name AAAA\n".encode(),
        "text\n\n— name AAAAAAAB==\n".encode(),
        "text\n\n— name AAAAAAA\n".encode(),
        "text\n\n— name\n".encode(),
        "text\n\n—  AAAAAAAA\n".encode(),
        b"text\n\n- name AAAAAAAA\n",
        "text\x00\n\n— name AAAAAAAA\n".encode(),
        "text\r\n\n— name AAAAAAAA\n".encode(),
        "text\n\n— name AAAAAAAA\nmore".encode(),
        b"\xff\n\n\xe2\x80\x94 name AAAAAAAA\n",
        "text\n\n— name AAAAAAAA\n".encode() + b" " * (1 << 20),
    ],
)
def test_what_is_no_note_is_refused(note: bytes) -> None:
    with pytest.raises(NoteError):
        split_note(note)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n1\n",
        "origin\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n١\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
        "origin\n1\nAAAA\n",
        "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension\n",
    ],
)
def test_a_signed_note_that_is_no_checkpoint_is_refused(text: str, key: SigningKey) -> None:
    with pytest.raises(NoteError, match="no checkpoint"):
        Checkpoint.parse(sign_note(text, key))


def test_a_key_file_that_holds_no_ed25519_key_is_refused() -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    locked = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    for pem in (b"", b"no key", elliptic, locked, create_signing_key()[:60]):
        with pytest.raises(KeyFileError):
            load_signing_key(pem, "school.example/audit")


def test_a_signing_key_shows_only_its_public_half(tmp_path: Path) -> None:
    pem = create_signing_key()
    (tmp_path / "key.pem").write_bytes(pem)
    key = load_signing_key((tmp_path / "key.pem").read_bytes(), "school.example/audit")
    secret = serialization.load_pem_private_key(pem, None)
    assert isinstance(secret, Ed25519PrivateKey)
    assert repr(key) == f"SigningKey({key.verifier.vkey!r})"
    assert secret.private_bytes_raw().hex() not in repr(key)
