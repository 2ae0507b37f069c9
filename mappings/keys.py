"""Keys of any kind as integers, so that one way of joining serves every school system.

Rules. Where all columns of a domain (`mappings.raw.KEYS`) are whole numbers they stay as they are, at no cost.
Otherwise each distinct key gets a number: a key's text is what counts, trimmed of blanks at its end (a CHAR
column is padded with them), so that 7, 7.0 and "7" are one key; a number that is none (NaN) is spoilt; capitals
differ. A key that can't be read keeps its bytes as escapes: it names its own row and equals no readable key.
Null stays `NOTHING`, a spoilt key `SPOILT`; neither is ever equal to anything (`mappings.lookup`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from mappings.lookup import IntArray
from mappings.raw import KEYS, NOTHING, SPOILT, SPOILT_TEXT, RawJournal
from mappings.texts import ObjectArray

MISSING, SPOILT_KEY = "(null)", "(unreadable)"


@dataclass(frozen=True, slots=True)
class Keys:
    """The raw tables with integer keys; `texts` gives, for a domain that was renumbered, the key of each number."""

    raw: RawJournal
    texts: Mapping[str, ObjectArray]

    def text_of(self, domain: str, numbers: IntArray) -> ObjectArray:
        """Return the keys' texts; `MISSING` for null."""
        if domain not in self.texts:
            places, distinct = pd.factorize(numbers)
            return key_texts(np.asarray(distinct, np.int64), "ascii")[places]
        names = np.append(self.texts[domain], np.array([MISSING, SPOILT_KEY], object))
        size = len(names)
        return names[np.where(numbers == NOTHING, size - 2, np.where(numbers == SPOILT, size - 1, numbers))]


def as_integers(raw: RawJournal, encoding: str) -> Keys:
    """Return the raw tables, which may be some of a reading's alone, with every key column as integers."""
    frames = {name: frame.copy(deep=False) for name, frame in raw.items()}
    texts: dict[str, ObjectArray] = {}
    for domain, columns in KEYS.items():
        columns = tuple((table, column) for table, column in columns if table in frames)  # noqa: PLW2901  those read
        found = [frames[table][column].to_numpy() for table, column in columns]
        if all(values.dtype == np.int64 for values in found):
            continue
        written = [key_texts(values, encoding) for values in found]
        codes, names = pd.factorize(np.concatenate(written))
        texts[domain] = np.asarray(names, object)
        numbers = codes.astype(np.int64)
        for word, stands_for in ((MISSING, NOTHING), (SPOILT_KEY, SPOILT)):
            for gone in np.flatnonzero(texts[domain] == word).tolist():
                numbers[codes == gone] = stands_for
        start = 0
        for (table, column), values in zip(columns, found, strict=True):
            frames[table][column] = numbers[start : start + len(values)]
            start += len(values)
    return Keys(frames, texts)


def key_texts(values: np.ndarray, encoding: str) -> ObjectArray:
    """Return keys as texts; `MISSING` for null."""
    if values.dtype == np.int64:
        result = np.empty(len(values), object)
        result[:] = [str(value) for value in values.tolist()]
        result[values == NOTHING] = MISSING
        result[values == SPOILT] = SPOILT_KEY
        return result
    result = np.empty(len(values), object)
    result[:] = [_text(value, encoding) for value in values.tolist()]
    return result


def _text(value: object, encoding: str) -> str:
    if value is None or value == NOTHING:
        return MISSING
    if value is SPOILT_TEXT or value == SPOILT:
        return SPOILT_KEY
    if isinstance(value, (float, Decimal)):
        if not math.isfinite(value):
            return SPOILT_KEY
        value = int(value) if value == int(value) else value
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = bytes(value).decode(encoding, "backslashreplace")
    return str(value).rstrip(" ")
