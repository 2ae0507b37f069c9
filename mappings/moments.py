"""The school's local times as instants.

Rules. A time that the clock showed twice is its first showing; one that the clock skipped moves forward by
the length of the gap (both as `datetime.fold` 0 has it). Seconds are kept, fractions are not. A time before
1970 or after 2099 is a fault of the server's clock and becomes no instant.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from mappings.lookup import BoolArray, DayArray

_FIRST = np.datetime64("1970-01-01", "s")
_END = np.datetime64("2100-01-01", "s")
_SLOT = 15 * 60  # seconds: within a quarter of an hour, counted on the local clock, no zone's offset changes


def believable(local: DayArray) -> BoolArray:
    """Tell which local times a clock may have shown; no time is none."""
    return (local >= _FIRST) & (local < _END)


def to_instants(local: DayArray, zone: ZoneInfo) -> tuple[DayArray, BoolArray]:
    """Return the UTC instants (without zone) of local times, and which times were out of range."""
    given = ~np.isnat(local)
    outside = given & ~believable(local)
    usable = given & ~outside
    seconds: npt.NDArray[np.int64] = local[usable].astype("datetime64[s]").astype(np.int64)
    slots, place = np.unique(seconds // _SLOT, return_inverse=True)
    offsets = np.array([_offset(slot * _SLOT, zone) for slot in slots.tolist()], np.int64)
    instants = np.full(len(local), np.datetime64("NaT"), "datetime64[s]")
    instants[usable] = (seconds - offsets[place]).astype("datetime64[s]")
    return instants, outside


def _offset(seconds: int, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=zone)
    offset = local.utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
