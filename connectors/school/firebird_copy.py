"""Opens a school's database from a private file: a gbak backup restored, or a copy of a file.

Rules. The engine insists on writing its own counters into a database file, even for a read-only transaction,
and takes a path with a colon for a host's name; so a file that this user may not write to, or whose path the
engine can't take, is copied and the copy is read. No engine may have it open meanwhile, or the copy would be
torn: the copying holds the lock that engines take, and is refused where one has it. A backup is restored by
this process's own engine. Where the private file lies: `connectors.school.private_file`.
"""

import fcntl
import locale
import os
import shutil
from pathlib import Path

from firebird.driver import SrvRestoreFlag, connect_server

from connectors.school import refusals
from connectors.school.embedded import use_embedded_firebird
from connectors.school.firebird_driver import FirebirdDriver, error_numbers, open_file, readable
from connectors.school.private_file import private_file
from connectors.school.source import FirebirdBackup, FirebirdFile


def open_backup(backup: FirebirdBackup, school: str) -> FirebirdDriver:
    """Restore a backup and open what comes of it. Raises BridgeError `school-unreachable`."""
    use_embedded_firebird()
    if not readable(backup.path):
        raise refusals.file_missing(school, str(backup.path))
    with private_file() as place:
        refusals.guarded(
            lambda: _restore(backup.path, place),
            lambda error: refusals.restore_failed(school, str(backup.path), error_numbers(error)),
        )
        return open_file(FirebirdFile(place), school)


def engine_takes(path: Path) -> bool:
    """Tell whether the engine can open a file under its own path, as far as can be seen without trying."""
    name = str(path.absolute())
    speakable = name.isascii() or locale.nl_langinfo(locale.CODESET).upper() == "UTF-8"
    writable = os.access(path, os.W_OK) or not path.exists()
    return ":" not in name and speakable and writable


def open_copy(file: FirebirdFile, school: str) -> FirebirdDriver:
    """Copy a file that can only be read, and open the copy. Raises BridgeError `school-unreachable`."""
    if not readable(file.path):
        raise refusals.file_missing(school, str(file.path))
    with private_file() as place:
        refusals.guarded(lambda: _copy(file.path, place), lambda _: refusals.file_busy(school, str(file.path)))
        return open_file(FirebirdFile(place), school)


def _restore(backup: Path, place: Path) -> None:
    server = connect_server("", user="SYSDBA")
    try:
        with backup.open("rb") as stream:  # the engine would take some paths for a host's name
            server.database.local_restore(backup_stream=stream, database=place, flags=SrvRestoreFlag.CREATE)
    finally:
        server.close()


def _copy(path: Path, place: Path) -> None:
    with path.open("rb") as source:
        fcntl.flock(source, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with place.open("xb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
