"""Random lives of a school: runs that read what changed and runs that read all end where the oracle ends."""

import os
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds.changing_school import AT, JOURNALS, LESSONS, STUDENTS, ChangingSchool, changing_school, write_school
from worlds.memory_world import CODE, DiedError, Link

from database import writing
from delivery.dead_letters import retry_records
from delivery.tables import JOURNAL_SEEN
from flows.reconciling import reconcile_school
from flows.steps import plan_school, sweep_school
from journal.portal import PortalError, Resend

EXAMPLES = 1500 if os.environ.get("DNEVNIK_SOAK") == "1" else 8

numbers, lessons, students = st.integers(1, 15), st.sampled_from(LESSONS), st.sampled_from(STUDENTS)
codes, journals = st.sampled_from([401, 402, 405, 421, 499]), st.sampled_from(JOURNALS)
days = st.sampled_from(["2026-10-01", "2026-10-12", "2026-08-31", "2026-11-12", "2026-11-25", "2026-11-27"])
times = st.sampled_from([AT, "2026-11-24 08:00:00"])


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, tuple[object, ...]]:
    """Draw one statement of a teacher or of the office."""
    key, lesson, student, code, at = draw(numbers), draw(lessons), draw(students), draw(codes), draw(times)
    mark = f"{draw(st.integers(0, 3))}"
    return draw(
        st.sampled_from(
            [
                ("INSERT OR IGNORE INTO MARK VALUES (?, ?, ?, ?, NULL, ?, ?)", (key, lesson, student, code, at, at)),
                ("DELETE FROM MARK WHERE ID = ?", (key,)),
                ("UPDATE MARK SET TYPE_ID = ?, CHANGED_AT = ? WHERE ID = ?", (code, at, key)),
                ("UPDATE MARK SET TYPE_ID = ? WHERE ID = ?", (code, key)),
                ("UPDATE MARK SET STUDENT_ID = ? WHERE ID = ?", (student, key)),
                ("UPDATE MARK SET CONTROL_ID = ? WHERE ID = ?", (lesson, key)),
                ("UPDATE LESSON SET LESSON_DATE = ? WHERE ID = ?", (draw(days), lesson)),
                ("UPDATE LESSON SET CANCELLED = ? WHERE ID = ?", (draw(st.integers(0, 1)), lesson)),
                ("UPDATE LESSON SET LESSON_NO = ? WHERE ID = ?", (draw(st.none() | st.integers(0, 8)), lesson)),
                ("UPDATE LESSON SET JOURNAL_ID = ? WHERE ID = ?", (draw(journals), lesson)),
                (
                    "UPDATE CONTROL SET COST = ? WHERE ID = ?",
                    (draw(st.sampled_from(["1", "2", "1.5", "0", "99", None])), lesson),
                ),
                ("UPDATE CONTROL SET TYPE_ID = ? WHERE ID = ?", (draw(st.integers(1, 2)), lesson)),
                ("INSERT OR IGNORE INTO ABSENCE VALUES (?, ?, ?, 501, ?)", (key, lesson, student, at)),
                ("DELETE FROM ABSENCE WHERE ID = ?", (key,)),
                ("UPDATE ABSENCE SET TYPE_ID = 503 WHERE ID = ?", (key,)),
                ("INSERT OR IGNORE INTO PERIOD_MARK VALUES (?, ?, 1, ?, ?, ?)", (key, 1 + key % 4, student, code, at)),
                ("DELETE FROM PERIOD_MARK WHERE ID = ?", (key,)),
                ("UPDATE PERIOD_MARK SET TYPE_ID = ? WHERE ID = ?", (code, key)),
                ("UPDATE SUBJECT SET NAME = ? WHERE ID = ?", (f"Предмет {mark}", draw(st.integers(1, 3)))),
                ("UPDATE MARK_TYPE SET SHORT_NAME = ? WHERE ID = 401", (f"1{mark}",)),
                (
                    "UPDATE ENROLMENT SET DATE_TO = ? WHERE ID = ?",
                    (draw(st.sampled_from([None, "2026-10-20"])), student),
                ),
                (
                    "UPDATE STUDENT SET BIRTH_DATE = ? WHERE ID = ?",
                    (draw(st.sampled_from(["2014-03-09", "2008-11-25"])), student),
                ),
            ]
        )
    )


