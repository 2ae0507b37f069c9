from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.texts.consent_content import WORDS, ConsentDocument, Content, missing_contents, to_confirm
from consent_registry.texts.consent_text import load_texts

TEXT = load_texts()["2025-09"]
SIGNED = date(2026, 9, 3)
WHOLE = ConsentDocument(frozenset(to_confirm(TEXT)), SIGNED)
OF_THE_TEXT = {
    Content.PURPOSE: "purpose",
    Content.DATA: "data",
    Content.ACTIONS: "actions",
    Content.METHODS: "methods",
    Content.TERM: "term",
    Content.WAY_OF_WITHDRAWAL: "way_of_withdrawal",
}
PROCESSOR = {Content.PROCESSOR_NAME: "processor_name", Content.PROCESSOR_ADDRESS: "processor_address"}
POINTS = {  # article 9, part 4: what each point demands
    1: ["student-name", "student-address", "student-document"],
    2: ["representative-name", "representative-address", "representative-document", "authority-document"],
    3: ["operator-name", "operator-address"],
    4: ["purpose"],
    5: ["data"],
    6: ["processor-name", "processor-address"],
    7: ["actions", "methods"],
    8: ["term", "way-of-withdrawal"],
    9: ["signature"],
}


def test_a_paper_that_has_all_of_it_lacks_nothing() -> None:
    assert missing_contents(WHOLE, TEXT) == []


def test_of_a_paper_of_which_nothing_is_known_all_but_the_text_is_missing() -> None:
    missing = missing_contents(ConsentDocument(frozenset(), None), TEXT)
    assert missing == [content for content in Content if content not in OF_THE_TEXT]
    assert tuple(missing) == to_confirm(TEXT)


@pytest.mark.parametrize("content", to_confirm(TEXT))
def test_each_content_that_is_not_confirmed_is_missing(content: Content) -> None:
    assert missing_contents(replace(WHOLE, confirmed=WHOLE.confirmed - {content}), TEXT) == [content]


def test_a_signature_without_its_day_is_none() -> None:
    assert missing_contents(replace(WHOLE, signed_on=None), TEXT) == [Content.SIGNATURE]


@pytest.mark.parametrize(("content", "place"), OF_THE_TEXT.items())
def test_what_the_text_lacks_nobody_can_confirm(content: Content, place: str) -> None:
    everything = replace(WHOLE, confirmed=frozenset(Content))
    unsaid = replace(TEXT, **{place: type(getattr(TEXT, place))()})
    unread = replace(TEXT, body=tuple(paragraph.replace(f"{{{place}}}", "") for paragraph in TEXT.body))
    assert missing_contents(everything, unsaid) == [content]
    assert missing_contents(everything, unread) == [content]


@pytest.mark.parametrize(("content", "place"), PROCESSOR.items())
def test_a_processor_stands_in_the_text_or_on_the_paper(content: Content, place: str) -> None:
    named = replace(TEXT, **{place: "ГБУ «Центр»"})
    unconfirmed = replace(WHOLE, confirmed=WHOLE.confirmed - {content})
    assert missing_contents(unconfirmed, TEXT) == [content]
    assert missing_contents(unconfirmed, named) == []
    assert content not in to_confirm(named)


@given(st.frozensets(st.sampled_from(Content)), st.none() | st.just(SIGNED))
def test_what_is_not_known_to_be_there_is_missing(confirmed: frozenset[Content], signed_on: date | None) -> None:
    there = set(confirmed) | set(OF_THE_TEXT)
    if signed_on is None:
        there.discard(Content.SIGNATURE)
    expected = [content for content in Content if content not in there]
    assert missing_contents(ConsentDocument(confirmed, signed_on), TEXT) == expected


def test_each_content_names_its_point_of_the_law_and_the_remedy() -> None:
    by_point: dict[int, list[str]] = {}
    for content in Content:
        words = WORDS[content]
        by_point.setdefault(words.point, []).append(str(content))
        assert words.meaning.ru.endswith(f"(152-ФЗ, статья 9, часть 4, пункт {words.point})")
        assert words.meaning.en.endswith(f"(152-ФЗ, article 9, part 4, point {words.point})")
        assert words.remedy.ru.strip()
        assert words.remedy.en.strip()
    assert {point: sorted(contents) for point, contents in by_point.items()} == {
        point: sorted(contents) for point, contents in POINTS.items()
    }
