from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from journal.wording import Language
from reports.counting import Counted, day_and_time, exact_time, number, share

RU, EN = Language.RU, Language.EN
MOSCOW = ZoneInfo("Europe/Moscow")
RECORDS = Counted(ru=("{n} запись", "{n} записи", "{n} записей"), en=("{n} record", "{n} records"))
NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 записей"),
        (1, "1 запись"),
        (2, "2 записи"),
        (4, "4 записи"),
        (5, "5 записей"),
        (11, "11 записей"),
        (14, "14 записей"),
        (21, "21 запись"),
        (22, "22 записи"),
        (111, "111 записей"),
        (1_001, "1 001 запись"),
        (1_012, "1 012 записей"),
    ],
)
def test_a_russian_noun_agrees_with_its_number(count: int, said: str) -> None:
    assert RECORDS.say(count, RU) == said.replace(" ", NBSP)


@pytest.mark.parametrize(("count", "said"), [(0, "0 records"), (1, "1 record"), (21, "21 records")])
def test_an_english_noun_agrees_with_its_number(count: int, said: str) -> None:
    assert RECORDS.say(count, EN) == said.replace(" ", NBSP)


def test_thousands_stand_apart() -> None:
    assert number(1_234_567, RU) == f"1{NBSP}234{NBSP}567"
    assert number(1_234_567, EN) == "1,234,567"
    assert number(999, RU) == "999"


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "0 %"),
        (0, 10, "0 %"),
        (10, 10, "100 %"),
        (1, 8, "12,5 %"),
        (1, 10, "10 %"),
        (1, 1_000_000, "< 0,1 %"),
        (999_999, 1_000_000, "> 99,9 %"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(part: int, whole: int, said: str) -> None:
    assert share(part, whole, RU) == said.replace(" ", NBSP)


def test_an_english_share_has_a_point() -> None:
    assert share(1, 8, EN) == "12.5%"


def test_moments_are_told_on_the_installations_clock() -> None:
    new_year = datetime(2026, 12, 31, 22, 30, tzinfo=UTC)
    assert day_and_time(new_year, MOSCOW, RU) == "1 января 2027, 01:30".replace(" ", NBSP).replace(f",{NBSP}", ", ")
    assert day_and_time(new_year, MOSCOW, EN) == "1 January 2027, 01:30".replace(" ", NBSP).replace(f",{NBSP}", ", ")
    assert exact_time(new_year, MOSCOW) == "2027-01-01 01:30:00 +03:00"
    assert exact_time(new_year, ZoneInfo("America/New_York")) == "2026-12-31 17:30:00 -05:00"


def test_a_moment_without_zone_is_refused() -> None:
    naive = datetime(2026, 12, 31)  # noqa: DTZ001  what must be refused
    with pytest.raises(ValueError, match="time zone"):
        exact_time(naive, MOSCOW)
    with pytest.raises(ValueError, match="time zone"):
        day_and_time(naive, MOSCOW, RU)
