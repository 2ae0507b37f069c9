"""What a source's URL needs: its driver, the words of its dialect, and complaints that name what is missing."""

import importlib.metadata
import re
import sys
from collections.abc import Iterator

import pymysql
import pyodbc
import pytest
import sqlalchemy as sa
from fakes.database_servers import mariadb

from connectors.school.open import open_snapshot
from connectors.school.source import SchoolSource, SqlSource
from connectors.school.sql_driver import _open_refusal
from journal.wording import BridgeError, Language
from mappings.profile import Profile, Statement
from mappings.raw import MARKS, SUBJECTS

from .conftest import WINDOW

MSSQL = ("mssql+pyodbc://reader@db.example/school?driver=FreeTDS", "mssql+pymssql://reader@db.example/school")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with mariadb() as found:
        with pymysql.connect(host="127.0.0.1", port=found, user="root", autocommit=True) as server:
            cursor = server.cursor()
            cursor.execute("CREATE DATABASE school CHARACTER SET utf8mb4")
            cursor.execute("USE school")
            cursor.execute("CREATE TABLE LESSON (ID INT, JOURNAL_ID INT, LESSON_DATE DATE)")
            cursor.execute("CREATE TABLE CONTROL (ID INT, LESSON_ID INT)")
            cursor.execute("CREATE TABLE MARK (ID INT, CONTROL_ID INT, STUDENT_ID INT, TYPE_ID INT, NOTE VARCHAR(9))")
        yield found


def by(port: int, way: str) -> SchoolSource:
    if way == "odbc":
        driver = next(name for name in pyodbc.drivers() if "MARIADB" in name.upper())
        return SchoolSource(f"odbc:DRIVER={{{driver}}};SERVER=127.0.0.1;PORT={port};UID=root;DATABASE=school")
    return SchoolSource(f"{way}://root@127.0.0.1:{port}/school")


WAYS = ("mysql+pymysql", "mariadb+pymysql", "odbc")


@pytest.mark.parametrize("way", WAYS)
def test_what_a_mariadb_misses_is_named(port: int, profile: Profile, way: str) -> None:
    with open_snapshot(by(port, way), "0252") as snapshot:
        for table, item in ((MARKS, "M.ENTERED_AT"), (SUBJECTS, "SUBJECT")):
            with pytest.raises(BridgeError) as caught:
                snapshot.first_rows(table, profile, WINDOW)
            assert (caught.value.code, caught.value.parameters["item"]) == ("school-schema-differs", item)
            assert caught.value.__context__ is None


@pytest.mark.parametrize("way", WAYS)
def test_a_mariadb_has_the_dialect_of_mysql(port: int, way: str) -> None:
    with open_snapshot(by(port, way), "0252") as snapshot:
        assert (snapshot.facts.dialect, snapshot.facts.read_only, snapshot.facts.one_state) == ("mysql", True, True)
        assert "mariadb" in snapshot.facts.product.lower()


def test_rows_of_a_mariadb_stay_at_the_server_until_they_are_asked_for(port: int) -> None:
    many = " CROSS JOIN ".join(f"(SELECT 1 UNION ALL SELECT 2) t{number}" for number in range(14))
    query = Statement(f"SELECT 7 AS ID, 'x' AS NAME FROM {many}", ())  # noqa: S608  numbers
    with open_snapshot(by(port, "mysql+pymysql"), "0252") as snapshot:
        connection = snapshot.driver._connection.connection.driver_connection  # noqa: SLF001  PyMySQL's own
        chunks = snapshot.driver.chunks(SUBJECTS, query, [], 1000)
        assert next(chunks)["id"].tolist() == [7] * 1000
        assert connection._result.unbuffered_active  # noqa: SLF001  the rest has not come
        chunks.close()
        assert sum(len(chunk["id"]) for chunk in snapshot.driver.chunks(SUBJECTS, query, [], 1000)) == 2**14


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (pymysql.err.OperationalError(1045, "Access denied for user 'reader'@'localhost'"), "school-login-refused"),
        (pymysql.err.OperationalError(1044, "Access denied for user 'reader'@'%' to database"), "school-login-refused"),
        (pymysql.err.OperationalError(2003, "Can't connect to MySQL server"), "school-unreachable"),
        (pymysql.err.OperationalError(1049, "Unknown database 'x'"), "school-unreachable"),
        (pyodbc.InterfaceError("IM002", "[IM002] [unixODBC][Driver Manager]Data source name not found"),
         "school-driver-missing"),
        (pyodbc.Error("01000", "[01000] Can't open lib 'ODBC Driver 18 for SQL Server'"), "school-driver-missing"),
        (pyodbc.InterfaceError("28000", "[28000] Login failed for user 'reader'"), "school-login-refused"),
        (pyodbc.OperationalError("08001", "[08001] Unable to connect"), "school-unreachable"),
    ],
)  # fmt: skip
def test_a_refused_connection_is_told_apart(error: Exception, code: str) -> None:
    wrapped = sa.exc.DBAPIError("CONNECT", None, error)
    found = _open_refusal(wrapped, "0252", SqlSource(sa.make_url("mysql+pymysql://reader:s3cret@db.example/school")))
    assert found.code == code
    assert "s3cret" not in f"{found} {found.parameters}"


@pytest.mark.parametrize("url", ["mysql+pymysql://r@h/x", "mariadb+pymysql://r@h/x", "postgresql+psycopg://r@h/x"])
def test_a_missing_driver_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    driver = url.partition("+")[2].partition(":")[0]
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(BridgeError) as caught, open_snapshot(SchoolSource(url), "0252"):
        pass
    assert caught.value.code == "school-driver-missing"
    extra, scheme = ("postgresql", "postgresql+psycopg") if driver == "psycopg" else ("mysql", "mysql+pymysql")
    for language in Language:
        said = caught.value.say(language)
        assert f'pip install "dnevnik-bridge[{extra}]"' in said
        assert f"{scheme}://" in said
    needed = importlib.metadata.requires("dnevnik-bridge") or []
    assert any(re.match(rf"{driver}\b.*extra == ['\"]{extra}['\"]", one) for one in needed)


@pytest.mark.parametrize("url", MSSQL)
def test_a_profile_speaks_to_sql_server_in_its_words(profile: Profile, url: str) -> None:
    """No server of that sort is at hand: what is sent to it is looked at, not what it answers."""
    dialect = sa.make_url(url).get_dialect()()
    assert dialect.name == "mssql"
    style = "qmark" if dialect.paramstyle == "qmark" else "pyformat"
    for name, query in profile.queries.items():
        statement = profile.statement(name, dialect.name, style)
        assert not re.search(r"[{}]|:[a-z]|EXTRACT|julianday|strftime|INTERVAL", statement.sql)
        assert statement.sql.count("?" if style == "qmark" else "%s") == len(statement.parameters)
        assert ("DATEDIFF(second" in statement.sql) == ("{seconds" in query.template)
        assert ("DATEDIFF(day" in statement.sql) == ("{days" in query.template)


def test_a_sql_server_without_a_driver_of_its_own_says_so() -> None:
    source = SchoolSource("mssql+pyodbc://reader@127.0.0.1:1/school?driver=No+such+driver", "s3cret")
    with pytest.raises(BridgeError) as caught, open_snapshot(source, "0252"):
        pass
    assert caught.value.code == "school-driver-missing"
    assert "s3cret" not in f"{caught.value} {caught.value.parameters}"
