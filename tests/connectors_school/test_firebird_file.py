"""A school's Firebird file, read embedded: what comes out, and that nothing goes in."""

import multiprocessing
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import pandas as pd
import pytest
from firebird.driver import Cursor, connect, connect_server

from connectors.school.embedded import use_embedded_firebird
from connectors.school.firebird_driver import open_file
from connectors.school.open import open_snapshot
from connectors.school.read import SchoolSource, read_identities
from connectors.school.snapshot import Snapshot
from connectors.school.source import FirebirdFile
from journal.frames import RECORDS, SET_ASIDE, WARNINGS
from journal.school import SchoolReading, StudentIdentity, Window
from journal.wording import BridgeError, Language
from mappings.profile import Profile, Query, Statement
from mappings.raw import ALL_TABLES, FINGERPRINTS, MARKS, SCHOOL, RawTable

Read = Callable[..., SchoolReading]
WINDOW = Window(date(2026, 9, 1), date(2027, 8, 31))


def refusal(act: Callable[[], object]) -> BridgeError:
    with pytest.raises(BridgeError) as caught:
        act()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert caught.value.say(Language.RU) != caught.value.say(Language.EN)
    return caught.value


def test_every_row_of_the_window_is_a_record_or_set_aside(school_file: Path, read: Read) -> None:
    reading = read(school_file)
    for schema, frame in ((RECORDS, reading.records), (SET_ASIDE, reading.set_aside), (WARNINGS, reading.warnings)):
        schema.validate(frame)
    assert list(reading.records["source_key"]) == ["mark:1", "mark:3", "absence:1", "period:1"]
    assert dict(zip(reading.set_aside["source_key"], reading.set_aside["reason"], strict=True)) == {
        "mark:2": "undecodable-text",
        "mark:4": "not-enrolled",
        "period:2": "future-date",
    }
    assert set(reading.warnings.itertuples(index=False, name=None)) == {
        ("mark:3", "comment-undecodable"),
        ("absence:1", "not-journal-member"),
        ("period:1", "not-journal-member"),
        ("absence:1", "class-transfer-missing"),
        ("period:1", "class-transfer-missing"),
    }
    assert set(reading.roster) == {"1017", "1018"}


def test_a_mark_comes_through_as_the_contract_says(school_file: Path, read: Read) -> None:
    mark = read(school_file).records.iloc[0].to_dict()
    assert mark == {
        "source_key": "mark:1",
        "student_key": "1017",
        "kind": "current",
        "subject": "Алгебра",
        "date": pd.Timestamp("2026-10-01"),
        "lesson_number": 2,
        "value": "5",
        "weight": "1.50",
        "work": "Работа на уроке",
        "comment": "Молодец",
        "entered_at": pd.Timestamp("2026-10-01T07:00:00Z"),
    }


def test_the_window_has_both_its_days(school_file: Path, read: Read) -> None:
    keys = read(school_file, window=Window(date(2026, 8, 31), date(2026, 8, 31))).set_aside["source_key"]
    assert list(keys) == ["mark:5"]
    assert read(school_file, window=Window(date(2026, 8, 1), date(2026, 8, 30))).rows_read == 0


def test_progress_is_told_for_each_table(school_file: Path, profile: Profile) -> None:
    told: list[tuple[str, int]] = []
    with open_snapshot(SchoolSource(f"file:{school_file}"), "0252") as snapshot:
        snapshot.read(MARKS, profile, WINDOW, lambda query, rows: told.append((query, rows)))
    assert told == [("marks", 4)]


@pytest.mark.parametrize("size", [1, 2, 3, 10_000])
@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_rows_read_by_the_block_are_those_of_the_driver(
    made_school: Path, profile: Profile, table: RawTable, size: int
) -> None:
    statement = profile.statement(table.name, "firebird", "qmark")
    days = [{"first": WINDOW.first, "last": WINDOW.last}[name] for name in statement.parameters]
    found = []
    for by_block in (True, False):
        driver = open_file(FirebirdFile(made_school), "0252", by_block=by_block)
        chunks = list(driver.chunks(table, statement, days, size))
        driver.close()
        assert all(len(next(iter(chunk.values()))) <= size for chunk in chunks)
        found.append(pd.concat([table.frame(chunk) for chunk in chunks], ignore_index=True))
    assert len(found[0])
    pd.testing.assert_frame_equal(*found)


