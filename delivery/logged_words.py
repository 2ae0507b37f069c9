"""The words by which the audit log says why something was taken back, where the exact one would betray whose it is.

Rules. That a student came of age says on which day they were born, and so would tell everybody with a list of birth
dates whose the entry is, also after an erasure. So the log has one word for all grounds that end by themselves on a
day (of age, term over, school left), in the counts of a run too; the portal, the ledger and the reports have the exact
one. Pure.
"""

from collections import Counter
from collections.abc import Mapping

from consent_registry.reasons import Reason

LAPSED = "lapsed"
_BY_ITSELF = frozenset(
    {
        str(Reason.CAME_OF_AGE),
        str(Reason.CONSENT_EXPIRED),
        str(Reason.GUARDIANSHIP_ENDED),
        str(Reason.STUDENT_LEFT),
        str(Reason.STUDENT_UNKNOWN),
    }
)


def logged_reason(word: str | None) -> str | None:
    """Return the log's word for a reason of the registry or of the portal."""
    return LAPSED if word in _BY_ITSELF else word


def logged_counts(by_reason: Mapping[str, int]) -> dict[str, int]:
    """Return counts by reason as the log has them."""
    counts: Counter[str] = Counter()
    for word, count in by_reason.items():
        counts[LAPSED if word in _BY_ITSELF else word] += count
    return dict(counts)
