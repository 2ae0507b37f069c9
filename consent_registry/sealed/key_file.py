"""The master key's file while the key is being replaced; a process killed at any point leaves nothing unreadable.

Rules. Beside the key file stand, named by their key's id: `FILE.ID.next`, written before the database is changed, and
`FILE.ID.old`, the key that was replaced. The order:
1. the new key, durable as `.next`                 killed here: the file's key still fits; `.next` is nobody's
2. the database's transaction commits              killed here: `.next` fits, the file doesn't
3. the file's key is kept as `.old`, and `.next` takes the file's name (`finish`)
Whoever opens the vault between 2 and 3 finishes the work (`open_with`). Names carry ids, so one who comes late with
step 3 can only put in place the very key that he meant, never a later one.
`.old` opens backups of the database that are older than the rotation, and nothing else. Whether it may stay is for a
person to decide, so it is never deleted here: with a stolen backup, a stolen key is what was to be made useless.
Deliberately not here: what the key wraps (`vault`, `rotation`).
"""

import glob
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Engine

from audit.durable_files import OWNER_ONLY, flush_folder
from consent_registry.sealed.vault import Vault, load_master_key, locking_master, master_id, unlock
from database import reading
from journal.wording import BridgeError, Wording

_NOT_WRITABLE = Wording(
    ru="{path}: новый главный ключ нельзя записать ({reason}). Ничего не изменено. Дайте право записи в эту папку "
    "тому, от чьего имени меняется ключ",
    en="{path}: the new master key can't be written ({reason}). Nothing was changed. Allow the account that rotates "
    "the key to write in this folder",
)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Where the master key lies; `path` is the file itself, no symbolic link to it."""

    path: Path

    def next_of(self, key_id: str) -> Path:
        """Name the file of a key that is about to take the present one's place."""
        return self.path.with_name(f"{self.path.name}.{key_id}.next")

    def old_of(self, key_id: str) -> Path:
        """Name the file of a key that was replaced."""
        return self.path.with_name(f"{self.path.name}.{key_id}.old")

    def write_next(self, content: bytes, present: str) -> None:
        """Write the new key, durable when this returns; `present` is the id of the one that locks the database.

        Needs the rotation's closed gate (`rotation.close_gate`): so what rotations that died before their commit left
        here is nobody's, and goes away. Raises BridgeError `master-key-not-writable`.
        """
        target = self.next_of(master_id(load_master_key(content)))
        reason = None
        try:
            self.finish(present)
            for left in self.path.parent.glob(f"{glob.escape(self.path.name)}.*.next"):
                left.unlink()
            owner = self.path.stat()
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)  # root rotates what another account reads
                file.flush()
                os.fsync(file.fileno())
            flush_folder(self.path.parent)
        except OSError as error:
            reason = error.strerror or type(error).__name__
        if reason is not None:
            raise BridgeError("master-key-not-writable", _NOT_WRITABLE, {"path": target, "reason": reason})

    def finish(self, key_id: str, boundary: Callable[[str], None] = lambda _: None) -> None:
        """Put the key with this id in the file's place, once the database is locked by it; again changes nothing.

        Raises OSError; the key then stays where it is, and is found there. `boundary` is told how far it is.
        """
        following = self.next_of(key_id)
        present = master_id(load_master_key(self.path.read_bytes()))
        if not following.exists():  # asked after the file was read: if another is renaming, `present` is the former key
            return
        with suppress(FileExistsError):
            os.link(self.path, self.old_of(present))
        boundary("kept")
        with suppress(FileNotFoundError):  # another process finished it just now
            following.replace(self.path)
        boundary("renamed")
        flush_folder(self.path.parent)


def open_with(engine: Engine, content: Callable[[], bytes], path: Path | None) -> Vault:
    """Return the vault that the master key opens; finishes a rotation that died after its commit.

    `content` reads the key; `path` is its file, None where it isn't kept in one. Raises BridgeError
    `master-key-other`, `master-key-damaged`, and what `content` raises.
    """
    try:
        return _open(engine, content, path)
    except BridgeError as error:
        if error.code != "master-key-other":
            raise
    return _open(engine, content, path)  # a rotation may have come between the two reads of database and file


def _open(engine: Engine, content: Callable[[], bytes], path: Path | None) -> Vault:
    with reading(engine) as connection:
        locking = locking_master(connection)
        key = load_master_key(content())
        if locking not in {None, master_id(key)} and path is not None:
            key = _next_key(KeyFile(path.resolve()), locking) or key
        return unlock(connection, key)


def _next_key(file: KeyFile, key_id: str) -> bytes | None:
    """Return the key with this id from beside the file, having put it in the file's place where that is allowed."""
    try:
        key = load_master_key(file.next_of(key_id).read_bytes())
    except OSError:
        return None
    with suppress(OSError):  # an account that may only read goes on with what it read
        file.finish(key_id)
    return key
