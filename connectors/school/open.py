"""Opens the snapshot that a source asks for."""

from connectors.school.allocation import give_back_large_blocks
from connectors.school.firebird_copy import engine_takes, open_backup, open_copy
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
    give_back_large_blocks()
    match parse(source):
        case FirebirdFile() as file:
            direct = engine_takes(file.path)
            return Snapshot(school, open_file(file, school) if direct else open_copy(file, school))
        case FirebirdBackup() as backup:
            return Snapshot(school, open_backup(backup, school))
        case FirebirdServer() as server:
            return Snapshot(school, open_server(server, school))
        case OdbcSource() as odbc:
            return Snapshot(school, open_odbc(odbc, school))
        case target:
            return Snapshot(school, open_sql(target, school))
