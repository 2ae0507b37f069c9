from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.terms.working_days import WorkingDays, YearCalendar, load_working_days
from journal.wording import BridgeError

# As printed calendars of a five-day week show them: days off that are no Saturday and no Sunday, and worked Saturdays.
OFF_ON_WEEKDAYS = {
    2024: "01-01 01-02 01-03 01-04 01-05 01-08 02-23 03-08 04-29 04-30 05-01 05-09 05-10 06-12 11-04 12-30 12-31",
    2025: "01-01 01-02 01-03 01-06 01-07 01-08 05-01 05-02 05-08 05-09 06-12 06-13 11-03 11-04 12-31",
    2026: "01-01 01-02 01-05 01-06 01-07 01-08 01-09 02-23 03-09 05-01 05-11 06-12 11-04 12-31",
    2027: "01-01 01-04 01-05 01-06 01-07 01-08 02-23 03-08 05-03 05-10 06-14 11-04",  # by the law alone
}
WORKED_SATURDAYS = {date(2024, 4, 27), date(2024, 11, 2), date(2024, 12, 28), date(2025, 11, 1)}
COUNTED = {2024: 248, 2025: 247, 2026: 247, 2027: 249}
DAY = timedelta(days=1)
PACKAGED = load_working_days(None)

days = st.dates(date(2024, 1, 1), date(2027, 12, 31))


def printed(day: date) -> bool:
    if day in WORKED_SATURDAYS:
        return True
    return day.weekday() < 5 and f"{day:%m-%d}" not in OFF_ON_WEEKDAYS[day.year].split()


def every_day(year: int) -> list[date]:
    return [day for number in range(366) if (day := date(year, 1, 1) + number * DAY).year == year]


@pytest.mark.parametrize("year", COUNTED)
def test_each_day_is_worked_as_the_printed_calendar_says(year: int) -> None:
    assert [day for day in every_day(year) if PACKAGED.is_working(day) != printed(day)] == []
    assert sum(PACKAGED.is_working(day) for day in every_day(year)) == COUNTED[year]


def test_a_year_that_no_file_knows_is_assumed() -> None:
    assert [year for year in range(2020, 2030) if not PACKAGED.is_assumed(year)] == [2024, 2025, 2026]


def test_a_holiday_moves_past_other_days_off_but_not_where_a_decree_moved_it() -> None:
    monday_off = WorkingDays({2027: YearCalendar("own", {}, frozenset({date(2027, 5, 3)}))})
    assert [day for day in every_day(2027) if monday_off.is_working(day) != printed(day)] == [date(2027, 5, 4)]
    by_decree = WorkingDays({2027: YearCalendar("own", {date(2027, 5, 1): date(2027, 11, 5)})})
    differing = [day for day in every_day(2027) if by_decree.is_working(day) != printed(day)]
    assert differing == [date(2027, 5, 3), date(2027, 11, 5)]


@given(days, st.integers(1, 300))
def test_after_counts_day_by_day(day: date, count: int) -> None:
    oracle, left = day, count
    while left:
        oracle += DAY
        left -= printed(oracle) if oracle.year < 2028 else PACKAGED.is_working(oracle)
    assert PACKAGED.after(day, count) == oracle


@given(days, days)
def test_between_counts_day_by_day(first: date, last: date) -> None:
    low, high = sorted((first, last))
    span = [low + number * DAY for number in range((high - low).days)]
    expected = sum(printed(day + DAY) for day in span) if first <= last else -sum(printed(day) for day in span)
    assert PACKAGED.between(first, last) == expected


@given(days, st.integers(1, 300), st.integers(1, 30))
def test_what_is_due_has_its_days_left_and_is_overdue_on_any_day_after(day: date, count: int, late: int) -> None:
    due = PACKAGED.after(day, count)
    assert PACKAGED.between(day, due) == count
    assert PACKAGED.between(due, due) == 0
    assert PACKAGED.between(due + late * DAY, due) < 0


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_starts_at_one(count: int) -> None:
    with pytest.raises(ValueError, match="starts at 1"):
        PACKAGED.after(date(2026, 1, 1), count)