acts = st.sampled_from(["nothing", "nothing", "nothing", "day", "day", "withdraw", "consent", "sweep", "week"])
nights = st.lists(st.tuples(st.lists(edits(), max_size=3), acts, students, st.booleans()), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("changing") / "school.db"
    write_school(path)
    return path


@pytest.fixture
def world(school: Path, tmp_path: Path) -> ChangingSchool:
    made = changing_school(school, tmp_path / "world")
    assert made.sync().failure is None
    assert made.read is None
    return made


def agrees(world: ChangingSchool) -> bool:
    return world.shows() == world.must_show()


def _live(world: ChangingSchool, act: str, student: int) -> None:
    """What happens besides the teachers' edits."""
    world.now += {"day": timedelta(days=1), "week": timedelta(days=8)}.get(act, timedelta(minutes=5))
    key = str(student), f"pa-{student}"
    if act == "withdraw" and key in world.links and world.links[key].withdrawn is None:
        world.withdraw(*key)
    elif act == "consent" and (key not in world.links or world.links[key].withdrawn is not None):
        world.register(Link(str(student), f"pa-{student}-{world.now:%m%d%H%M}"))
    elif act == "sweep":
        sweep_school(world.bridge(), CODE)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights)
def test_reading_what_changed_ends_where_reading_all_and_the_oracle_end(school: Path, nights: list) -> None:
    with TemporaryDirectory() as folder:
        worlds = [changing_school(school, Path(folder) / word, full=word == "full") for word in ("changes", "full")]
        for world in worlds:
            world.sync()
        for statements, act, student, undo in nights:
            ended = []
            for world in worlds:
                before = world.file.read_bytes()
                world.edit(*statements)
                _live(world, act, student)
                balance = world.sync()
                if undo:  # as if nobody had written
                    world.file.write_bytes(before)
                    balance = world.sync()
                assert agrees(world)
                assert balance.balances
                ended.append((balance.findings, balance.all_warnings, balance.all_set_aside))
            assert ended[0] == ended[1]
            assert worlds[0].shows() == worlds[1].shows()
            assert worlds[0].open_links() == worlds[1].open_links()


def test_a_run_reads_the_journals_that_changed_and_counts_the_others_apart(world: ChangingSchool) -> None:
    world.edit(("UPDATE MARK SET TYPE_ID = 402 WHERE ID = 4", ()))
    balance = world.sync()
    assert world.read == {"1"}
    assert (balance.sent, balance.journals_not_read) == (1, 3)
    assert balance.read == len(world.readings[-1].records) + len(world.readings[-1].set_aside)
    assert balance.read + balance.records_not_read == world.readings[0].rows_read
    assert balance.balances
    assert agrees(world)


def test_nothing_is_read_where_nothing_changed(world: ChangingSchool) -> None:
    balance = world.sync()
    assert world.read == frozenset()
    assert (balance.read, balance.sent, balance.withdrawn, balance.journals_not_read) == (0, 0, {}, 4)
    assert agrees(world)
    assert world.sync(full=True).read > 0


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("DELETE FROM MARK WHERE ID = 4", {"1"}),  # of a day long gone
        ("DELETE FROM MARK WHERE ID = 5", {"2"}),  # of the last weeks
        ("UPDATE MARK SET NOTE = 'Молодец', CHANGED_AT = '2026-11-24 09:30:00' WHERE ID = 4", {"1"}),
        ("UPDATE MARK SET CONTROL_ID = 5 WHERE ID = 4", {"1", "2"}),
        ("UPDATE LESSON SET LESSON_DATE = '2026-11-14' WHERE ID = 4", {"1"}),
        ("UPDATE LESSON SET JOURNAL_ID = 2 WHERE ID = 4", {"1", "2"}),  # which no sum over all journals would tell
        ("UPDATE PERIOD_MARK SET JOURNAL_ID = 2 WHERE ID = 1", {"1", "2"}),
        ("DELETE FROM MARK WHERE CONTROL_ID IN (SELECT ID FROM LESSON WHERE JOURNAL_ID = 3)", {"3"}),
        ("UPDATE SUBJECT SET NAME = 'Алгебра' WHERE ID = 1", None),
        ("UPDATE ENROLMENT SET DATE_TO = '2026-11-30' WHERE ID = 3", None),
        ("INSERT INTO STUDENT VALUES (9, 'Ф', 'И', NULL, '2014-01-01', NULL)", None),
    ],
)
def test_each_edit_has_what_it_concerns_read(world: ChangingSchool, sql: str, read: set[str] | None) -> None:
    world.edit((sql, ()))
    world.sync()
    assert world.read == read
    assert agrees(world)


def test_a_journal_that_is_gone_takes_its_records_with_it(world: ChangingSchool) -> None:
    world.edit(
        ("DELETE FROM MARK WHERE CONTROL_ID IN (SELECT ID FROM LESSON WHERE JOURNAL_ID = 3)", ()),
        ("DELETE FROM CONTROL WHERE LESSON_ID IN (SELECT ID FROM LESSON WHERE JOURNAL_ID = 3)", ()),
        ("DELETE FROM ABSENCE WHERE LESSON_ID IN (SELECT ID FROM LESSON WHERE JOURNAL_ID = 3)", ()),
        ("DELETE FROM LESSON WHERE JOURNAL_ID = 3", ()),
        ("DELETE FROM PERIOD_MARK WHERE JOURNAL_ID = 3", ()),
    )
    assert world.sync().withdrawn["deleted"] > 0
    assert world.read == {"3"}
    assert agrees(world)


