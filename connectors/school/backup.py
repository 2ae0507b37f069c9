"""Restores a school's gbak backup into a private file, to be read like any other database file.

Rules. The restored file holds a whole school's personal data: it lies in a folder that only this user can
enter, and its name is removed as soon as the engine has it open, so it is gone with the connection, however
the process ends. If the process dies during the restore itself, the folder stays behind without its lock
held; the next restore removes such folders.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from firebird.driver import SrvRestoreFlag, connect_server

from connectors.school import refusals
from connectors.school.embedded import use_embedded_firebird
from connectors.school.firebird_driver import FirebirdDriver, error_numbers, open_file, readable
from connectors.school.source import FirebirdBackup, FirebirdFile
from journal.wording import BridgeError

_PREFIX = "dnevnik-restore-"
_LOCK = "lock"


def open_backup(backup: FirebirdBackup, school: str) -> FirebirdDriver:
    """Restore a backup and open what comes of it. Raises BridgeError `school-unreachable`."""
    use_embedded_firebird()
    if not readable(backup.path):
        raise refusals.file_missing(school, str(backup.path))
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))  # mode 0700
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        restored = folder / "school.fdb"
        refusals.guarded(lambda: _restore(backup.path, restored), lambda error: _refusal(error, school, backup.path))
        return open_file(FirebirdFile(restored), school)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _restore(backup: Path, restored: Path) -> None:
    server = connect_server("", user="SYSDBA")
    try:
        server.database.restore(backup=backup, database=restored, flags=SrvRestoreFlag.CREATE | SrvRestoreFlag.REPLACE)
        server.wait()
    finally:
        server.close()


def _refusal(error: Exception, school: str, path: Path) -> BridgeError:
    return refusals.restore_failed(school, str(path), error_numbers(error))


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR)
        except OSError:  # being made or removed this moment, or another user's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # a restore that is under way
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