def test_sums_of_128_bits_read_by_the_block_are_those_of_the_driver(made_school: Path) -> None:
    numbers = [0, 1, -1, 2**64, -(2**64), 2**63, 10**25 + 7, -(10**25) - 7]
    rows = " UNION ALL ".join(
        f"SELECT {place}, 1, CAST('{number}' AS NUMERIC(38, 0)), CAST('{number}.25' AS NUMERIC(38, 2)) FROM SCHOOL"  # noqa: S608
        for place, number in enumerate(numbers)
    )
    names = '(JOURNAL_ID, "ROWS", SUM_OF_IDS, SUM_OF_CODES)'
    statement = Statement(f"SELECT * FROM ({rows} UNION ALL SELECT 99, 1, NULL, NULL FROM SCHOOL) f {names}", ())  # noqa: S608
    found = []
    for by_block in (True, False):
        driver = open_file(FirebirdFile(made_school), "0252", by_block=by_block)
        found.append(pd.concat([FINGERPRINTS.frame(chunk) for chunk in driver.chunks(FINGERPRINTS, statement, [], 3)]))
        driver.close()
    assert found[0]["sum_of_ids"].tolist()[:-1] == numbers
    assert found[0]["sum_of_codes"].tolist()[-2] == Decimal(f"{numbers[-1]}.25")
    pd.testing.assert_frame_equal(*found)


def test_the_block_way_is_the_way_taken(made_school: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = Cursor._unpack_output  # noqa: SLF001  what may not be called

    def never(cursor: Cursor) -> tuple:
        if cursor is cursor._connection._ic:  # noqa: SLF001  the driver's own, which it asks for a decimal's precision
            return decoded(cursor)
        raise AssertionError("rows were decoded by the driver")

    monkeypatch.setattr("firebird.driver.core.Cursor._unpack_output", never)
    with open_snapshot(SchoolSource(f"file:{made_school}"), "0252") as snapshot:
        for table in ALL_TABLES:
            assert len(snapshot.read(table, profile, WINDOW))


def test_the_snapshot_may_not_write(school_file: Path) -> None:
    driver = open_file(FirebirdFile(school_file), "0252")
    assert driver.facts.read_only
    cursor = driver._connection.cursor()  # noqa: SLF001  the bridge has no way to write, so the test goes under it
    with pytest.raises(Exception, match="read-only transaction"):
        cursor.execute("DELETE FROM MARK")
    cursor.close()
    driver.close()


def test_a_snapshot_does_not_see_what_is_written_meanwhile(school_file: Path, profile: Profile) -> None:
    with open_snapshot(SchoolSource(f"file:{school_file}"), "0252") as snapshot:
        before = len(snapshot.read(MARKS, profile, WINDOW))
        teacher = connect(str(school_file), user="SYSDBA", charset="WIN1251")
        teacher.execute_immediate("DELETE FROM MARK")
        teacher.commit()
        teacher.close()
        assert len(snapshot.read(MARKS, profile, WINDOW)) == before == 4
    with open_snapshot(SchoolSource(f"file:{school_file}"), "0252") as snapshot:
        assert len(snapshot.read(MARKS, profile, WINDOW)) == 0


def test_a_file_that_may_only_be_read_is_read_from_a_copy_that_is_gone_at_once(
    school_file: Path, tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode & os.W_OK and path == school_file))
    before = school_file.read_bytes()
    assert len(read(school_file).records) == 4
    assert school_file.read_bytes() == before
    assert not list(tmp_path.glob("dnevnik-reading-*"))


def test_a_path_that_the_engine_would_take_for_a_hosts_name_is_read(
    school_file: Path, tmp_path: Path, read: Read
) -> None:
    folder = tmp_path / "Школа 1:б"
    folder.mkdir()
    assert len(read(school_file.rename(folder / "Журнал.fdb")).records) == 4


def test_schools_are_read_side_by_side(made_school: Path, tmp_path: Path, read: Read) -> None:
    files = [Path(shutil.copy(made_school, tmp_path / f"{place}.fdb")) for place in range(3)]
    with ThreadPoolExecutor(6) as threads:
        assert [len(reading.records) for reading in threads.map(read, files * 6)] == [4] * 18


def hold_open(path: Path, pipe: Pipe) -> None:
    use_embedded_firebird()
    connection = connect(str(path), user="SYSDBA")
    pipe.send("open")
    pipe.recv()
    connection.close()


@pytest.mark.parametrize("writable", [True, False])
def test_a_file_that_another_engine_has_open_is_busy(
    school_file: Path, read: Read, monkeypatch: pytest.MonkeyPatch, *, writable: bool
) -> None:
    ours, theirs = multiprocessing.Pipe()
    other = multiprocessing.get_context("spawn").Process(target=hold_open, args=(school_file, theirs))
    other.start()
    try:
        assert ours.recv() == "open"
        if not writable:
            monkeypatch.setattr(os, "access", lambda *_: False)
        error = refusal(lambda: read(school_file))
    finally:
        ours.send("close")
        other.join()
    assert error.code == "school-unreachable"
    assert "another Firebird server" in error.say(Language.EN)


@pytest.mark.parametrize(("content", "words"), [(None, "missing"), (b"x" * 20_000, "damaged"), (b"", "damaged")])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, read: Read, content: bytes | None, words: str) -> None:
    path = tmp_path / "school.fdb"
    if content is not None:
        path.write_bytes(content)
    error = refusal(lambda: read(path))
    assert error.code == "school-unreachable"
    assert error.parameters["file"] == str(path)
    assert words in error.say(Language.EN)


def test_another_schools_database_is_refused(school_file: Path, read: Read) -> None:
    error = refusal(lambda: read(school_file, code="0253"))
    assert error.code == "school-code-differs"