def test_a_withdrawal_takes_back_records_of_journals_that_were_not_read(world: ChangingSchool) -> None:
    world.withdraw("1", "pa-1")
    balance = world.sync()
    assert world.read == frozenset()
    assert sum(balance.withdrawn.values()) > 0
    assert agrees(world)


def test_a_new_consent_has_all_read(world: ChangingSchool) -> None:
    world.register(Link("3", "pa-3"))
    assert world.sync().sent > 0
    assert world.read is None
    assert agrees(world)
    world.sync()
    assert world.read == frozenset()


@pytest.mark.parametrize("days", [6, 7])
def test_all_is_read_after_a_week(world: ChangingSchool, days: int) -> None:
    world.now += timedelta(days=days)
    world.sync()
    assert world.read == (frozenset() if days < 7 else None)


def test_a_pilot_that_changes_has_all_read(world: ChangingSchool) -> None:
    world.pilot_classes = frozenset({"6А"})
    world.sync()
    assert world.read is None


def test_what_another_version_of_the_bridge_remembered_has_all_read(world: ChangingSchool) -> None:
    with writing(world.engine) as connection:
        connection.execute(JOURNAL_SEEN.update().values(seen='{"older": {"rows": 1, "newest": null}, "recent": null}'))
    assert world.sync().failure is None
    assert world.read is None
    assert agrees(world)
    world.sync()
    assert world.read == frozenset()


def test_other_software_reads_all(world: ChangingSchool) -> None:
    world.software = "test/2"
    world.sync()
    assert world.read is None


def test_a_day_that_comes_makes_a_mark_good(world: ChangingSchool) -> None:
    world.edit(("UPDATE LESSON SET LESSON_DATE = '2026-11-26' WHERE ID = 4", ()))
    assert world.sync().set_aside["future-date"] > 0
    world.now += timedelta(days=1)
    balance = world.sync()
    assert (world.read, balance.set_aside_not_read) == (frozenset(), {"future-date": 2})
    assert balance.has_exceptions
    world.now += timedelta(days=1)
    world.sync()
    assert world.read == {"1"}
    assert agrees(world)
    assert world.now.date() == date(2026, 11, 26)


@pytest.mark.parametrize("boundary", ["batch-stored", "intent-logged"])
def test_after_a_run_that_died_all_is_read_also_when_the_change_was_undone(
    world: ChangingSchool, boundary: str
) -> None:
    before = world.file.read_bytes()
    world.edit(("UPDATE MARK SET TYPE_ID = 402 WHERE ID = 3", ()), ("DELETE FROM MARK WHERE ID = 4", ()))
    world.die_at = boundary, 1
    with pytest.raises(DiedError):
        world.sync()
    world.now += timedelta(minutes=30)  # its lease is over
    world.file.write_bytes(before)
    assert world.sync().failure is None
    assert world.read is None
    assert agrees(world)


def test_after_a_run_that_the_portal_ended_all_is_read(world: ChangingSchool) -> None:
    world.edit(("UPDATE MARK SET TYPE_ID = 402 WHERE ID = 3", ()))
    world.portal.fail_before("submit", PortalError("connection", Resend.RETRYABLE), times=9)
    assert world.sync().failure is not None
    world.portal.faults.clear()
    world.sync()
    assert world.read is None
    assert agrees(world)
    world.sync()
    assert world.read == frozenset()


def test_a_school_that_could_not_be_read_is_read_whole_the_next_time(world: ChangingSchool) -> None:
    world.read_fails = OSError("away")
    assert world.sync().failure is not None
    world.read_fails = None
    world.sync()
    assert world.read is None


def test_during_a_pause_nothing_is_remembered(world: ChangingSchool) -> None:
    world.paused = ((world.today, world.today),)
    world.edit(("UPDATE MARK SET TYPE_ID = 402 WHERE ID = 3", ()))
    world.sync()
    world.paused = ()
    assert world.sync().sent == 1
    assert agrees(world)


def test_a_sweep_that_broke_off_has_all_read(world: ChangingSchool) -> None:
    world.withdraw("1", "pa-1")
    world.portal.fail_before("submit", PortalError("connection", Resend.RETRYABLE), times=9)
    assert sweep_school(world.bridge(), CODE).failure is not None  # the link is closed, the records are still there
    world.portal.faults.clear()
    world.sync()
    assert world.read is None
    assert agrees(world)


