"""Two records have one digest exactly when the portal would show the same."""

from datetime import UTC, date, datetime

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from delivery.content import content_digests
from journal.frames import RECORD_COLUMNS, RECORDS

KEY = b"k" * 32
CHARACTERS = st.characters(min_codepoint=0x20, exclude_categories=["Cs"])  # what XML admits and profiles let through
TEXT = st.one_of(st.none(), st.text(CHARACTERS, max_size=3))

ROWS = st.fixed_dictionaries(
    {
        "source_key": st.just("mark:1"),
        "student_key": st.just("1"),
        "kind": st.sampled_from(["current", "absence"]),
        "subject": st.text(CHARACTERS, min_size=1, max_size=3),
        "date": st.dates(date(2026, 9, 1), date(2026, 9, 3)),
        "lesson_number": st.one_of(st.none(), st.integers(0, 2)),
        "value": TEXT,
        "weight": st.sampled_from([None, "1", "1.00"]),
        "work": TEXT,
        "comment": TEXT,
        "entered_at": st.sampled_from(
            [None, datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 1, 0, 0, 1, tzinfo=UTC)]
        ),
    }
)


def frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    data = pd.DataFrame(rows, columns=list(RECORD_COLUMNS))
    texts = dict.fromkeys(["source_key", "student_key", "kind", "subject", "value", "weight", "work", "comment"], "str")
    data = data.astype({**texts, "lesson_number": "Int16"})
    data["date"] = pd.to_datetime(data["date"]).astype("datetime64[s]")
    data["entered_at"] = pd.to_datetime(data["entered_at"], utc=True).astype("datetime64[s, UTC]")
    return data


@given(ROWS, ROWS)
def test_equal_exactly_when_the_content_is(left: dict[str, object], right: dict[str, object]) -> None:
    one, other = content_digests(frame([left, right]), KEY)
    assert (one == other) == (left == right)


def test_another_key_gives_another_digest() -> None:
    row = frame([{"source_key": "a", "student_key": "1", "kind": "current", "subject": "x", "date": date(2026, 9, 1)}])
    RECORDS.validate(row)
    assert content_digests(row, KEY)[0] != content_digests(row, b"j" * 32)[0]
    assert len(content_digests(row, KEY)[0]) == 16
