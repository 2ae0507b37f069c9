"""The forms that an entry's fields have, and how each is checked, written and read.

Rules. A field's annotation names its shape: `Annotated[str, Text(...)]`. A shape admits only what its kind of
field may hold, so a name or a sentence in the place of an id is refused when the entry is made. Numbers are
whole and within ±(2^53 - 1), keys are ASCII: within these bounds `json.dumps` with sorted keys writes the very
bytes of RFC 8785 (a test holds it to an independent implementation). Errors name the field, never its value.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Protocol, cast, get_args, get_type_hints

from audit.errors import EntryError

LARGEST_NUMBER = 2**53 - 1

Json = bool | int | str | list["Json"] | dict[str, "Json"]


class MisfitError(Exception):
    """A value that a shape doesn't admit; whoever knows the field's name says so."""


class Shape(Protocol):
    """What a field may hold; `check` and `read` raise MisfitError."""

    def check(self, value: object) -> None:
        """Refuse a value that may not stand in the field."""
        ...

    def plain(self, value: object) -> Json:
        """Return a checked value in its JSON form."""
        ...

    def read(self, plain: Json) -> object:
        """Return the value that a JSON form stands for; it is still to be checked."""
        ...


class _AsItIs:
    """A value that is its own JSON form."""

    def plain(self, value: object) -> Json:
        return cast("Json", value)

    def read(self, plain: Json) -> object:
        return plain


class Text(_AsItIs):
    """A text of one closed alphabet: ASCII without quotes, backslashes and control characters."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.admits = re.compile(pattern).fullmatch

    def check(self, value: object) -> None:
        """Refuse anything but a text of the pattern."""
        if not isinstance(value, str) or not self.admits(value):
            raise MisfitError


class Choice(_AsItIs):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = frozenset(words)

    def check(self, value: object) -> None:
        """Refuse any other word."""
        if not isinstance(value, str) or value not in self.words:
            raise MisfitError


class Flag(_AsItIs):
    """True or false."""

    def check(self, value: object) -> None:
        """Refuse anything else, 0 and 1 included."""
        if not isinstance(value, bool):
            raise MisfitError


class Number(_AsItIs):
    """A whole number from `least` to the largest that JSON keeps exactly."""

    def __init__(self, least: int) -> None:
        self.least = least

    def check(self, value: object) -> None:
        """Refuse a number out of range; True is no number."""
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= LARGEST_NUMBER:
            raise MisfitError


class Instant:
    """An aware moment; written in UTC with microseconds."""

    _WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", re.ASCII)

    def check(self, value: object) -> None:
        """Refuse a naive moment and one that UTC has no date for."""
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise MisfitError
        try:
            value.astimezone(UTC)
        except OverflowError:  # the first and last day of the calendar
            raise MisfitError from None

    def plain(self, value: object) -> Json:
        """Return RFC 3339 text."""
        moment = cast("datetime", value).astimezone(UTC)
        return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"

    def read(self, plain: Json) -> object:
        """Return the moment in UTC."""
        if not isinstance(plain, str) or not self._WRITTEN.fullmatch(plain):
            raise MisfitError
        try:
            return datetime.fromisoformat(plain)
        except ValueError:
            raise MisfitError from None


class Several:
    """A tuple of parts of one class."""

    def __init__(self, part: type["Checked"]) -> None:
        self.part = part

    def check(self, value: object) -> None:
        """Refuse anything but a tuple of such parts; a part was checked when it was made."""
        if not isinstance(value, tuple) or not all(type(item) is self.part for item in value):
            raise MisfitError

    def plain(self, value: object) -> Json:
        """Return the parts as objects."""
        return [item.plain() for item in cast("tuple[Checked, ...]", value)]

    def read(self, plain: Json) -> object:
        """Return the parts."""
        if not isinstance(plain, list):
            raise MisfitError
        return tuple(read_fields(self.part, item) for item in plain)


