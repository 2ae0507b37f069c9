"""A place for a database file that exists only while it is read.

Rules. Such a file holds a whole school's personal data. It lies in a folder that only this user can enter,
and the folder is removed as soon as the engine has the file open: the data are gone with the connection,
however the process ends. If the process dies before that, the folder stays behind without its lock held;
the next reading that needs such a place removes it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "dnevnik-reading-"
_LOCK = "lock"


@contextmanager
def private_file() -> Iterator[Path]:
    """Give a path for a file that nobody else can read; what is there at the end is removed."""
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))  # mode 0700
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / "school.fdb"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR)
        except OSError:  # being made or removed this moment, or another user's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # in use
            continue
        finally:
            os.close(lock)
