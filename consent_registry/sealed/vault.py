"""Keeps personal data sealed: AES-256-GCM under each student's own key, which the master key wraps.

Rules. The master key wraps keys and nothing else: every student's, and the root from which the keys of all that
belongs to no one student come (keyed digests, bodies of batches on their way), one a purpose. So it can be replaced
(`rotation`) and nothing that was sealed, and no digest, changes. Until it is replaced for the first time the root
isn't stored: it is the master key itself.
A master key has a short id, which tells nothing of the key; wrapped keys carry it (null: wrapped before ids were
kept). Whoever makes or destroys a student's key holds the master key in place until its transaction ends, so no key
is ever wrapped by one that was replaced. Destroying a student's wrapped key makes all that was sealed under it
unreadable for ever.
A master key file is one line of Base64 of 32 bytes. Source: RFC 5869 (HKDF). Deliberately not here: the form of
sealed data (`sealing`), the file on the disk (`key_file`).
"""

import base64
import binascii
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.engine import Connection

from consent_registry.sealed.sealing import Randomness, seal, unseal
from consent_registry.tables import STUDENT_KEY, VAULT_KEY
from journal.wording import BridgeError, Wording

KEY_BYTES = 32
ROOT = "root"
"""The root's name among the vault's keys."""

MASTER_GATE = zlib.crc32(b"master-key")
"""The advisory lock that rotation takes alone, and makers and destroyers of students' keys share."""

_ID_DIGITS = 16
_STUDENTS_AT_ONCE = 500

_BAD_MASTER_KEY = Wording(
    ru="Главный ключ повреждён: нужна одна строка Base64 из 32 байт. Верните файл из резервной копии.",
    en="The master key is damaged: one line of Base64 of 32 bytes is needed. Put the file back from its backup.",
)
_OTHER = Wording(
    ru="Главный ключ не тот: данные закрыты ключом {wanted}, а дан ключ {given}. Верните прежний файл ключа из "
    "резервной копии; если ключ сменили на другой машине, возьмите файл оттуда; если база восстановлена из старой "
    "копии, нужен ключ того времени (рядом с файлом ключа он назван по номеру, с окончанием .old).",
    en="The master key is another: the data are locked by key {wanted}, but the key given is {given}. Put the former "
    "key file back from its backup; if the key was rotated on another machine, take the file from there; if the "
    "database is an older backup, the key of that time is needed (beside the key file, named by its id, ending in "
    ".old).",
)
_ROTATED = Wording(
    ru="Главный ключ сменили, пока программа работала (теперь {wanted}). Ничего не записано. Запустите её снова.",
    en="The master key was rotated while this program ran (now {wanted}). Nothing was recorded. Start it again.",
)


def create_master_key(randomness: Randomness = os.urandom) -> bytes:
    """Return the content of a new master key file."""
    return base64.b64encode(randomness(KEY_BYTES)) + b"\n"


def load_master_key(content: bytes) -> bytes:
    """Return the key of a master key file. Raises BridgeError `master-key-damaged`."""
    try:
        key = base64.b64decode(content.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise BridgeError("master-key-damaged", _BAD_MASTER_KEY)
    return key


def master_id(master_key: bytes) -> str:
    """Return a master key's short id: 16 hexadecimal digits that may be shown, stored and logged."""
    return _derived(master_key, "key-id").hex()[:_ID_DIGITS]


def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"dnevnik-bridge:{purpose}".encode()).derive(key)