def change(path: Path, *sql: str) -> None:
    connection = connect(str(path), user="SYSDBA", charset="WIN1251")
    for statement in sql:
        connection.execute_immediate(statement)
        connection.commit()
    connection.close()


def test_a_database_that_names_no_school_is_taken_at_the_operators_word(school_file: Path, read: Read) -> None:
    change(school_file, "DELETE FROM SCHOOL")
    assert read(school_file, code="0253").rows_read == 7


@pytest.mark.parametrize(
    ("sql", "item", "query"),
    [
        ("ALTER TABLE MARK DROP NOTE", "M.NOTE", "marks"),
        ("DROP TABLE PERIOD_MARK", "PERIOD_MARK", "members"),
    ],
)
def test_a_missing_table_or_column_is_named(school_file: Path, read: Read, sql: str, item: str, query: str) -> None:
    change(school_file, sql)
    error = refusal(lambda: read(school_file))
    assert (error.code, error.parameters["item"], error.parameters["query"]) == ("school-schema-differs", item, query)


def test_a_column_of_another_type_is_named(school_file: Path, read: Read) -> None:
    change(school_file, "ALTER TABLE ABSENCE DROP CHANGED_AT", "ALTER TABLE ABSENCE ADD CHANGED_AT VARCHAR(20)")
    change(school_file, "UPDATE ABSENCE SET CHANGED_AT = 'Секрет'")
    error = refusal(lambda: read(school_file))
    assert (error.code, error.parameters["item"]) == ("school-schema-differs", "changed_at")
    assert "Секрет" not in str(error)


def test_what_breaks_while_rows_are_read_says_nothing_of_them(school_file: Path, read: Read) -> None:
    change(school_file, "UPDATE SUBJECT SET NAME = 'Секрет' WHERE ID = 1")
    change(school_file, "ALTER TABLE SUBJECT ALTER NAME TO NAME_WAS")
    change(school_file, "ALTER TABLE SUBJECT ADD NAME COMPUTED BY (CAST(CAST(NAME_WAS AS INTEGER) AS VARCHAR(100)))")
    error = refusal(lambda: read(school_file))
    assert error.code == "school-reading-failed"
    assert error.parameters["query"] == "subjects"
    assert "Секрет" not in str(error)


def test_identities_are_read_for_matching(school_file: Path, profile: Profile) -> None:
    found = read_identities(SchoolSource(f"file:{school_file}"), profile, code="0252", today=date(2026, 10, 1))
    assert found == [
        StudentIdentity("1017", "Ёлкина", "Мария", "Петровна", date(2014, 3, 9), "5А"),
        StudentIdentity("1018", "Соколов", "Илья", None, None, "6Б"),
    ]


def test_a_text_in_another_character_set_goes_the_drivers_way(school_file: Path) -> None:
    driver = open_file(FirebirdFile(school_file), "0252")
    statement = Query("school", "SELECT CODE FROM SCHOOL").render("", "qmark")
    with Snapshot("0252", driver):
        assert [chunk["code"].tolist() for chunk in driver.chunks(SCHOOL, statement, [], 10)] == [["0252"]]


@pytest.fixture
def backup(school_file: Path, tmp_path: Path) -> Path:
    use_embedded_firebird()
    server = connect_server("", user="SYSDBA")
    server.database.backup(database=school_file, backup=tmp_path / "school.fbk")
    server.wait()
    server.close()
    return tmp_path / "school.fbk"


def test_a_backup_is_read_like_its_database_and_leaves_nothing(
    backup: Path, school_file: Path, tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read(school_file)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    abandoned, foreign = tmp_path / "dnevnik-reading-dead", tmp_path / "dnevnik-reading-young"
    for folder in (abandoned, foreign):
        folder.mkdir()
    (abandoned / "lock").touch()
    (abandoned / "school.fdb").write_bytes(b"left by a process that died")
    reading = read(backup)
    pd.testing.assert_frame_equal(reading.records, expected.records)
    pd.testing.assert_frame_equal(reading.set_aside, expected.set_aside)
    assert list(tmp_path.glob("dnevnik-reading-*")) == [foreign]


def test_while_a_backup_is_read_its_data_have_no_name(
    backup: Path, tmp_path: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with open_snapshot(SchoolSource(f"file:{backup}"), "0252") as snapshot:
        assert not list(tmp_path.glob("dnevnik-reading-*"))
        assert len(snapshot.read(MARKS, profile, WINDOW)) == 4


@pytest.mark.parametrize(("content", "words"), [(None, "missing"), (b"x" * 20_000, "can't be restored")])
def test_a_broken_backup_is_named_and_leaves_nothing(
    tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch, content: bytes | None, words: str
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = tmp_path / "school.fbk"
    if content is not None:
        path.write_bytes(content)
    error = refusal(lambda: read(path))
    assert error.code == "school-unreachable"
    assert words in error.say(Language.EN)
    assert not list(tmp_path.glob("dnevnik-reading-*"))
