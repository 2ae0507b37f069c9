import gc
from pathlib import Path

from firebird.driver import connect

from connectors.school.embedded import use_embedded_firebird


def test_a_statement_collected_after_its_connection_let_go_of_it_says_nothing(school_file: Path) -> None:
    use_embedded_firebird()
    connection = connect(str(school_file))
    cursor = connection.cursor()
    statement = cursor.prepare("SELECT 1 FROM RDB$DATABASE")
    held = list(connection._statements)  # noqa: SLF001  what a closing connection has in hand
    connection._statements.clear()  # noqa: SLF001  likewise
    statement.free()
    del statement
    cursor.close()
    gc.collect()  # the driver's own method would raise here, where nobody can catch it
    assert all(reference() is None for reference in held)
    connection.close()
