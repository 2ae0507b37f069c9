"""One read-only snapshot of a school's database, whatever drives it.

Rules. All queries of one reading go through one transaction that sees one state of the database and is not
allowed to write, where the database can be told so. Whoever opens a snapshot closes it. A query's columns
must bear the names that `mappings.raw` declares, in any order; nothing is reflected or guessed.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol, TypeAlias

import numpy as np
import pandas as pd

from connectors.school import refusals
from connectors.school.columns import Column, unreadable_column
from connectors.school.gathering import BATCH_ROWS, Gathered
from journal.school import Window
from journal.wording import BridgeError
from mappings.profile import ParameterStyle, Profile, Statement
from mappings.raw import RawTable

CHUNK_ROWS = 10_000
Bound: TypeAlias = date | str | int
"""What a query's parameter may be."""


Catalogue: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]
"""Tables by name: the name and the type of each column."""


class Progress(Protocol):
    """Told after each chunk how many rows of a query have been read so far."""

    def __call__(self, query: str, rows: int) -> None:
        """Take note; called from the thread that reads."""
        ...


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """What is known of an open snapshot: the product, the SQL dialect, whether writing is forbidden to it.

    `one_state` is whether all its queries see one state of the database: False where the database can't, or
    doesn't say. `numbered_since`: from when on each row bears the number of the transaction that wrote it, numbers
    that only grow: since the database was made or restored; None where it doesn't number rows.
    """

    product: str
    dialect: str
    style: ParameterStyle
    read_only: bool
    one_state: bool = False
    numbered_since: datetime | None = None


class Driver(Protocol):
    """What the kinds of databases differ in. All methods raise the driver's own errors."""

    facts: SnapshotFacts
    described: dict[str, tuple[str, ...]]
    """The columns that each query returned, once it was run: name and type as the database describes them."""

    def chunks(
        self, table: RawTable, statement: Statement, values: Sequence[Bound], size: int
    ) -> Iterator[dict[str, Column]]:
        """Run the query and yield its rows as typed columns, `size` rows at a time.

        The query's columns are checked first: ColumnsDifferError.
        """
        ...

    def refusal(self, error: Exception, school: str, profile: str, query: str, words: frozenset[str]) -> BridgeError:
        """Say in words for people what an error of this driver means."""
        ...

    def tables(self) -> "Catalogue":
        """Return the tables and views that may be read, with their columns' names and types as the database says."""
        ...

    def close(self) -> None:
        """End the transaction and close the connection; never raises."""
        ...


class ColumnsDifferError(Exception):
    """A query returns other columns than its table declares."""


@dataclass(slots=True)
class Snapshot(AbstractContextManager["Snapshot"]):
    """An open snapshot of the database of `school`; `numbered`: what its rows are numbered by may be relied upon."""

    school: str
    driver: Driver = field(repr=False)
    numbered: bool = False

    @property
    def facts(self) -> SnapshotFacts:
        """What is known of it."""
        return self.driver.facts

    def read(
        self,
        table: RawTable,
        profile: Profile,
        window: Window | None = None,
        progress: Progress | None = None,
        journals: Sequence[int] | None = None,
    ) -> pd.DataFrame:
        """Return the rows of one of the profile's queries as a frame of `mappings.raw`'s types.

        `journals`: of these journals alone, where the query can be asked so.

        Raises BridgeError `school-schema-differs`, `school-not-permitted`, `school-unreachable` or
        `school-reading-failed`.
        """
        parts = list(self._chunks(table, profile, window, progress, journals=journals))
        if not parts:
            return table.empty()
        columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in table.columns}
        if column := unreadable_column(columns, table.columns):
            raise refusals.type_differs(self.school, profile.name, table.name, column)
        return table.frame(columns)

    def first_rows(self, table: RawTable, profile: Profile, window: Window | None = None) -> None:
        """Run one of the profile's queries as far as its first rows, to see that it can be run. Raises as `read`."""
        chunks = self._chunks(table, profile, window, None, size=1)
        next(chunks, None)
        chunks.close()

    def _chunks(
        self,
        table: RawTable,
        profile: Profile,
        window: Window | None,
        progress: Progress | None,
        *,
        size: int = CHUNK_ROWS,
        journals: Sequence[int] | None = None,
    ) -> Generator[dict[str, Column]]:
        asked = None if journals is None else len(journals)
        facts = self.facts
        statement = profile.statement(table.name, facts.dialect, facts.style, asked, numbered=self.numbered)
        values: dict[str, Bound] = {"school": self.school}
        values |= {f"journal_{number}": journal for number, journal in enumerate(journals or ())}
        if window:
            values |= {"first": window.first, "last": window.last}
        chunks = self.driver.chunks(table, statement, [values[name] for name in statement.parameters], size)
        rows = 0
        words = profile.queries[table.name].words()

        def refusal(error: Exception) -> BridgeError:
            if isinstance(error, ColumnsDifferError):
                return refusals.columns_differ(self.school, profile.name, table.name, ", ".join(table.columns))
            return self.driver.refusal(error, self.school, profile.name, table.name, words)

        while chunk := refusals.guarded(lambda: next(chunks, None), refusal):
            rows += len(next(iter(chunk.values())))
            if progress:
                progress(table.name, rows)
            yield chunk

    def __exit__(self, *_exception: object) -> None:
        """Close the snapshot."""
        self.driver.close()


def places(table: RawTable, names: Sequence[str]) -> list[int | None]:
    """Return where each of the table's columns stands among a result's; None for an optional one that is not there.

    Raises ColumnsDifferError where a needed column is missing, one stands twice, or one is no column of the table.
    """
    found = [name.strip().lower() for name in names]
    if len(set(found)) < len(found) or not set(table.required) <= set(found) <= set(table.columns):
        raise ColumnsDifferError
    return [found.index(name) if name in found else None for name in table.columns]


def described(description: Sequence[Sequence[object]] | None) -> tuple[str, ...]:
    """Return a DB-API cursor's columns as texts: name, type, size, precision and scale, as far as a driver tells."""
    return tuple(sorted(" ".join(map(str, (item[0], item[1], *item[3:6]))).lower() for item in description or ()))


def row_chunks(
    table: RawTable, names: Sequence[str], fetch: "Fetch", size: int, at_once: int = BATCH_ROWS
) -> Iterator[dict[str, Column]]:
    """Yield a DB-API cursor's rows as typed columns, `at_once` asked of it each time. Raises ColumnsDifferError."""
    order = places(table, names)
    more = True
    while more:
        found = Gathered(table.columns, order)
        while found.rows < size and (more := bool(rows := fetch(min(at_once, size - found.rows)))):
            found.add(rows)
        if found.rows:
            yield found.columns()


class Fetch(Protocol):
    """A DB-API cursor's fetchmany."""

    def __call__(self, size: int, /) -> Sequence[Sequence[object]]:
        """Return up to `size` rows."""
        ...
