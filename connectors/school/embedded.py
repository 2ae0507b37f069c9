"""Loads the Firebird engine that comes with the package `firebird-embedded`, once per process.

Rules. The engine needs the system's libtommath and its own libtomcrypt in the process before its client
library, the variable FIREBIRD naming its folder, and no default host: else the client tries localhost. Its
lock tables lie in a folder of this user: the usual one, shared by all users, belongs to whoever came first.
Both the embedded engine and the network client are in this one library, so every Firebird source of the
bridge goes through it.
"""

import ctypes
import os
import stat
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import firebird.embedded
from firebird.driver import Connection, driver_config

from journal.wording import BridgeError, Wording

RUNTIME = Path(firebird.embedded.__file__).parent / "runtime"

_LIBTOMMATH_MISSING = Wording(
    ru="Нет библиотеки libtommath.so.1, без неё Firebird не запустится. Установите: apt-get install libtommath1",
    en="The library libtommath.so.1 is missing, Firebird needs it. Install it: apt-get install libtommath1",
)

_lock = threading.Lock()
_loaded = False


def use_embedded_firebird() -> None:
    """Make firebird-driver use the packaged engine; safe to call again and from any thread.

    Raises BridgeError `firebird-libtommath-missing`.
    """
    global _loaded  # noqa: PLW0603  a process has one Firebird client library
    with _lock:
        if _loaded:
            return
        os.environ["FIREBIRD"] = str(RUNTIME)
        try:
            ctypes.CDLL("libtommath.so.1", mode=ctypes.RTLD_GLOBAL)
        except OSError:
            missing = True
        else:
            missing = False
        if missing:
            raise BridgeError("firebird-libtommath-missing", _LIBTOMMATH_MISSING)
        ctypes.CDLL(str(RUNTIME / "libtomcrypt.so.1"), mode=ctypes.RTLD_GLOBAL)
        os.environ.setdefault("FIREBIRD_LOCK", str(_lock_folder()))
        driver_config.fb_client_library.value = str(RUNTIME / "libfbclient.so.2")
        driver_config.server_defaults.host.value = ""
        driver_config.server_defaults.user.value = "SYSDBA"
        Connection._Connection__stmt_deleted = _statement_gone  # noqa: SLF001  the driver offers no other way
        _loaded = True


def _statement_gone(connection: Connection, statement: object) -> None:
    """Strike a collected statement off its connection's list, where a closing connection has not done so already.

    The driver's own method prints a traceback when the collector, which may run in any thread, comes second.
    """
    with suppress(ValueError):
        connection._statements.remove(statement)  # noqa: SLF001  the driver offers no other way


def _lock_folder() -> Path:
    """Return a folder that only this user can enter; another user's of that name is left alone."""
    folder = Path(tempfile.gettempdir()) / f"dnevnik-firebird-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    held = folder.lstat()
    if stat.S_ISDIR(held.st_mode) and held.st_uid == os.getuid():
        return folder
    return Path(tempfile.mkdtemp(prefix="dnevnik-firebird-"))
