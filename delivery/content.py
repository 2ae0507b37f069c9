"""Keyed digests of what a parent would read, so that the ledger can tell "changed" without keeping a mark.

Rule: two records have the same digest exactly when the portal would show the same. The key is derived from
the installation's master key; without it nobody can try out the few values that a mark can have.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

DIGEST_BYTES = 16
CONTENT_COLUMNS = ("kind", "subject", "date", "lesson_number", "value", "weight", "work", "comment", "entered_at")

# Neither sign can stand in a record's text: profiles let through only what XML admits.
_SEPARATOR = "\x1f"
_MISSING = "\x1e"


def _as_text(column: pd.Series) -> Iterable[str]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert(None)
    if column.dtype.kind == "M":
        moments: npt.NDArray[np.datetime64] = column.to_numpy()
        return [_MISSING if text == "NaT" else text for text in np.datetime_as_string(moments).tolist()]
    return column.astype(object).where(column.notna(), _MISSING).map(str).tolist()


def content_digests(records: pd.DataFrame, key: bytes) -> pd.Series:
    """Return the keyed BLAKE2b digest (16 bytes) of each record's content, aligned with `records`.

    `records` has the content columns of `journal.frames.RECORDS`.
    """
    columns = [_as_text(records[name]) for name in CONTENT_COLUMNS]
    blake2b = hashlib.blake2b
    digests = [
        blake2b(_SEPARATOR.join(fields).encode(), key=key, digest_size=DIGEST_BYTES).digest()
        for fields in zip(*columns, strict=True)
    ]
    return pd.Series(digests, index=records.index, dtype=object)
