"""What the rules of consents are given can't be changed under them, and stays small: there are thousands of cases."""

import dataclasses
import inspect
from datetime import UTC, datetime
from types import ModuleType

import pytest

from consent_registry import decision, facts
from consent_registry.facts import CaseKey, Fact, FactKind, state_of


@pytest.mark.parametrize("module", [decision, facts])
def test_every_value_is_frozen_and_has_no_dictionary_of_its_own(module: ModuleType) -> None:
    values = [
        value
        for _, value in inspect.getmembers(module, dataclasses.is_dataclass)
        if inspect.isclass(value) and value.__module__ == module.__name__
    ]
    assert len(values) >= 3
    for value in values:
        assert value.__dataclass_params__.frozen, value
        assert "__slots__" in vars(value), value


def test_cases_share_the_kinds_that_they_have_in_common() -> None:
    start = datetime(2026, 9, 1, tzinfo=UTC)
    detail = {"consent_ref": "consent-1", "kinds": "current period"}
    consent = Fact(1, FactKind.CONSENT, start, start, "operator", detail)
    first, second = (
        state_of(CaseKey(number, "0252", "1017", f"pa-{number}", f"link-{number}"), [consent], start)
        for number in range(2)
    )
    assert first.kinds is second.kinds
