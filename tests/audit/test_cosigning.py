"""Cosignatures, held against the specification's own example and against a second reading of its text."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.cosigning import CosignerKey, cosign, cosigner_key, log_lines, verify_cosignatures, with_lines
from audit.errors import NoteError
from audit.keys import SigningKey
from audit.note import Checkpoint, VerifierKey
from audit.tree import EMPTY_ROOT

NAMES = st.text(st.characters(categories=("L", "N"), include_characters="./-"), min_size=1, max_size=40)
SEEDS = st.binary(min_size=32, max_size=32)
MOMENTS = st.integers(1, (1 << 63) - 1)
NOTE = Checkpoint.sign("o.example/log", 0, EMPTY_ROOT, SigningKey(Ed25519PrivateKey.generate(), "o.example/log")).note


def signing(seed: bytes, name: str) -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(seed), name)


@given(SEEDS, NAMES, MOMENTS)
def test_a_cosignature_is_what_the_specification_says_byte_by_byte(seed: bytes, name: str, moment: int) -> None:
    key = signing(seed, name)
    line = cosign(NOTE, key, moment)
    # by hand: em dash, name, Base64 of key id, eight bytes of time, the signature over header, time, text
    dash, named, encoded = line.removesuffix("\n").split(" ")
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    data = base64.b64decode(encoded)
    expected_id = hashlib.sha256(name.encode() + b"\x0a\x04" + public.public_bytes_raw()).digest()[:4]
    assert (dash, named, data[:4]) == ("—", name, expected_id)
    assert int.from_bytes(data[4:12], "big") == moment
    text = NOTE[: NOTE.rindex(b"\n\n") + 1]
    public.verify(data[12:], b"cosignature/v1\ntime " + str(moment).encode() + b"\n" + text)


@given(SEEDS, NAMES, MOMENTS)
def test_what_was_cosigned_is_believed_and_a_key_line_reads_back(seed: bytes, name: str, moment: int) -> None:
    key = signing(seed, name)
    known = CosignerKey.parse(cosigner_key(key).vkey)
    (found,) = verify_cosignatures(with_lines(NOTE, [cosign(NOTE, key, moment)]), [known])
    assert (found.key, found.moment) == (cosigner_key(key), moment)


@given(SEEDS, MOMENTS, st.integers(0, 71), st.integers(1, 255))
def test_one_changed_byte_of_a_known_witness_spoils_the_note(seed: bytes, moment: int, place: int, by: int) -> None:
    key = signing(seed, "w.example/1")
    head, _, encoded = cosign(NOTE, key, moment).rstrip("\n").rpartition(" ")
    data = bytearray(base64.b64decode(encoded))
    data[4 + place] ^= by
    spoiled = f"{head} {base64.b64encode(data).decode()}\n"
    with pytest.raises(NoteError):
        verify_cosignatures(with_lines(NOTE, [spoiled]), [cosigner_key(key)])


def test_unknown_witnesses_are_passed_over_and_of_two_words_the_newer_counts() -> None:
    one, other = signing(b"1" * 32, "w.example/1"), signing(b"2" * 32, "w.example/1")
    note = with_lines(
        NOTE, [cosign(NOTE, other, 50), cosign(NOTE, one, 20), cosign(NOTE, one, 30), cosign(NOTE, one, 9)]
    )
    assert [found.moment for found in verify_cosignatures(note, [cosigner_key(one)])] == [30]
    assert verify_cosignatures(NOTE, [cosigner_key(one)]) == []
    assert log_lines(note, [cosigner_key(one), cosigner_key(other)]) == NOTE


def test_a_word_on_another_checkpoint_is_none_on_this() -> None:
    key = signing(b"1" * 32, "w.example/1")
    other = Checkpoint.sign("o.example/log", 1, b"r" * 32, signing(b"3" * 32, "o.example/log"))
    with pytest.raises(NoteError):
        verify_cosignatures(with_lines(NOTE, [cosign(other.note, key, 5)]), [cosigner_key(key)])


def test_a_log_key_is_no_witness_key_and_a_witness_key_no_log_key() -> None:
    key = signing(b"1" * 32, "w.example/1")
    with pytest.raises(NoteError):
        CosignerKey.parse(key.verifier.vkey)
    with pytest.raises(NoteError):
        VerifierKey.parse(cosigner_key(key).vkey)
    assert cosigner_key(key).key_id != key.verifier.key_id


@pytest.mark.parametrize("vkey", ["", "w", "w+00000000+", "w+00000000+BA==", "w w+00000000+" + "A" * 44])
def test_a_garbled_key_line_is_refused(vkey: str) -> None:
    with pytest.raises(NoteError):
        CosignerKey.parse(vkey)


def test_a_key_line_with_another_id_is_refused() -> None:
    name, _, encoded = cosigner_key(signing(b"1" * 32, "w")).vkey.split("+", 2)
    with pytest.raises(NoteError, match="garbled"):
        CosignerKey.parse(f"{name}+00000000+{encoded}")


@pytest.mark.parametrize("moment", [0, -1, 1 << 63])
def test_a_moment_outside_the_form_is_never_signed(moment: int) -> None:
    with pytest.raises(ValueError, match="moment"):
        cosign(NOTE, signing(b"1" * 32, "w"), moment)
