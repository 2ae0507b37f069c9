"""Which journals have changed since they were last seen, told by what the database counts of each.

Rules. A journal is read again when it was not there, is there no more, or any figure of it differs: the number of
its rows, the newest time of change, the sums of ids and codes. A figure that is missing on either side differs, for
unknown is changed. Equal figures are no proof: two changes can cancel each other out in the sums, so a full read
from time to time finds what this can't. Pure; deliberately not here: where what was seen is kept, and when all is
read anyway.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import pandas as pd

from mappings.keys import key_texts
from mappings.profile import Profile
from mappings.raw import FINGERPRINTS, NOTHING, SPOILT, SPOILT_TIME


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the database counts of one journal. `newest` is the school's local time; None where rows have none."""

    rows: int
    newest: datetime | None
    sum_of_ids: Decimal | None
    sum_of_codes: Decimal | None

    @property
    def whole(self) -> bool:
        """Tell whether every figure is there that must be."""
        return self.sum_of_ids is not None and self.sum_of_codes is not None


def fingerprints(table: pd.DataFrame, profile: Profile) -> dict[str, Fingerprint]:
    """Return the fingerprints of a raw table of `mappings.raw.FINGERPRINTS` by the journal's key."""
    rows = zip(
        key_texts(table["journal_id"].to_numpy(), profile.encoding).tolist(),
        table["rows"].tolist(),
        table["newest"].to_numpy("datetime64[s]").tolist(),
        table["sum_of_ids"].tolist(),
        table["sum_of_codes"].tolist(),
        strict=True,
    )
    never = SPOILT_TIME.item()
    return {
        journal: Fingerprint(
            rows=-1 if count in (NOTHING, SPOILT) else count,
            newest=None if newest == never else newest,
            sum_of_ids=_number(ids),
            sum_of_codes=_number(codes),
        )
        for journal, count, newest, ids, codes in rows
    }


def changed_journals(last_seen: Mapping[str, Fingerprint], now: Mapping[str, Fingerprint]) -> frozenset[str]:
    """Return the keys of the journals whose rows may differ from those last seen; journals that are gone too."""
    return frozenset(
        journal
        for journal in last_seen.keys() | now.keys()
        if (seen := last_seen.get(journal)) is None
        or (held := now.get(journal)) is None
        or seen != held
        or not held.whole
        or held.rows < 0
    )


def _number(value: Decimal | None) -> Decimal | None:
    return None if value is None or not value.is_finite() else value.normalize() + 0


__all__ = ["FINGERPRINTS", "Fingerprint", "changed_journals", "fingerprints"]