def test_a_sweep_that_ended_well_has_nothing_read(world: ChangingSchool) -> None:
    world.withdraw("1", "pa-1")
    assert sweep_school(world.bridge(), CODE).withdrawn
    world.sync()
    assert world.read == frozenset()
    assert agrees(world)


def test_a_record_that_the_portal_would_not_take_is_told_of_in_each_run(world: ChangingSchool) -> None:
    world.edit(("UPDATE MARK SET TYPE_ID = 402 WHERE ID = 3", ()))
    (record,) = [key for key, one in world.portal.held(CODE).items() if one.date == date(2026, 11, 13) and one.weight]
    world.portal.reject = {record: "not-wanted"}
    assert world.sync().failed == 1
    assert world.sync().failed == 1
    assert world.read == {"4"}
    world.portal.reject = {}
    with writing(world.engine) as connection:
        assert retry_records(connection, CODE) == [record]
    assert world.sync().sent == 1
    assert agrees(world)
    world.sync()
    assert world.read == frozenset()


def test_a_reconciliation_reads_all_and_mends_what_did_not_change(world: ChangingSchool) -> None:
    record = next(iter(world.portal.held(CODE)))
    school = world.portal.schools[CODE]
    del school.records[record]
    world.sync()
    assert not agrees(world)
    reconcile_school(world.bridge(), CODE)
    assert world.read is None
    assert agrees(world)


def test_a_dry_run_reads_what_a_run_would_read_and_changes_nothing(world: ChangingSchool) -> None:
    world.edit(("UPDATE MARK SET TYPE_ID = 402 WHERE ID = 3", ()))
    for _ in range(2):
        balance = plan_school(world.bridge(), CODE)
        assert (balance.sent, balance.journals_not_read) == (1, 3)
    assert plan_school(world.bridge(), CODE, full=True).journals_not_read == 0
    assert world.sync().sent == 1


def test_always_all_is_read_where_the_installation_says_so(world: ChangingSchool) -> None:
    world.full_every_days = 0
    world.sync()
    assert world.read is None


def test_rows_set_aside_in_journals_that_were_not_read_stay_listed(world: ChangingSchool) -> None:
    world.edit(("UPDATE MARK SET TYPE_ID = 499 WHERE ID = 4", ()))
    world.now += timedelta(minutes=1)
    assert world.sync().set_aside == {"unknown-mark-type": 1}
    world.edit(("UPDATE MARK SET TYPE_ID = 402 WHERE ID = 3", ()))
    for _ in range(2):
        world.now += timedelta(minutes=1)
        later = world.sync()
        assert (later.set_aside, later.set_aside_not_read) == ({}, {"unknown-mark-type": 1})
        assert later.has_exceptions
        assert [row.source_key for row in later.rows_set_aside] == ["mark:4"]


def test_what_was_found_in_journals_that_were_not_read_counts_as_it_did(world: ChangingSchool) -> None:
    before = Counter({(one.code, one.class_name, one.teacher): one.count for one in world.sync(full=True).findings})
    assert before["mark-while-absent", "5А", "1"] == 6
    world.edit(("UPDATE CONTROL SET COST = '99' WHERE ID = 4", ()), ("DELETE FROM ABSENCE WHERE ID = 4", ()))
    world.edit(("UPDATE STUDENT SET BIRTH_DATE = NULL WHERE ID = 3", ()))
    for read in (None, frozenset()):
        world.now += timedelta(minutes=1)
        balance = world.sync()
        assert world.read == read
        now = Counter({(one.code, one.class_name, one.teacher): one.count for one in balance.findings})
        assert now - before == Counter({("weight-out-of-range", "5А", "1"): 1, ("birth-date-missing", "5А", ""): 1})
        assert before - now == Counter({("mark-while-absent", "5А", "1"): 1})
        assert balance.all_warnings["mark-while-absent"] == 5
        assert balance.balances
    assert (balance.warnings, balance.warnings_not_read["mark-while-absent"]) == ({}, 5)


def test_the_bridges_own_postgresql_remembers_as_well(school: Path, tmp_path: Path) -> None:
    with postgresql() as url, bridge_database(url):
        world = changing_school(school, tmp_path / "world", state=url)
        world.sync()
        world.edit(("DELETE FROM MARK WHERE ID = 4", ()), ("UPDATE MARK SET TYPE_ID = 402 WHERE ID = 3", ()))
        world.sync()
        assert world.read == {"1", "4"}
        assert agrees(world)
        world.withdraw("1", "pa-1")
        world.sync()
        assert world.read == frozenset()
        assert agrees(world)
        world.engine.dispose()
