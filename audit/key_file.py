"""The signing key's file while another key takes its place; killed at any point, the log goes on with one of the two.

Rules. Beside the key's file stand, named by the key's id: `FILE.ID.next`, the coming private key, written before the
log knows of it, and `FILE.ID.former`, the public half of one that was replaced and may have signed the log's newest
checkpoint. The order of a change:
1. the new key, durable as `.next`; the old one's public half as `.former`   killed here: the file's key still signs
2. an entry tells of the change, under a checkpoint that both keys signed     killed here: `.next` signed, so it counts
3. `.next` takes the file's name, and the old private key is gone (`finish`)
A process that still holds the old key goes on until it ends: both accept what the other signed. After a second change
it can append nothing more, and so sends nothing, until it is started again. Where the old key is revoked, nobody
accepts it any more: 2. is signed by the new key alone, and no `.former` of it stays. Those of keys that were only
replaced before do stay, for their signatures are as good as ever, unless all are revoked with it.
Deliberately not here: which entry tells of it, who may change a key.
"""

import glob
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from audit.durable_files import OWNER_ONLY, flush_folder
from audit.errors import AuditError, NoteError
from audit.keys import SigningKey, load_signing_key
from audit.location import open_store
from audit.note import Checkpoint, VerifierKey
from audit.tiles import CHECKPOINT


def next_of(path: Path, key: VerifierKey) -> Path:
    """Name the file of a key that is about to take the place of the one at `path`."""
    return path.with_name(f"{path.name}.{key.key_id.hex()}.next")


def former_of(path: Path, key: VerifierKey) -> Path:
    """Name the file that holds the public half of a key that was replaced."""
    return path.with_name(f"{path.name}.{key.key_id.hex()}.former")


def write_next(path: Path, pem: bytes, name: str, *, revoke: bool, all_former: bool = False) -> SigningKey:
    """Make the next key and the former one's public half durable; returns the next key. Raises OSError, AuditError.

    `revoke`: the one at `path` isn't to be accepted any more, with `all_former` none of those before it either. What a
    change that died before the log knew of it left here is nobody's, and goes away.
    """
    present, coming = load_signing_key(path.read_bytes(), name).verifier, load_signing_key(pem, name)
    for left in path.parent.glob(f"{glob.escape(path.name)}.*.next"):
        left.unlink()
    for file in former_files(path) if revoke and all_former else ():
        file.unlink()
    if revoke:
        former_of(path, present).unlink(missing_ok=True)  # a change that died had put it there
    else:
        _write(former_of(path, present), f"{present.vkey}\n".encode())
    _write(next_of(path, coming.verifier), pem, like=path)
    return coming


def finish(path: Path, key: VerifierKey, boundary: Callable[[str], None] = lambda _: None) -> None:
    """Put the key in the file's place once the log bears its signature; again changes nothing. Raises OSError."""
    with suppress(FileNotFoundError):
        next_of(path, key).replace(path)
    boundary("renamed")
    flush_folder(path.parent)


def former_files(path: Path) -> list[Path]:
    """Return the files of the keys that were replaced and not revoked."""
    return sorted(path.parent.glob(f"{glob.escape(path.name)}.*.former"))


def former_keys(path: Path | None) -> list[VerifierKey]:
    """Return the keys that may have signed before the one at `path` did. Raises NoteError for a garbled file."""
    return [] if path is None else [VerifierKey.parse(file.read_text("utf-8")) for file in former_files(path)]


def signing_key_of(path: Path | None, content: bytes, name: str, location: str | Path) -> SigningKey:
    """Return the key that signs: the file's, or the next one where the log bears its signature (a change that died).

    Then the file gets its name, where that is allowed. Raises AuditError.
    """
    present = load_signing_key(content, name)
    for file in () if path is None else sorted(path.parent.glob(f"{glob.escape(path.name)}.*.next")):
        coming = load_signing_key(file.read_bytes(), name)
        if path is not None and _has_signed(location, coming.verifier):
            with suppress(OSError):  # an account that may only read goes on with what it read
                finish(path, coming.verifier)
            return coming
    return present


def _has_signed(location: str | Path, key: VerifierKey) -> bool:
    store = open_store(location)
    try:
        note = store.read(CHECKPOINT)
        return note is not None and Checkpoint.parse(note).signed_by([key]) is not None
    except (AuditError, NoteError):
        return False  # whoever opens the log says what is wrong with it
    finally:
        store.close()


def _write(target: Path, content: bytes, like: Path | None = None) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        owner = None if like is None else like.stat()
        if owner is not None and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)  # root changes what another account reads
        file.flush()
        os.fsync(file.fileno())
    flush_folder(target.parent)
