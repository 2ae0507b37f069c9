"""Joins by position: where a key stands in a table, and whether a key's stays overlap given days.

Rules. A key that the table doesn't hold is at position len(table), where every dimension keeps a last row that
says nothing; so no join drops or doubles a fact. Of two rows with one key the first counts. A key that is null
or spoilt is equal to none, not even to another such. A stay without a first day that can be read, or whose last
day lies before its first or can't be read, covers no day; one without a last day is open. Keys are looked up a block
after another, so that what that takes besides the answer doesn't grow with a school's year.
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mappings.raw import SPOILT, SPOILT_TIME

IntArray: TypeAlias = npt.NDArray[np.int64]
DayArray: TypeAlias = npt.NDArray[np.datetime64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

BLOCK_KEYS = 65_536
_OPEN = np.datetime64("9999-12-31", "s")


class Lookup:
    """Finds the positions of keys in a table's key column."""

    def __init__(self, keys: IntArray) -> None:
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]
        self.size = len(keys)

    def positions(self, wanted: IntArray) -> IntArray:
        """Return for each wanted key its position in the table; `size` for a key that isn't there."""
        if not self.size:
            return np.zeros(len(wanted), np.int64)
        result = np.empty(len(wanted), np.int64)
        for block in _blocks(len(wanted)):
            some = wanted[block]
            inside = np.minimum(np.searchsorted(self._sorted, some), self.size - 1)
            found = (self._sorted[inside] == some) & (some > SPOILT)
            result[block] = np.where(found, self._order[inside], self.size)
        return result


class Stays:
    """Stays from a first to a last day, many for one key: enrolments of students, members of journals."""

    def __init__(self, keys: IntArray, first: DayArray, last: DayArray) -> None:
        last = np.where(np.isnat(last), _OPEN, last)
        real = ~np.isnat(first) & (first != SPOILT_TIME) & (keys > SPOILT)
        order = np.argsort(keys[real], kind="stable")
        self._keys, self._first, self._last = keys[real][order], first[real][order], last[real][order]

    def overlap(self, keys: IntArray, first: DayArray, last: DayArray) -> BoolArray:
        """Tell for each key whether one of its stays shares a day with `first` to `last`.

        Loops over the n-th stay of all keys at once, so it takes as many steps as one key has stays.
        A missing or reversed pair of days is shared by nothing.
        """
        result = np.zeros(len(keys), bool)
        for block in _blocks(len(keys)):
            result[block] = self._overlap(keys[block], first[block], last[block])
        return result

    def _overlap(self, keys: IntArray, first: DayArray, last: DayArray) -> BoolArray:
        place = np.searchsorted(self._keys, keys, side="left")
        end = np.searchsorted(self._keys, keys, side="right")
        result = np.zeros(len(keys), bool)
        asked = np.flatnonzero(~np.isnat(first) & ~np.isnat(last))
        while len(asked := asked[(place[asked] < end[asked]) & ~result[asked]]):
            stay = place[asked]
            common_first = np.maximum(first[asked], self._first[stay])
            common_last = np.minimum(last[asked], self._last[stay])
            result[asked] = common_first <= common_last
            place[asked] += 1
        return result


def _blocks(size: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK_KEYS) for start in range(0, size, BLOCK_KEYS))
