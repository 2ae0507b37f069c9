"""Marks that have no code but their own sign, or points of a maximum."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from fakes.raw_journal import raw_journal
from hypothesis import given
from hypothesis import strategies as st

from journal.school import Window
from journal.vocabulary import RecordKind
from mappings.facts import KINDS, NO_KIND, kinds_of
from mappings.points import points_texts
from mappings.profile import CodeNames
from mappings.records import to_reading

from .test_records import AT, PROFILE, TODAY

OWN = replace(
    PROFILE,
    codes=replace(
        PROFILE.codes,
        uncoded=RecordKind.CURRENT,
        marks=(*PROFILE.codes.marks, CodeNames(frozenset({"*", "7"}), RecordKind.REMARK)),
    ),
)


@pytest.mark.parametrize(
    ("points", "maximum", "text"),
    [
        ("8.50", "10", "8.5/10"), ("0", "5", "0/5"), ("12", "10.0", "12/10"), ("1E+1", "10", "10/10"),
        ("-1", "10", None),
        ("5", "0", None), ("5", None, None), (None, "5", None), ("NaN", "5", None), ("5", "NaN", None),
        ("1", "-1", None),
    ],
)  # fmt: skip
def test_points_are_shown_with_their_maximum_or_not_at_all(
    points: str | None, maximum: str | None, text: str | None
) -> None:
    def number(given: str | None) -> Decimal | None:
        return None if given is None else Decimal(given)

    assert points_texts([number(points)], [number(maximum)]).tolist() == [text]


@given(st.decimals(0, 9999, places=2), st.decimals("0.01", 9999, places=2))
def test_the_text_of_points_is_the_numbers_themselves(points: Decimal, maximum: Decimal) -> None:
    (text,) = points_texts([points], [maximum]).tolist()
    assert tuple(Decimal(part) for part in text.split("/")) == (points, maximum)


def fate(
    type_id: object, sign: object, points: object, maximum: object, *, profile: object = OWN
) -> tuple[str, object]:
    """Return "record" and the value of a mark, or the reason for which it is set aside."""
    result = to_reading(
        raw_journal(marks=[(1, 1, 1, type_id, None, AT, sign, points, maximum)], mark_types=[(405, "5"), ("*", "*")]),
        profile,
        school="0252",
        window=Window(date(2026, 9, 1), date(2027, 8, 31)),
        today=TODAY,
        timezone=ZoneInfo("Europe/Moscow"),
    )
    if len(result.records):
        return str(result.records["kind"].iloc[0]), result.records["value"].iloc[0]
    return str(result.set_aside["reason"].iloc[0]), None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((405, "A", 3, 5), ("current", "5")),
        (("*", None, None, None), ("remark", "*")),
        ((None, " A- ", None, None), ("current", "A-")),
        ((None, "A", 3, 5), ("current", "A")),
        ((None, None, "8.5", 10), ("current", "8.5/10")),
        ((None, None, None, None), ("unknown-mark-type", None)),
        ((None, None, 3, None), ("points-unclear", None)),
        ((None, None, "much", 5), ("unknown-mark-type", None)),
        ((None, b"\x98", None, None), ("undecodable-text", None)),
        ((None, "x" * 17, None, None), ("text-not-sendable", None)),
        ((None, None, "1234567.89", "1234567.89"), ("text-not-sendable", None)),
        (("?", "A", 3, 5), ("unknown-mark-type", None)),
    ],
)
def test_a_mark_is_worth_its_code_else_its_sign_else_its_points(given: tuple, expected: tuple[str, object]) -> None:
    assert fate(*given) == expected


def test_a_mark_without_a_code_is_unknown_where_the_profile_says_nothing_of_such() -> None:
    assert fate(None, "A", 3, 5, profile=PROFILE) == ("unknown-mark-type", None)


def test_names_of_codes_also_mean_whole_numbers() -> None:
    assert fate(7, None, None, None) == ("unknown-mark-type", None)  # the kind is known, the sign is not


def test_a_named_code_may_be_a_whole_number() -> None:
    meanings = (CodeNames(frozenset({"7", "x"}), RecordKind.REMARK),)
    assert kinds_of(np.array([7, 8]), meanings).tolist() == [KINDS.index(RecordKind.REMARK), NO_KIND]
