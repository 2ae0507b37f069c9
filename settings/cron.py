"""Whether a schedule is one: the five fields of cron, as every scheduler reads them. Pure.

Rules. Minute, hour, day of month, month, day of week; each `*`, a number, a range, a list, with an optional
step; months and weekdays also by their English three letters; Sunday is 0 or 7. A schedule that can never come
(30 February) is wrong. Deliberately not here: extensions that not every scheduler has (seconds, `@daily`, `L`,
`#`, hashed and random fields), and when a schedule comes next (that is the scheduler's work).
Source: crontab(5).
"""

from dataclasses import dataclass

from journal.wording import Wording


@dataclass(frozen=True, slots=True)
class _Field:
    name: Wording
    first: int
    last: int
    words: tuple[str, ...] = ()


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_FIELDS = (
    _Field(Wording("минута", "minute"), 0, 59),
    _Field(Wording("час", "hour"), 0, 23),
    _Field(Wording("день месяца", "day of month"), 1, 31),
    _Field(Wording("месяц", "month"), 1, 12, _MONTHS),
    _Field(Wording("день недели", "day of week"), 0, 7, _WEEKDAYS),
)

_COUNT = Wording(
    ru="полей должно быть пять: минута, час, день месяца, месяц, день недели",
    en="there have to be five fields: minute, hour, day of month, month, day of week",
)
_NEVER = Wording(ru="такой день не наступит никогда", en="such a day never comes")


def schedule_problem(expression: str) -> Wording | None:
    """Say what is wrong with a cron expression; None when it is a schedule that comes."""
    parts = expression.split()
    if len(parts) != len(_FIELDS):
        return _COUNT
    values = []
    for field, part in zip(_FIELDS, parts, strict=True):
        admitted = _values(field, part)
        if not admitted:
            return Wording(
                ru=f"поле «{field.name.ru}»: от {field.first} до {field.last}",
                en=f"field “{field.name.en}”: {field.first} to {field.last}",
            )
        values.append(admitted)
    _, _, days, months, _ = values
    if parts[4] == "*" and min(days) > max(_LONGEST[month - 1] for month in months):
        return _NEVER
    return None


def _values(field: _Field, part: str) -> frozenset[int]:
    """Return the values that one field admits; empty when it can't be read."""
    admitted: set[int] = set()
    for item in part.split(","):
        span, slash, step_text = item.partition("/")
        first_text, dash, last_text = span.partition("-")
        if span == "*":
            first, last = field.first, field.last
        else:
            start = _value(field, first_text)
            end = _value(field, last_text) if dash else start
            if start is None or end is None:
                return frozenset()
            first, last = start, end if dash or not slash else field.last
        step = (int(step_text) if step_text.isascii() and step_text.isdigit() else 0) if slash else 1
        if first > last or not 1 <= step <= field.last:
            return frozenset()
        admitted.update(range(first, last + 1, step))
    return frozenset(admitted)


def _value(field: _Field, text: str) -> int | None:
    if text.isascii() and text.isdigit():
        return int(text) if field.first <= int(text) <= field.last else None
    return field.words.index(text.lower()) + field.first if text.lower() in field.words else None