@dataclass(frozen=True, slots=True, repr=False)
class StudentKey:
    """One student's own key, in memory for one piece of work; shows itself nowhere."""

    key: bytes
    place: str
    randomness: Randomness

    def seal(self, plain: bytes, within: str = "") -> bytes:
        """Seal data of this student; what is sealed `within` a named part opens there alone."""
        return seal(self.key, plain, self._part(within), self.randomness)

    def open(self, sealed: bytes, within: str = "") -> bytes:
        """Open what was sealed under this key. Raises BridgeError `sealed-unreadable`."""
        return unseal(self.key, sealed, self._part(within))

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes that only this key gives."""
        return _derived(self.key, f"student:{purpose}")

    def _part(self, within: str) -> str:
        return f"{self.place}#{within}" if within else self.place


class Vault:
    """Seals and opens; holds the master key in memory and shows it nowhere.

    `root`: what purposes' keys come from, where that is no longer the master key itself; `unlock` reads it.
    """

    def __init__(self, master_key: bytes, randomness: Randomness = os.urandom, *, root: bytes | None = None) -> None:
        self.master = master_id(master_key)
        self._wrapping = _derived(master_key, "wrap")
        self._root = master_key if root is None else root
        self._randomness = randomness
        self.derive = cache(self._derive)

    def _derive(self, purpose: str) -> bytes:
        """Return the 32-byte key for one purpose, the same whatever the master key is rotated to."""
        return _derived(self._root, purpose)

    def under(self, master_key: bytes) -> "Vault":
        """Return this vault with its root, as another master key opens it."""
        return Vault(master_key, self._randomness, root=self._root)

    def wrap(self, key: bytes, place: str) -> bytes:
        """Wrap a key by the master key."""
        return seal(self._wrapping, key, place, self._randomness)

    def unwrap(self, wrapped: bytes, place: str) -> bytes:
        """Return the key that was wrapped for this place. Raises BridgeError `sealed-unreadable`."""
        return unseal(self._wrapping, wrapped, place)

    def wrapped_root(self) -> bytes:
        """Return the root, wrapped by the master key."""
        return self.wrap(self._root, root_place())

    def seal_for(self, purpose: str, plain: bytes, *, place: str = "") -> bytes:
        """Seal data that belong to no one student, under the purpose's own key; for one place within it."""
        return seal(self.derive(f"seal:{purpose}"), plain, _within(purpose, place), self._randomness)

    def open_for(self, purpose: str, sealed: bytes, *, place: str = "") -> bytes:
        """Open what `seal_for` sealed for the same purpose and place. Raises BridgeError `sealed-unreadable`."""
        return unseal(self.derive(f"seal:{purpose}"), sealed, _within(purpose, place))

    def student_keys(self, connection: Connection, school: str, students: Iterable[str]) -> dict[str, StudentKey]:
        """Return the keys of those students that have one; one that was destroyed is missing.

        Raises BridgeError `master-key-rotated` when the master key was replaced since this vault was opened,
        `sealed-unreadable` when it is not the one that wrapped them.
        """
        found: dict[str, StudentKey] = {}
        for part in _parts(students):
            rows = connection.execute(
                sa.select(STUDENT_KEY.c.student_key, STUDENT_KEY.c.wrapped_key, STUDENT_KEY.c.master).where(
                    STUDENT_KEY.c.school == school, STUDENT_KEY.c.student_key.in_(part)
                )
            )
            for student, wrapped, master in rows:
                if master not in {None, self.master}:
                    refuse_rotated(connection, self)
                key = self.unwrap(wrapped, student_place(school, student))
                found[student] = StudentKey(key, f"{school}:{student}", self._randomness)
        return found

    def make_student_keys(self, connection: Connection, school: str, students: Iterable[str]) -> dict[str, StudentKey]:
        """Make, store and return a key for each of these students, who have none yet.

        Raises BridgeError `master-key-rotated` when the master key was replaced since this vault was opened.
        """
        made = {
            student: StudentKey(self._randomness(KEY_BYTES), f"{school}:{student}", self._randomness)
            for student in sorted(set(students))
        }
        rows = [
            {
                "school": school,
                "student_key": student,
                "wrapped_key": self.wrap(own.key, student_place(school, student)),
                "master": self.master,
            }
            for student, own in made.items()
        ]
        if rows:
            _hold_master(connection)
            refuse_rotated(connection, self)
            connection.execute(STUDENT_KEY.insert(), rows)
        return made


def unlock(connection: Connection, master_key: bytes, randomness: Randomness = os.urandom) -> Vault:
    """Return the vault of this database as the master key opens it.

    Raises BridgeError `master-key-other` when the key is not the one that locks it, `sealed-unreadable` when it is
    but the root was changed.
    """
    given = Vault(master_key, randomness)
    row = connection.execute(sa.select(VAULT_KEY.c.wrapped, VAULT_KEY.c.master).where(VAULT_KEY.c.name == ROOT)).first()
    if row is None:
        _hold_against_a_student(connection, given)
        return given
    if row.master != given.master:
        raise BridgeError("master-key-other", _OTHER, {"wanted": row.master, "given": given.master})
    return Vault(master_key, randomness, root=given.unwrap(row.wrapped, root_place()))


def _hold_against_a_student(connection: Connection, given: Vault) -> None:
    """Raise unless the key opens what it should have wrapped; with nothing wrapped yet, any key is right."""
    row = connection.execute(sa.select(STUDENT_KEY).limit(1)).first()
    if row is None:
        return
    if row.master is None:
        try:
            given.unwrap(row.wrapped_key, student_place(row.school, row.student_key))
        except BridgeError:
            fits = False
        else:
            fits = True
    else:
        fits = row.master == given.master
    if not fits:
        raise BridgeError("master-key-other", _OTHER, {"wanted": row.master or "?", "given": given.master})


def destroy_student_key(connection: Connection, school: str, student: str) -> bool:
    """Destroy a student's key: what was sealed under it, nobody opens again; False when there was none.

    Copies of the row outlive this for a while: in backups, in PostgreSQL until VACUUM, in SQLite's write-ahead log
    until its next checkpoint. They open nothing once the master key was rotated and the former one destroyed.
    """
    _hold_master(connection)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")  # zeros where the row stood, not just a free place
    gone = connection.execute(
        STUDENT_KEY.delete().where(STUDENT_KEY.c.school == school, STUDENT_KEY.c.student_key == student)
    )
    return gone.rowcount > 0


def locking_master(connection: Connection) -> str | None:
    """Return the id of the master key that locks the vault; None when none ever took another's place."""
    return connection.execute(sa.select(VAULT_KEY.c.master).where(VAULT_KEY.c.name == ROOT)).scalar_one_or_none()


def refuse_rotated(connection: Connection, vault: Vault) -> None:
    """Raise BridgeError `master-key-rotated` unless the vault's master key still locks the database."""
    locking = locking_master(connection)
    if locking not in {None, vault.master}:
        raise BridgeError("master-key-rotated", _ROTATED, {"wanted": locking})


def _hold_master(connection: Connection) -> None:
    """Keep rotation out until this transaction ends. On SQLite the write lock does; `database.writing` has it."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": MASTER_GATE})


def student_place(school: str, student: str) -> str:
    """Name the place that a student's wrapped key is bound to."""
    return f"student-key:{school}:{student}"


def root_place() -> str:
    """Name the place that the wrapped root is bound to."""
    return f"vault-key:{ROOT}"


def _within(purpose: str, place: str) -> str:
    return f"{purpose}#{place}" if place else purpose


def _parts(students: Iterable[str]) -> Iterator[list[str]]:
    wanted = sorted(set(students))
    for start in range(0, len(wanted), _STUDENTS_AT_ONCE):
        yield wanted[start : start + _STUDENTS_AT_ONCE]
