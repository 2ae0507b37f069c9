"""A PostgreSQL of one's own for a test: a fresh cluster, on a socket in its own folder."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Debian keeps PostgreSQL's programs off the PATH. Without them these tests fail, they are not skipped.
PG_CTL = shutil.which("pg_ctl") or str(max(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), default="pg_ctl"))


@contextmanager
def postgresql() -> Iterator[str]:
    """Give the URL of an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="bridge-pg-"))
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = str(folder / "data")
    try:
        _run("initdb", "-D", data, "-s", "-o", "-A trust -U bridge -N")
        _run("start", "-D", data, "-s", "-w", "-l", str(folder / "log"), "-o", f"-h '' -k {folder} -F")
        try:
            yield f"postgresql+psycopg://bridge@/postgres?host={folder}"
        finally:
            _run("stop", "-D", data, "-s", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


def stop_at_once(url: str) -> None:
    """Stop the server as a power cut would: every connection breaks, what was committed is recovered later."""
    _run("stop", "-D", f"{_folder(url)}/data", "-s", "-m", "immediate")


def start_again(url: str) -> None:
    """Start a stopped server on the same data."""
    folder = _folder(url)
    _run("start", "-D", f"{folder}/data", "-s", "-w", "-l", f"{folder}/log", "-o", f"-h '' -k {folder} -F")


def _folder(url: str) -> str:
    return url.rpartition("host=")[2]


def _run(*arguments: str) -> None:
    """Run PostgreSQL's own program, which refuses to be root."""
    account = "postgres" if os.geteuid() == 0 else None
    subprocess.run([PG_CTL, *arguments], check=True, capture_output=True, user=account, cwd="/")
