"""Turns a raw text column into text that the portal's XML can carry, field by field.

Rules. A text comes as bytes in the profile's encoding, or as str where a database gives no bytes. Bytes that
the encoding doesn't know, and characters that XML 1.0 can't carry, make the field *spoilt*: it has no text,
and only that field suffers. A `line` is trimmed and its inner blanks are collapsed to one space; `prose` is
trimmed only. What is empty then is no text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

ObjectArray: TypeAlias = npt.NDArray[np.object_]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of texts: `values` holds str or None, `spoilt` tells which fields could not be read."""

    values: ObjectArray
    spoilt: BoolArray

    def longer_than(self, limit: int) -> BoolArray:
        """Tell which texts have more than `limit` characters."""
        result = np.zeros(len(self.values), bool)
        held = np.flatnonzero(~pd.isna(self.values))
        result[held] = [len(text) > limit for text in self.values[held]]
        return result

    def missing(self) -> BoolArray:
        """Tell which fields have no text: null, empty or spoilt."""
        return np.asarray(pd.isna(self.values), bool)


def lines(raw: ObjectArray, encoding: str) -> Texts:
    """Read a column of one-line texts: trimmed, inner blanks collapsed."""
    return _read(raw, encoding, _collapsed)


def prose(raw: ObjectArray, encoding: str) -> Texts:
    """Read a column of free texts: trimmed, inner line breaks kept."""
    return _read(raw, encoding, str.strip)


def only(values: ObjectArray, chosen: BoolArray) -> ObjectArray:
    """Return the chosen texts, None in the place of the others."""
    result = np.full(len(values), None, object)
    result[chosen] = values[chosen]
    return result


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _read(raw: ObjectArray, encoding: str, tidy: Callable[[str], str]) -> Texts:
    values = np.full(len(raw), None, object)
    spoilt = np.zeros(len(raw), bool)
    for place in np.flatnonzero(~pd.isna(raw)).tolist():
        text = _decoded(raw[place], encoding)
        if text is None:
            spoilt[place] = True
        else:
            values[place] = tidy(text) or None
    return Texts(values, spoilt)


def _decoded(raw: object, encoding: str) -> str | None:
    """Return the field's text; None where it can't be read or XML can't carry it."""
    if isinstance(raw, str):
        text = raw
    elif isinstance(raw, (bytes, bytearray, memoryview)):
        try:
            text = bytes(raw).decode(encoding)
        except UnicodeDecodeError:
            return None
    else:  # a database without column types gave a number where a text was asked for
        text = str(raw)
    return None if _NOT_XML.search(text) else text
