"""Writes and opens the Firebird file of a made-up school, with the engine that comes with the bridge.

Rules. The tables are those of `sandbox/journal-firebird.sql`, statement by statement; indices are made after
the rows, and all are counted at the end, as in a database that was restored from a backup. The file appears under
its name only when it is whole. Texts travel as Windows-1251; an undecodable text is written byte by byte. Measured:
rows one by one 5,000 a second, in blocks of many inserts 40,000.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from firebird.driver import Connection, Error, connect, create_database, driver_config

from connectors.school.embedded import use_embedded_firebird
from journal.wording import BridgeError, Wording
from sandbox.school.tables import Tables, Value

SCHEMA = Path(__file__).parent.parent / "journal-firebird.sql"

Progress = Callable[[int, int], None]

_CONFIG_NAME = "dnevnik-sandbox-school"
_PAGE_SIZE = 16384
_CACHE_PAGES = 8192
_ROWS_A_BLOCK = 200  # the engine takes 255 inserts in one block
_ROWS_A_TRANSACTION = 20_000

_create_lock = threading.Lock()

_FILE_EXISTS = Wording(
    ru="Файл {file} уже есть. Удалите его или назовите другой.",
    en="The file {file} exists already. Delete it or name another one.",
)
_FILE_UNUSABLE = Wording(
    ru="Файл базы школы {file} не открывается: его нет, он не база Firebird или занят другой программой.",
    en="The school's database {file} can't be opened: it is not there, no Firebird database, or in use by a program.",
)


def statements() -> tuple[str, ...]:
    """Return the contract's SQL, one statement each."""
    text = SCHEMA.read_text(encoding="utf-8")
    parts = (part.strip() for part in re.split(r";\s*$", text, flags=re.MULTILINE))
    bare = (re.sub(r"^--.*$", "", part, flags=re.MULTILINE).strip() for part in parts)
    return tuple(part for part in bare if part)


def create(path: Path, tables: Tables, progress: Progress | None = None) -> None:
    """Write `tables` into a new Firebird database at `path`.

    Raises BridgeError `sandbox-file-exists`.
    """
    if path.exists():
        raise BridgeError("sandbox-file-exists", _FILE_EXISTS, {"file": str(path)})
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    connection = _create_empty(unfinished.absolute())
    try:
        later = [text for text in statements() if text.startswith("CREATE INDEX")]
        for text in statements():
            if text not in later:
                connection.execute_immediate(text)
                if text.startswith("CREATE"):
                    connection.commit()
        connection.commit()
        _fill(connection, tables, progress)
        for text in later:
            connection.execute_immediate(text)
        connection.commit()
        _count_indexes(connection)
    finally:
        connection.close()
    unfinished.rename(path)


@contextmanager
def opened(path: Path) -> Iterator[Connection]:
    """Open the database at `path`; what was not committed is rolled back, and the file is free afterwards.

    Raises BridgeError `sandbox-school-unusable`.
    """
    use_embedded_firebird()
    connection: Connection | None = None
    if path.exists():
        try:
            connection = connect(str(path.absolute()), user="SYSDBA", charset="WIN1251")
        except Error:
            connection = None
    if connection is None:
        raise BridgeError("sandbox-school-unusable", _FILE_UNUSABLE, {"file": str(path)})
    try:
        yield connection
    finally:
        connection.close()


def _create_empty(path: Path) -> Connection:
    use_embedded_firebird()
    with _create_lock:  # the driver takes page size and character set from a configuration of the whole process
        config = driver_config.get_database(_CONFIG_NAME) or driver_config.register_database(_CONFIG_NAME)
        config.database.value = str(path)
        config.db_charset.value = "WIN1251"
        config.page_size.value = _PAGE_SIZE
        config.cache_size.value = _CACHE_PAGES  # for the writing alone: whoever reads has the usual cache
        config.forced_writes.value = False
        return create_database(_CONFIG_NAME, user="SYSDBA", charset="WIN1251")


def _fill(connection: Connection, tables: Tables, progress: Progress | None) -> None:
    total = sum(len(rows) for _, rows in tables.in_order())
    done = uncommitted = 0
    for name, rows in tables.in_order():
        for start in range(0, len(rows), _ROWS_A_BLOCK):
            block = rows[start : start + _ROWS_A_BLOCK]
            connection.execute_immediate(_block(name, block))
            done += len(block)
            uncommitted += len(block)
            if uncommitted >= _ROWS_A_TRANSACTION:
                connection.commit()
                uncommitted = 0
                if progress:
                    progress(done, total)
    connection.commit()
    if progress:
        progress(total, total)


def _count_indexes(connection: Connection) -> None:
    """Let the engine count the indexes of the keys, made when the tables were empty: its plans go by these counts."""
    cursor = connection.cursor()
    cursor.execute("SELECT TRIM(RDB$INDEX_NAME) FROM RDB$INDICES WHERE COALESCE(RDB$SYSTEM_FLAG, 0) = 0")
    names = [name for (name,) in cursor.fetchall()]
    cursor.close()
    for name in names:
        connection.execute_immediate(f'SET STATISTICS INDEX "{name}"')
    connection.commit()


def _block(table: str, rows: Sequence[tuple[Value, ...]]) -> str:
    inserts = "".join(f"INSERT INTO {table} VALUES ({','.join(map(literal, row))});\n" for row in rows)  # noqa: S608  a table of ours; values are quoted
    return f"EXECUTE BLOCK AS BEGIN\n{inserts}END"


def literal(value: Value) -> str:
    """Return `value` as Firebird SQL writes it."""
    return _WRITERS[type(value)](value)


def _quoted(value: Value) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _hexadecimal(value: Value) -> str:
    return f"x'{value.hex()}'" if isinstance(value, bytes) else _quoted(value)


_WRITERS: dict[type, Callable[[Value], str]] = {
    type(None): lambda _: "NULL",
    int: str,
    Decimal: str,
    str: _quoted,
    bytes: _hexadecimal,
    date: _quoted,
    datetime: _quoted,
}


def counts(tables: Tables) -> dict[str, int]:
    """Return the number of rows of each table of a database made of `tables`."""
    written = {name: len(rows) for name, rows in tables.in_order()}
    for text in statements():
        if inserted := re.match(r"INSERT INTO (\w+)", text):
            written[inserted[1]] += 1
    return written
