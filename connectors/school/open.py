"""Opens the snapshot that a source asks for."""

import os

from connectors.school.firebird_copy import open_backup, open_copy
from connectors.school.firebird_driver import open_file, open_server
from connectors.school.odbc_driver import open_odbc
from connectors.school.snapshot import Snapshot
from connectors.school.source import (
    FirebirdBackup,
    FirebirdFile,
    FirebirdServer,
    OdbcSource,
    SchoolSource,
    parse,
)
from connectors.school.sql_driver import open_sql


def open_snapshot(source: SchoolSource, school: str) -> Snapshot:
    """Open a read-only snapshot of the database of `school`; the caller closes it, best by `with`.

    Raises BridgeError `school-source-wrong`, `school-unreachable`, `school-login-refused` or
    `school-driver-missing`.
    """
    match parse(source):
        case FirebirdFile() as file:
            locked = file.path.exists() and not os.access(file.path, os.W_OK)
            return Snapshot(school, open_copy(file, school) if locked else open_file(file, school))
        case FirebirdBackup() as backup:
            return Snapshot(school, open_backup(backup, school))
        case FirebirdServer() as server:
            return Snapshot(school, open_server(server, school))
        case OdbcSource() as odbc:
            return Snapshot(school, open_odbc(odbc, school))
        case target:
            return Snapshot(school, open_sql(target, school))
