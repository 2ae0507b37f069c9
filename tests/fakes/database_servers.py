"""A Firebird server and a MariaDB of one's own for a test: fresh, on a loopback port, gone afterwards.

Each lies in a folder of its own and is ended by its process id. A program that is missing fails the run with one
line that says what to install; nothing is skipped.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "masterkey"
READER_PASSWORD = "reader-1"
_FIREBIRD_HOME = "lib/x86_64-linux-gnu/firebird/3.0"
_START_SECONDS = 30


def program(name: str, package: str) -> str:
    """Return a program's path; fail with one line where it isn't installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if found is None:
        pytest.fail(f"{name} is missing: scripts/setup.sh tests, or apt-get install {package}", pytrace=False)
    return found


def free_port() -> int:
    """Return a TCP port of this machine that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def firebird_server() -> Iterator[tuple[int, Path]]:
    """Give the port of a Firebird 3 server, and the path of its one database, which is empty.

    SYSDBA has `PASSWORD`, the user READER `READER_PASSWORD`. Debian's server binds every address when it is given
    its port as an argument, so it has a root of its own whose configuration names both.
    """
    server, tool = program("firebird", "firebird3.0-server"), program("isql-fb", "firebird3.0-utils")
    parts = next(iter(Path("/usr/lib").glob("*/firebird/3.0")), Path("/usr") / _FIREBIRD_HOME)
    root = Path(tempfile.mkdtemp(prefix="bridge-fb-"))
    port = free_port()
    for name in ("plugins", "plugins.conf"):
        (root / name).symlink_to(parts / name)
    shutil.copytree(parts / "intl", root / "intl")  # the engine does not take its character sets through a link
    (root / "firebird.conf").write_text(
        f"RemoteBindAddress = 127.0.0.1\nRemoteServicePort = {port}\nIpcName = bridge{port}\n"
        f"DatabaseAccess = Restrict {root}\nSecurityDatabase = {root}/security.fdb\n"
        "AuthServer = Srp\nUserManager = Srp\n"
    )
    (root / "databases.conf").write_text(f"security.db = {root}/security.fdb\n")
    environment = {**os.environ, **dict.fromkeys(("FIREBIRD", "FIREBIRD_LOCK", "FIREBIRD_TMP"), str(root))}
    environment.pop("ISC_USER", None)
    people = (
        f"CREATE DATABASE '{root}/security.fdb'; COMMIT;\n"
        f"CREATE USER SYSDBA PASSWORD '{PASSWORD}' USING PLUGIN Srp; COMMIT;\n"
        f"CREATE USER READER PASSWORD '{READER_PASSWORD}' USING PLUGIN Srp; COMMIT;\n"
        f"CREATE DATABASE '{root}/school.fdb' DEFAULT CHARACTER SET WIN1251; COMMIT;\n"
    )
    try:
        subprocess.run(
            [tool, "-q", "-user", "SYSDBA"], input=people, env=environment, text=True, check=True, capture_output=True
        )
        with _running([server], root, port, environment):
            yield port, root / "school.fdb"
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def mariadb() -> Iterator[int]:
    """Give the port of an empty MariaDB that asks nobody for a password."""
    server = program("mariadbd", "mariadb-server-core")
    root = Path(tempfile.mkdtemp(prefix="bridge-maria-"))
    data = root / "data"
    data.mkdir()
    port = free_port()
    arguments = [
        server, "--no-defaults", f"--datadir={data}", "--bind-address=127.0.0.1", f"--port={port}",
        f"--socket={root}/socket", f"--pid-file={root}/pid", "--skip-grant-tables", "--skip-networking=0",
        "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M",
        "--skip-name-resolve", "--performance-schema=OFF", "--character-set-server=utf8mb4",
    ]  # fmt: skip
    if os.geteuid() == 0:
        arguments.append("--user=root")
    try:
        with _running(arguments, root, port, os.environ):
            yield port
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _running(arguments: list[str], root: Path, port: int, environment: Mapping[str, str]) -> Iterator[None]:
    """Run a server until the body ends; it has begun when it answers at its port."""
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(arguments, cwd=root, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{arguments[0]} did not start", pytrace=False)
            time.sleep(0.02)
        yield
    finally:
        process.kill()  # its data are thrown away, so nothing has to be put in order
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
