"""Recognises lines that are entries beyond doubt, many times faster than reading them.

Rules. For every kind one regular expression is made from the shapes of its fields (`audit.shape`). It admits only
lines that `audit.entry.parse` reads, but not all of those: what it can't tell (counts, whose words stand in order;
numbers of sixteen digits; a class with a rule of its own) is for `parse` to judge. So whoever asks here first and
reads where the answer is no comes to the very verdict of `parse`. Pure; knows no kind by name.
"""

import re

from audit.entry import KINDS, VERSION
from audit.shape import Checked, Choice, Flag, Instant, Number, Several, Shape, Text, field_shapes

# Without the 29th of February, which is for `parse`.
_DAY = "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_INSTANT = rf'"[1-9][0-9]{{3}}-{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{6}}Z"'
_NUMBERS = {0: r"(?:0|[1-9][0-9]{0,14}+)", 1: r"[1-9][0-9]{0,14}+"}  # fifteen digits stay below 2^53


def _written(shape: Shape) -> str | None:  # noqa: PLR0911  one a shape
    """Return what a field's value looks like in a line, None where that can't be said by an expression."""
    match shape:
        case Text():
            return f'"(?:{shape.pattern})"' if shape.pattern.isascii() else None
        case Choice():
            return f'"(?:{"|".join(map(re.escape, sorted(shape.words)))})"'
        case Flag():
            return "(?:true|false)"
        case Number():
            return _NUMBERS.get(shape.least)
        case Instant():
            return _INSTANT
        case Several():
            part = _object(shape.part, {})
            return rf"\[(?:{part}(?:,{part})*+)?\]" if part is not None else None
        case _:
            return None


def _object(cls: type[Checked], beside: dict[str, str]) -> str | None:
    """Return what an object of the class looks like with the values of `beside` among its fields."""
    if cls.__post_init__ is not Checked.__post_init__:
        return None
    shapes = field_shapes(cls).by_name
    written = {name: _written(shape.shape) for name, shape in shapes.items()} | beside
    before, after, begun = "", "", False
    for name in sorted(written):
        value, optional = written[name], name in shapes and shapes[name].optional
        if value is None and optional:
            continue  # a line that has this field is for `parse`
        if value is None:
            return None
        if not begun and optional:
            before += f'(?:"{name}":{value},)?'
        else:
            after += f'(?:,"{name}":{value})?' if optional else f'{"," if begun else ""}"{name}":{value}'
            begun = True
    return rf"\{{{before}{after}\}}" if begun else None


def _kinds() -> re.Pattern[bytes]:
    forms = (_object(cls, {"kind": f'"{re.escape(kind)}"', "v": str(VERSION)}) for kind, cls in KINDS.items())
    return re.compile("|".join(form for form in forms if form is not None).encode("ascii"))


surely_entry = _kinds().fullmatch
