"""Stores many rows by one statement, given as columns: SQLAlchemy's own way makes a dictionary of each row, twice.

Rules. Values are bound as the columns' types say, so what is stored is what SQLAlchemy would store. A column is as many
values as there are rows, or one value for all (`Same`). Nothing but the names of the project's own tables gets into a
statement's text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect


@dataclass(frozen=True, slots=True)
class Same:
    """The one value of a column in all rows."""

    value: object


AT_ONCE = 500
"""How many values a condition names: a database takes so many parameters at most."""


def in_parts(column: "sa.Column[str]", values: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """Return the conditions, to be asked one after the other, under which a column has any of these values."""
    return [column.in_(values[start : start + AT_ONCE]) for start in range(0, len(values), AT_ONCE)]


def insert_columns(connection: Connection, table: sa.Table, columns: Mapping[str, Sequence[object] | Same]) -> None:
    """Insert rows; at least one column is a sequence, and all of these are equally long. No rows: nothing happens."""
    dialect = connection.dialect
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    marks: list[str] = []
    bound: list[Iterable[object]] = []
    for name, values in columns.items():
        written = _bound(table.c[name], values, dialect)
        literal = _literal(written.value) if isinstance(written, Same) else None
        marks.append(literal or mark)
        if literal is None:
            bound.append(repeat(written.value) if isinstance(written, Same) else written)
    rows = list(zip(*bound, strict=False))
    if rows:
        said = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join(marks)})"  # noqa: S608  names of the project's own
        connection.exec_driver_sql(said, rows)


def _literal(value: object) -> str | None:
    """Write a value into the statement, which is cheaper than to bind it in each row; None for what is to be bound."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    return str(value) if isinstance(value, int) else None


def _bound(column: "sa.Column[object]", values: Sequence[object] | Same, dialect: Dialect) -> Sequence[object] | Same:
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    if process is None:
        return values
    if isinstance(values, Same):
        return Same(process(values.value))
    if isinstance(column.type, sa.Date):  # a school year has few days, so each is written once
        written = {day: process(day) for day in set(values)}
        return [written[day] for day in values]
    return [process(value) for value in values]
