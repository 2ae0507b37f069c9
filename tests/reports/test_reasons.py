import re
from itertools import chain
from pathlib import Path
from typing import get_args

import pytest

from consent_registry.reasons import Reason
from delivery.limits import Exceeded
from delivery.reconcile import DifferenceName
from journal.vocabulary import WithdrawReason
from journal.wording import Language, Wording
from mappings.reasons import RecordWarning, SetAsideReason, StudentWarning
from reports.auditor_phrases import AUDITOR_PHRASES
from reports.phrases import COUNTED, PHRASES, phrase
from reports.reason_text import Fate, Owner, ReasonText, explain
from reports.reasons import _OWNERS, catalogue

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
PACKAGE = Path(__file__).parents[2] / "reports"


def test_every_reason_of_every_room_is_explained() -> None:
    words = catalogue()
    assert set(words) == set(Fate)
    assert set(words[Fate.WITHHELD]) >= {str(reason) for reason in Reason}
    assert set(words[Fate.SET_ASIDE]) == {str(reason) for reason in SetAsideReason}
    assert set(words[Fate.WARNING]) == {str(warning) for warning in RecordWarning}
    assert set(words[Fate.STUDENT]) == {str(warning) for warning in StudentWarning}
    assert set(words[Fate.WITHDRAWN]) == {str(reason) for reason in WithdrawReason}
    assert set(words[Fate.LIMIT]) == set(get_args(Exceeded))
    assert set(words[Fate.DIFFERENCE]) == set(get_args(DifferenceName))


def test_someone_was_named_for_every_reason() -> None:
    assert set(_OWNERS[Fate.WITHHELD]) == {str(reason) for reason in Reason}
    assert set(_OWNERS[Fate.SET_ASIDE]) == {str(reason) for reason in SetAsideReason}
    assert set(_OWNERS[Fate.WARNING]) == {str(warning) for warning in RecordWarning}
    assert set(_OWNERS[Fate.STUDENT]) == {str(warning) for warning in StudentWarning}


def test_every_reason_is_worded_in_both_languages() -> None:
    for text in chain.from_iterable(texts.values() for texts in catalogue().values()):
        for wording in (text.title, text.meaning, text.remedy):
            if wording is not None:
                assert_both_languages(text.code, wording)


def test_every_sentence_stands_in_both_languages_with_the_same_places() -> None:
    for key, wording in {**PHRASES, **AUDITOR_PHRASES}.items():
        assert_both_languages(key, wording)
        assert places(wording.ru) == places(wording.en), key
    for key, counted in COUNTED.items():
        for form in counted.ru:
            assert CYRILLIC.search(form), key
        for form in (*counted.ru, *counted.en):
            assert places(form) == {"n"}, key


def test_an_unknown_code_is_shown_by_its_code() -> None:
    text = explain(catalogue(), Fate.SET_ASIDE, "born-tomorrow")
    assert text.code == "born-tomorrow"
    assert "born-tomorrow" in text.title.ru
    assert "born-tomorrow" in text.title.en
    assert text.owner is Owner.OPERATOR
    assert explain({}, Fate.LIMIT, "x").title.en == "Reason with the code “x”"


def test_one_code_may_mean_two_things() -> None:
    words = catalogue()
    withheld = explain(words, Fate.WITHHELD, "came-of-age")
    withdrawn = explain(words, Fate.WITHDRAWN, "came-of-age")
    assert isinstance(withheld, ReasonText)
    assert withheld != withdrawn


def test_no_key_is_without_use() -> None:
    """Each sentence is said somewhere: in a template or in the package, by its key or by a composed key."""
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (*PACKAGE.glob("*.py"), *PACKAGE.glob("templates/*"))
        if path.name not in {"phrases.py", "auditor_phrases.py"}
    )
    composed = (
        "source_",
        "owner_",
        "ask_",
        "said_",
        "outcome_",
        "state_",
        "severity_",
        "log_ok",
        "log_bad",
        "log_unchecked",
    )
    endings = ("_meaning", "_intro", "_short")
    fates = {"sent", "unchanged", "waiting", "withheld", "set_aside", "failed"}
    for key in (*PHRASES, *AUDITOR_PHRASES, *COUNTED):
        used = f'"{key}"' in sources or f"'{key}'" in sources
        assert used or key in fates or key.startswith(composed) or key.endswith(endings), key


def test_a_sentence_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        phrase("no-such-sentence", Language.RU)


def assert_both_languages(key: str, wording: Wording) -> None:
    assert CYRILLIC.search(wording.ru), key
    assert wording.en, key
    assert not CYRILLIC.search(wording.en), key


def places(sentence: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", sentence))
