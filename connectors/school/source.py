"""Where a school's journal is: the forms of a source's URL, taken apart.

Rules. Three forms: `file:PATH.fdb` and `file:PATH.fbk` (a Firebird database or backup, opened here),
`odbc:CONNECTION STRING` (any ODBC driver of this machine), and otherwise a SQLAlchemy URL. A Firebird URL
without a host is a file. The password stands apart from the URL and is put in by whoever connects; neither
is shown by `repr`. Deliberately not here: opening anything (`connectors.school.snapshot`).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from journal.wording import BridgeError, Wording

_WRONG = Wording(
    ru="Источник школы: нужен URL SQLAlchemy, odbc:DSN=…, file:школа.fdb или file:школа.fbk.",
    en="The school's source: a SQLAlchemy URL, odbc:DSN=…, file:school.fdb or file:school.fbk is needed.",
)
_FILE_SUFFIXES = (".fdb", ".gdb", ".fbk", ".gbk")
_BACKUP_SUFFIXES = (".fbk", ".gbk")


@dataclass(frozen=True, slots=True)
class SchoolSource:
    """A school's database as the installation names it: the URL, and the password read from its secret."""

    url: str = field(repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FirebirdFile:
    """A database file that is opened here with the embedded engine."""

    path: Path


@dataclass(frozen=True, slots=True)
class FirebirdBackup:
    """A gbak backup, restored into a private file for the time of the reading."""

    path: Path


@dataclass(frozen=True, slots=True)
class FirebirdServer:
    """A database that a Firebird server (2.5 to 5.0) serves over the network."""

    host: str
    port: int
    database: str
    user: str | None
    password: str | None = field(repr=False)
    role: str | None = None


@dataclass(frozen=True, slots=True)
class OdbcSource:
    """A database behind an ODBC driver; the connection string is complete, with the password."""

    connection_string: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SqlSource:
    """Any other database that SQLAlchemy has a driver for; the URL is complete, with the password."""

    url: sa.URL = field(repr=False)


Target: TypeAlias = FirebirdFile | FirebirdBackup | FirebirdServer | OdbcSource | SqlSource

FIREBIRD_PORT = 3050


def parse(source: SchoolSource) -> Target:
    """Return what the source's URL means. Raises BridgeError `school-source-wrong`."""
    scheme, _, rest = source.url.partition(":")
    if scheme == "file":
        return _file(rest)
    if scheme == "odbc" and rest:
        return OdbcSource(_with_password(rest, source.password))
    try:
        url = sa.make_url(source.url)
    except (sa.exc.ArgumentError, ValueError):
        url = None
    if url is None or not url.database:
        raise BridgeError("school-source-wrong", _WRONG)
    if source.password is not None:
        url = url.set(password=source.password)
    if url.get_backend_name() != "firebird":
        return SqlSource(url)
    return _firebird(url)


def _file(place: str) -> FirebirdFile | FirebirdBackup:
    path = Path(place.removeprefix("//") if place.startswith("///") else place)
    if path.suffix.lower() not in _FILE_SUFFIXES:
        raise BridgeError("school-source-wrong", _WRONG)
    return FirebirdBackup(path) if path.suffix.lower() in _BACKUP_SUFFIXES else FirebirdFile(path)


def _firebird(url: sa.URL) -> FirebirdFile | FirebirdServer:
    database = url.database or ""
    if not url.host:
        return FirebirdFile(Path(database))
    role = url.query.get("role")
    return FirebirdServer(
        host=url.host,
        port=url.port or FIREBIRD_PORT,
        database=database,
        user=url.username,
        password=url.password,
        role=role if isinstance(role, str) else None,
    )


def _with_password(connection_string: str, password: str | None) -> str:
    """Return the ODBC connection string with the password, braced so that no sign in it ends it."""
    if password is None:
        return connection_string
    return f"{connection_string.rstrip(';')};PWD={{{password.replace('}', '}}')}}}"
