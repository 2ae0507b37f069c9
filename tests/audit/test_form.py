"""A line that is recognised is one that is read: the fast way and the slow way never disagree to the wrong side."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import form
from audit.entry import KINDS, DisclosureIntended, Entry, HoldEvent, LinkIntended, Rejected, canonical, parse
from audit.errors import EntryError
from audit.form import surely_entry
from audit.shape import Checked, Choice, Counts, Flag, Instant, Number, Several, Shape, Text, field_shapes

ALL_CHARACTERS = [chr(code) for code in range(0x250)] + list("—Ёя٣￿")


def values(shape: Shape) -> st.SearchStrategy[object]:  # noqa: PLR0911  one a shape
    match shape:
        case Text():
            return st.from_regex(re.compile(shape.pattern), fullmatch=True)
        case Choice():
            return st.sampled_from(sorted(shape.words))
        case Flag():
            return st.booleans()
        case Number():
            return st.integers(shape.least, 2**53 - 1)
        case Instant():
            return st.datetimes(timezones=st.just(UTC))
        case Several():
            return st.lists(items(shape.part), max_size=3).map(tuple)
        case Counts():
            words = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,4}", fullmatch=True)
            return st.dictionaries(words, st.integers(0, 2**53 - 1), max_size=3)
    raise AssertionError(shape)


def items(cls: type[Checked]) -> st.SearchStrategy[Checked]:
    fields = {}
    for name, field in field_shapes(cls).by_name.items():
        made = values(field.shape)
        fields[name] = st.none() | made if field.optional else made
    return st.builds(cls, **fields)


ENTRIES = st.one_of([items(cls) for cls in KINDS.values()])


def is_read(line: bytes) -> bool:
    try:
        parse(line)
    except EntryError:
        return False
    return True


def neighbours(line: bytes, chance: random.Random) -> Iterator[bytes]:
    """Lines that differ from a good one a little, most of them no entries."""
    for _ in range(30):
        at = chance.randrange(len(line))
        other = chance.choice([b"0", b"9", b'"', b"\\", b",", b" ", b"{", b"}", b"-", b"Z", b"\xd1\x91", b"\x00", b"e"])
        yield line[:at] + other + line[at + 1 :]
        yield line[:at] + other + line[at:]
        yield line[:at] + line[at + 1 :]
        start, end = sorted((at, chance.randrange(len(line))))
        yield line[:start] + line[end:]
        yield line[:end] + line[start:]
    numbers = [match.span() for match in re.finditer(rb"[0-9]+", line)]
    start, end = chance.choice(numbers)
    for number in (b"00", b"01", b"-1", b"1e3", b"1.0", b"13", b"24", b"29", b"30", b"31", b"60", b"9999999999999999"):
        yield line[:start] + number + line[end:]
    yield line.replace(b'"v":1', b'"v":2')
    yield line.replace(b'"kind":"', b'"kind":"x')
    yield b"[" + line + b"]"
    yield line + b"\n"


@settings(max_examples=150, deadline=None)
@given(entry=ENTRIES, chance=st.randoms(use_true_random=False))
def test_no_line_is_recognised_that_would_not_be_read(entry: Entry, chance: random.Random) -> None:
    line = canonical(entry)
    assert is_read(line)
    for other in neighbours(line, chance):
        assert not surely_entry(other) or is_read(other), other


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_the_bridge_mostly_writes_is_recognised(kind: str, make_intent: Callable[..., DisclosureIntended]) -> None:
    """Else the verification of a long log would be many times slower, and no other test would say so."""
    if any(
        isinstance(field.shape, Counts) and not field.optional for field in field_shapes(KINDS[kind]).by_name.values()
    ):
        return
    line = canonical(make_intent(7)) if kind == "disclosure-intended" else canonical(_plainest(KINDS[kind]))
    assert surely_entry(line), kind


def _plainest(cls: type[Entry]) -> Entry:
    plain: dict[str, object] = {}
    for name, field in field_shapes(cls).by_name.items():
        match field.shape:
            case Text():
                plain[name] = next(text for text in ("a" * 64, "a1", "1") if re.fullmatch(field.shape.pattern, text))
            case Choice():
                plain[name] = min(field.shape.words)
            case Flag():
                plain[name] = True
            case Number():
                plain[name] = field.shape.least
            case Instant():
                plain[name] = datetime(2028, 3, 31, 23, 59, 59, 1, tzinfo=UTC)
            case Several():
                plain[name] = ()
            case _:
                assert field.optional
    return cls(**plain)


def test_a_class_with_a_rule_of_its_own_and_unknown_shapes_are_left_to_be_read() -> None:
    @dataclass(frozen=True, slots=True)
    class Odd(Checked):
        number: Annotated[int, Number(1)]

        def __post_init__(self) -> None:
            Checked.__post_init__(self)

    @dataclass(frozen=True, slots=True)
    class Far(Checked):
        number: Annotated[int, Number(-5)]

    assert form._object(Odd, {}) is None  # noqa: SLF001  no kind has such a rule yet
    assert form._object(Far, {}) is None  # noqa: SLF001  likewise
    assert form._written(Several(Odd)) is None  # noqa: SLF001  likewise
    assert form._written(Text("ё")) is None  # noqa: SLF001  likewise


def test_every_text_of_an_entry_is_of_a_closed_alphabet() -> None:
    """A quote, a backslash, a control or a letter beyond ASCII is written otherwise than it stands."""
    seen = 0
    for cls in (*KINDS.values(), Rejected):
        for field in field_shapes(cls).by_name.values():
            if isinstance(field.shape, Text):
                pattern = re.compile(field.shape.pattern)
                seen += 1
                for char in ALL_CHARACTERS:
                    if not char.isascii() or char in '"\\' or ord(char) < 0x20 or ord(char) == 0x7F:
                        for text in (char, f"a{char}", f"{char}a", char * 64, "a" * 63 + char, "1" * 15 + char):
                            assert not pattern.fullmatch(text), (cls.__name__, field.name, char)
    assert seen > 20


def test_the_29th_of_february_and_counts_are_read(make_intent: Callable[..., DisclosureIntended]) -> None:
    leap = canonical(replace(make_intent(1), at=datetime(2028, 2, 29, tzinfo=UTC)))
    assert not surely_entry(leap)
    assert is_read(leap)
    assert not is_read(leap.replace(b"2028", b"2027"))
    counted = canonical(HoldEvent(at=make_intent(1).at, school="1", hold="h", event="made", counts={"b": 1, "a": 2}))
    assert not surely_entry(counted)
    assert is_read(counted)


def test_optional_fields_before_and_after_the_first_required_one() -> None:
    link = LinkIntended(
        at=datetime(2026, 1, 2, tzinfo=UTC),
        run="r",
        school="1",
        link="l",
        revision=1,
        action="put",
        account="5a" * 32,
        student="s",
        consent="c",
    )
    for entry in (
        link,
        replace(link, account=None),
        replace(link, student=None, consent=None),
        replace(link, reason="x"),
    ):
        assert surely_entry(canonical(entry))


def test_every_day_hour_and_minute_is_recognised_as_it_is_read(make_intent: Callable[..., DisclosureIntended]) -> None:
    line = canonical(make_intent(1))
    written = line[line.index(b'"at":"') + 6 :][:27]
    days = [f"2026-{month:02}-{day:02}T00:00:00" for month in range(14) for day in range(33)]
    times = [f"2026-01-01T{hour:02}:{minute:02}:{minute:02}" for hour in range(26) for minute in (0, 59, 60, 61)]
    for moment in (*days, *times, "0000-01-01T00:00:00", "2026-1-01T00:00:00"):
        other = line.replace(written, f"{moment}.000000Z".encode())
        assert bool(surely_entry(other)) == is_read(other), moment


@pytest.mark.parametrize("number", ["0", "-0", "1", "01", "9" * 15, "9" * 16, str(2**53 - 1), str(2**53), "1.0", "1e1"])
def test_a_number_is_recognised_only_where_it_is_read(
    number: str, make_intent: Callable[..., DisclosureIntended]
) -> None:
    other = canonical(make_intent(1)).replace(b'"parts":1', f'"parts":{number}'.encode())
    assert bool(surely_entry(other)) == (is_read(other) and len(number) < 16)
