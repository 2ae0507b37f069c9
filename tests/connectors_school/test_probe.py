"""What `dnevnik check` is told of a school's database."""

from pathlib import Path

from firebird.driver import connect, driver_config

from connectors.school.read import SchoolSource, probe
from mappings.profile import Profile


def test_a_database_that_can_be_read_is_well(school_file: Path, profile: Profile) -> None:
    found = probe(SchoolSource(f"file:{school_file}"), profile, "0252")
    assert found.ok
    assert found.reachable
    assert found.read_only
    assert found.code_found
    assert found.product is not None
    assert found.product.startswith("Firebird 5.0")


def test_a_database_that_is_away_is_a_finding(tmp_path: Path, profile: Profile) -> None:
    found = probe(SchoolSource(f"file:{tmp_path}/school.fdb"), profile, "0252")
    assert not found.ok
    assert not found.reachable
    assert [problem.code for problem in found.problems] == ["school-unreachable"]


def test_another_schools_database_is_a_finding(school_file: Path, profile: Profile) -> None:
    found = probe(SchoolSource(f"file:{school_file}"), profile, "0253")
    assert found.reachable
    assert found.code_found is False
    assert [problem.code for problem in found.problems] == ["school-code-differs"]


def test_a_database_that_names_no_school_leaves_the_code_open(school_file: Path, profile: Profile) -> None:
    connection = connect(str(school_file), user="SYSDBA")
    connection.execute_immediate("DELETE FROM SCHOOL")
    connection.commit()
    connection.close()
    found = probe(SchoolSource(f"file:{school_file}"), profile, "0252")
    assert found.ok
    assert found.code_found is None


def test_every_missing_thing_is_named(school_file: Path, profile: Profile) -> None:
    connection = connect(str(school_file), user="SYSDBA")
    for sql in ("DROP TABLE ABSENCE", "ALTER TABLE MARK DROP NOTE"):
        connection.execute_immediate(sql)
        connection.commit()
    connection.close()
    found = probe(SchoolSource(f"file:{school_file}"), profile, "0252")
    assert {problem.parameters["item"] for problem in found.problems} == {"ABSENCE", "M.NOTE"}


def test_servers_that_call_their_databases_alike_are_told_apart(profile: Profile) -> None:
    for port in (1, 2):
        probe(SchoolSource(f"firebird://reader@127.0.0.1:{port}/paragraf"), profile, "0252")
    known = [
        driver_config.get_server(database.server.value)
        for database in driver_config.databases.value
        if database.database.value == "paragraf"
    ]
    assert {server.port.value for server in known if server} == {"1", "2"}