def test_a_year_of_the_operators_file_takes_the_place_of_the_packaged_one(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        '[2026]\ndecree = "own"\ndays_off = [2026-04-21]\n[2027]\ndecree = "own"\n'
        "[2027.moved]\n2027-01-02 = 2027-11-05\n2027-02-20 = 2027-02-22\n2027-05-01 = 2027-05-04\n",
        encoding="utf-8",
    )
    own = load_working_days(path)
    assert not own.is_assumed(2027)
    assert [day for day in every_day(2026) if own.is_working(day) != printed(day)] == [
        date(2026, 1, 9),
        date(2026, 4, 21),
        date(2026, 12, 31),
    ]
    assert [day for day in every_day(2027) if own.is_working(day) != printed(day)] == [
        date(2027, 2, 20),
        date(2027, 2, 22),
        date(2027, 5, 3),
        date(2027, 5, 4),
        date(2027, 11, 5),
    ]
    assert [day for day in every_day(2025) if own.is_working(day) != printed(day)] == []


HEAD = '[2027]\ndecree = "own"\n'


@pytest.mark.parametrize(
    ("content", "key", "expected"),
    [
        ("[2027", "–", "no TOML"),
        ('decree = "own"\n', "decree", "a year's section"),
        ("2027 = 1\n", "2027", "a year's section"),
        ('[year]\ndecree = "own"\n', "year", "a year's section"),
        ("[2027]\n", "2027.decree", "what it is founded on"),
        ('[2027]\ndecree = " "\n', "2027.decree", "what it is founded on"),
        (HEAD + "moves = {}\n", "2027.moves", "no such key"),
        (HEAD + "moved = 1\n", "2027.moved", "pairs"),
        (HEAD + 'moved = {"1 May" = 2027-05-04}\n', "2027.moved.1 May", "pairs"),
        (HEAD + "moved = {2026-05-02 = 2027-05-04}\n", "2027.moved.2026-05-02", "pairs"),
        (HEAD + 'moved = {2027-05-01 = "2027-05-04"}\n', "2027.moved.2027-05-01", "pairs"),
        (HEAD + "moved = {2027-05-01 = 2027-05-04T00:00:00}\n", "2027.moved.2027-05-01", "pairs"),
        (HEAD + "moved = {2027-05-01 = 2028-05-04}\n", "2027.moved.2027-05-01", "pairs"),
        (HEAD + "moved = {2027-05-05 = 2027-05-04}\n", "2027.moved.2027-05-05", "Saturday"),
        (HEAD + "moved = {2027-05-01 = 2027-05-02}\n", "2027.moved.2027-05-01", "working day"),
        (HEAD + "moved = {2027-05-01 = 2027-11-04}\n", "2027.moved.2027-05-01", "working day"),
        (
            HEAD + "moved = {2027-05-01 = 2027-05-04, 2027-05-02 = 2027-05-04}\n",
            "2027.moved.2027-05-02",
            "to each once",
        ),
        (HEAD + "days_off = 2027-05-04\n", "2027.days_off", "a list"),
        (HEAD + "days_off = [2026-05-04]\n", "2027.days_off", "a list"),
    ],
)
def test_a_wrong_file_is_refused_by_file_and_key(tmp_path: Path, content: str, key: str, expected: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BridgeError) as refused:
        load_working_days(path)
    assert refused.value.code == "calendar-wrong"
    assert f"{path}, {key}: " in refused.value.say("en")
    assert expected in refused.value.say("en")
    assert f"{path}, {key}: " in refused.value.say("ru")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(BridgeError, match="can't be read"):
            load_working_days(path)
    (tmp_path / "cp1251.toml").write_bytes('[2027]\ndecree = "указ"\n'.encode("cp1251"))
    with pytest.raises(BridgeError, match="no TOML in UTF-8"):
        load_working_days(tmp_path / "cp1251.toml")
