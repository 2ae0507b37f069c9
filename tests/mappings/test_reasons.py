"""Every reason and warning is explained in both languages."""

import pytest

from mappings.reasons import MEANINGS, TAKES_BACK, FindingCode, RecordWarning, SetAsideReason, StudentWarning


@pytest.mark.parametrize("code", [*SetAsideReason, *RecordWarning, *StudentWarning])
def test_each_code_has_a_meaning_and_a_remedy_in_both_languages(code: FindingCode) -> None:
    for wording in MEANINGS[code]:
        assert wording.ru
        assert wording.en
        assert wording.ru != wording.en


def test_reasons_that_take_a_record_back_come_before_all_others() -> None:
    order = [str(reason) for reason in SetAsideReason]
    assert set(order[: len(TAKES_BACK)]) == TAKES_BACK
