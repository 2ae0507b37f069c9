"""What is passed on of a failure, and what is not."""

import pytest

from connectors.school import refusals
from connectors.school.refusals import guarded, quoted
from journal.wording import BridgeError

WORDS = frozenset({"MARK", "NOTE", "M"})


@pytest.mark.parametrize(
    ("message", "item"),
    [
        ("Dynamic SQL Error\n-SQL error code = -206\n-Column unknown\n-M.NOTE\n-At line 1", "M.NOTE"),
        ("-Table unknown\n-MARK\n-At line 1", "MARK"),
        ("no such table: MARK", "MARK"),
        ('relation "mark" does not exist', "MARK"),
        ("column m.note does not exist", "M.NOTE"),
        ("no permission for SELECT access to TABLE MARK", "MARK"),
        ("permission denied for table mark", "MARK"),
        ('conversion error from string "Ёлкина"', None),
        ("-Column unknown\n-YOLKINA", None),
        ("no such table: Ёлкина", None),
    ],
)
def test_only_words_of_the_query_itself_are_quoted(message: str, item: str | None) -> None:
    assert quoted(message, WORDS) == item


def test_a_failure_becomes_a_refusal_without_a_trace_of_it() -> None:
    def act() -> None:
        raise ValueError("Ёлкина")

    with pytest.raises(BridgeError) as caught:
        guarded(act, lambda error: refusals.unreachable("0252", type(error).__name__))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "Ёлкина" not in str(caught.value)


def test_a_refusal_passes_as_it_is() -> None:
    refused = refusals.code_differs("0252")

    def act() -> None:
        raise refused

    with pytest.raises(BridgeError) as caught:
        guarded(act, lambda _: refusals.unreachable("0252", "?"))
    assert caught.value is refused
