"""What the log says of reasons: those that end by themselves on a day are one word, all others their own."""

import pytest

from consent_registry.reasons import Reason
from delivery.logged_words import LAPSED, logged_counts, logged_reason
from journal.vocabulary import EndReason, WithdrawReason

BY_ITSELF = {"came-of-age", "consent-expired", "guardianship-ended", "student-left", "student-unknown"}


@pytest.mark.parametrize("word", [*Reason, *WithdrawReason, *EndReason])
def test_a_reason_that_tells_a_birth_date_is_told_like_others_of_its_sort(word: str) -> None:
    assert logged_reason(str(word)) == (LAPSED if word in BY_ITSELF else str(word))


def test_counts_are_added_up_and_none_is_lost() -> None:
    assert logged_reason(None) is None
    counts = {"came-of-age": 3, "deleted": 2, "consent-expired": 4}
    assert logged_counts(counts) == {"lapsed": 7, "deleted": 2}
