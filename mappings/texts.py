"""Turns a raw text column into text that the portal's XML can carry, field by field.

Rules. A text comes as bytes in the profile's encoding, or as str where a database gives no bytes. Bytes that
the encoding doesn't know, and characters that XML 1.0 can't carry, make the field *spoilt*: it has no text,
and only that field suffers. A `line` is trimmed and its inner blanks are collapsed to one space; `prose` is
trimmed only. What is empty then is no text. Letters stay as the school wrote them: ё is not е, and a letter
written as two characters (и + U+0306) becomes the one that it is (й; Unicode form NFC).

Where a database took the school's bytes for another encoding (`misread_as`: cp1251 that was declared latin-1 comes
as «Àëãåáðà»), a text is first turned back into these bytes; one that can't be is spoilt.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from mappings.raw import SPOILT_TEXT

ObjectArray: TypeAlias = npt.NDArray[np.object_]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a school's bytes become text: `name` is theirs, `misread_as` the one that the database took them for."""

    name: str
    misread_as: str | None = None

    def decoded(self, raw: object) -> str | None:
        """Return a field's text; None where it can't be read or XML can't carry it."""
        text = self._text(raw)
        return None if text is None or _NOT_XML.search(text) else unicodedata.normalize("NFC", text)

    def _text(self, raw: object) -> str | None:
        if raw is SPOILT_TEXT:
            return None
        if isinstance(raw, str) and self.misread_as is not None:
            raw = _bytes_of(raw, self.misread_as)
            if raw is None:
                return None
        if isinstance(raw, str):
            return raw
        if not isinstance(raw, (bytes, bytearray, memoryview)):
            return str(raw)  # a database without column types gave a number where a text was asked for
        try:
            return bytes(raw).decode(self.name)
        except UnicodeDecodeError:
            return None


def _bytes_of(text: str, encoding: str) -> bytes | None:
    """Return the bytes that were taken for `text`; a place that `encoding` leaves empty is its own number."""
    found = bytearray()
    for letter in text:
        try:
            found += letter.encode(encoding)
        except UnicodeEncodeError:
            if ord(letter) > 0xFF:  # noqa: PLR2004  no byte
                return None
            found.append(ord(letter))
    return bytes(found)


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


def lines(raw: ObjectArray, encoding: Encoding) -> Texts:
    """Read a column of one-line texts: trimmed, inner blanks collapsed."""
    return _read(raw, encoding, _collapsed)


def prose(raw: ObjectArray, encoding: Encoding) -> Texts:
    """Read a column of free texts: trimmed, inner line breaks kept."""
    return _read(raw, encoding, str.strip)


def only(values: ObjectArray, chosen: BoolArray) -> ObjectArray:
    """Return the chosen texts, None in the place of the others."""
    result = np.full(len(values), None, object)
    result[chosen] = values[chosen]
    return result


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _read(raw: ObjectArray, encoding: Encoding, tidy: Callable[[str], str]) -> Texts:
    values = np.full(len(raw), None, object)
    spoilt = np.zeros(len(raw), bool)
    for place in np.flatnonzero(~pd.isna(raw)).tolist():
        text = encoding.decoded(raw[place])
        if text is None:
            spoilt[place] = True
        else:
            values[place] = tidy(text) or None
    return Texts(values, spoilt)