class Counts:
    """Numbers under words, some of them divided once more: {"read": 5, "withheld": {"restricted": 1}}."""

    def __init__(self, word: Text) -> None:
        self._word = word
        self._number = Number(0)

    def check(self, value: object) -> None:
        """Refuse any other nesting, word or number."""
        self._check(value, nested=True)

    def _check(self, value: object, *, nested: bool) -> None:
        if not isinstance(value, Mapping):
            raise MisfitError
        for word, count in value.items():
            self._word.check(word)
            if nested and isinstance(count, Mapping):
                self._check(count, nested=False)
            else:
                self._number.check(count)

    def plain(self, value: object) -> Json:
        """Return plain dicts."""
        counts = cast("Mapping[str, int | Mapping[str, int]]", value)
        return {word: dict(count) if isinstance(count, Mapping) else count for word, count in counts.items()}

    def read(self, plain: Json) -> object:
        """Return the numbers as they stand."""
        return plain


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One field of a class: its name, its shape, and whether it may be missing (None)."""

    name: str
    shape: Shape
    optional: bool
    required: bool


class FieldShapes:
    """The fields of one class, read from its annotations."""

    __slots__ = ("by_name", "checks", "forms", "required")

    def __init__(self, cls: type["Checked"]) -> None:
        self.by_name = {field.name: field for field in _annotated_shapes(cls)}
        self.checks = tuple((field.name, field.optional, field.shape.check) for field in self.by_name.values())
        self.forms = tuple(
            (field.name, None if isinstance(field.shape, _AsItIs) else field.shape.plain)
            for field in self.by_name.values()
        )
        self.required = frozenset(field.name for field in self.by_name.values() if field.required)


_SHAPES: dict[type["Checked"], FieldShapes] = {}


def field_shapes(cls: type["Checked"]) -> FieldShapes:
    """Return the fields of a class; its annotations are read once."""
    known = _SHAPES.get(cls)
    if known is None:
        known = _SHAPES[cls] = FieldShapes(cls)
    return known


def _annotated_shapes(cls: type["Checked"]) -> Iterator[FieldShape]:
    hints = get_type_hints(cls, include_extras=True)
    for field in fields(cls):
        hint: Any = hints[field.name]
        optional = not hasattr(hint, "__metadata__")  # then it is `Annotated[...] | None`
        if optional:
            hint = get_args(hint)[0]
        required = field.default is MISSING
        yield FieldShape(field.name, hint.__metadata__[0], optional, required)


@dataclass(frozen=True, slots=True)
class Checked:
    """A value whose fields are checked against their shapes when it is made. Raises EntryError."""

    def __post_init__(self) -> None:
        if self.surely_fits():
            return
        misfit = None
        for name, optional, check in field_shapes(type(self)).checks:
            value = getattr(self, name)
            if value is None and optional:
                continue
            try:
                check(value)
            except MisfitError:
                misfit = name
                break
        if misfit is not None:  # raised here, so that no chained exception holds the value
            raise field_error(type(self), misfit)

    def surely_fits(self) -> bool:
        """Tell whether all fields fit beyond doubt; False leaves it to their shapes."""
        return False

    def plain(self) -> dict[str, Json]:
        """Return the fields in their JSON form; one that is None is left out."""
        return plain_fields(self)


def field_error(cls: type[Checked], name: str) -> EntryError:
    """Return the error that names a field which doesn't fit."""
    return EntryError(
        f"Запись аудита {cls.__name__}: поле {name} содержит недопустимое значение. Запись не сделана.",
        f"Audit entry {cls.__name__}: the field {name} holds what it may not. The entry was not made.",
    )


def plain_fields(item: Checked) -> dict[str, Json]:
    """Return an item's fields in their JSON form; a field that is None is left out."""
    plain: dict[str, Json] = {}
    for name, form in field_shapes(type(item)).forms:
        value = getattr(item, name)
        if value is not None:
            plain[name] = value if form is None else form(value)
    return plain


def read_fields(cls: type[Checked], plain: Json, beside: frozenset[str] = frozenset()) -> Checked:
    """Return the item that a JSON object stands for; `beside` names keys that are no fields of it.

    Raises MisfitError for an unknown or missing key, EntryError for a field that doesn't fit.
    """
    if not isinstance(plain, dict):
        raise MisfitError
    shapes = field_shapes(cls)
    given = plain.keys() - beside
    if not shapes.required <= given <= shapes.by_name.keys():
        raise MisfitError
    return cls(**{name: shapes.by_name[name].shape.read(plain[name]) for name in given})
