"""What the printed forms say, read back from the PDF."""

import re
import textwrap
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from fakes.form_reading import rendered, solid, words
from fakes.form_samples import KNOWN, LONGEST, REFERENCE, TEXT, UNKNOWN
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.texts.consent_text import PLACES, load_texts
from journal.vocabulary import RecordKind, Relation
from journal.wording import BridgeError, Language
from reports.forms import FormData, FormKind, PersonLine
from reports.forms.places import Role, paragraphs
from reports.forms.words import KIND_WORDS, RELATION_WORDS, printable

ANY_KIND = pytest.mark.parametrize("kind", list(FormKind))


def without_feet(text: str) -> str:
    """A form's words without what stands at the foot of its pages: where a page ends is not their matter."""
    return re.sub(
        r"(Заявление|Согласие|Отзыв согласия)( [0-9A-Z-]+)?(, текст \S+)?, напечатано \S+ стр. \d из \d ?", "", text
    )


def golden_form(kind: FormKind, data: FormData) -> str:
    """A form's words, wrapped to be read; a blank is one blank however long and on how many lines."""
    return textwrap.fill(re.sub(r"_[_ ]*_", "__", without_feet(words(rendered(kind, data)))), 100) + "\n"


@ANY_KIND
def test_says_what_it_said(kind: FormKind, golden: Callable[[str, str], None]) -> None:
    golden(f"form-{kind}.txt", golden_form(kind, KNOWN))
    golden(f"form-{kind}-blank.txt", golden_form(kind, UNKNOWN))


@pytest.mark.parametrize("data", [KNOWN, LONGEST], ids=["plain", "longest"])
@ANY_KIND
def test_what_is_known_is_printed(kind: FormKind, data: FormData) -> None:
    text = solid(words(rendered(kind, data)))
    known = [REFERENCE, data.school_name, data.student.full_name, "28.02.2013", data.representative.full_name]
    known += {
        FormKind.APPLICATION: [data.class_name, data.email, data.authority_document],
        FormKind.WITHDRAWAL: [data.class_name, data.email, "04.09.2026"],
        FormKind.CONSENT: [
            data.school_address, data.processor_name, data.processor_address, data.authority_document, data.account,
            "попечитель", "текущие отметки", "с 03.09.2026 по 25.05.2027", "с 02.09.2026 по 31.08.2027",
        ],
    }[kind]  # fmt: skip
    assert [value for value in known if solid(value) not in text] == []


def test_every_place_of_a_text_can_be_filled() -> None:
    every = replace(TEXT, body=tuple(f"{{{place}}}" for place in sorted(PLACES)))
    for data in (KNOWN, UNKNOWN):
        assert all(paragraph.pieces for paragraph in paragraphs(every, data))


def test_addresses_and_documents_of_people_are_written_by_hand() -> None:
    personal = ("student_address", "student_document", "representative_address", "representative_document")
    by_hand = replace(TEXT, body=tuple(f"{{{place}}}" for place in personal))
    assert [piece.role for one in paragraphs(by_hand, KNOWN) for piece in one.pieces] == [Role.BLANK] * 4


def test_the_text_is_printed_word_by_word() -> None:
    text = load_texts()["2025-09"]
    printed = solid(without_feet(words(rendered(FormKind.CONSENT, replace(KNOWN, text=text)))))
    for paragraph in text.paragraphs(dict.fromkeys(PLACES, "\n")):
        for piece in paragraph.split("\n"):
            assert solid(piece) in printed


def test_a_place_holds_what_a_name_says_and_no_place_again() -> None:
    sly = replace(KNOWN, student=PersonLine("{relation}", "\ue000relation\ue001", ""))
    assert "Обучающийся: {relation} relation, родился" in words(rendered(FormKind.CONSENT, sly))


def test_kinds_and_days_unknown_are_left_to_the_parent() -> None:
    text = words(rendered(FormKind.CONSENT, UNKNOWN))
    assert all(word in text for word in KIND_WORDS.values())
    assert "×" not in text
    assert "родитель, усыновитель, опекун, попечитель: нужное подчеркнуть" in text


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 9, 1), date(2027, 8, 31), "с 01.09.2026 по 31.08.2027"),
        (date(2026, 9, 1), None, "с 01.09.2026 без конечной даты"),
        (None, date(2027, 8, 31), "с {day} по 31.08.2027"),
        (None, None, "с {day} по {day}"),
    ],
)
def test_days_from_and_to(first: date | None, last: date | None, said: str) -> None:
    spans = replace(TEXT, body=("{in_force_span}",))
    (paragraph,) = paragraphs(spans, replace(KNOWN, in_force_from=first, in_force_to=last))
    assert "".join("{day}" if one.role is Role.DATE else one.text for one in paragraph.pieces) == said


@pytest.mark.parametrize("relation", list(Relation))
def test_the_relation_is_ticked_alone(relation: Relation) -> None:
    text = words(rendered(FormKind.APPLICATION, replace(KNOWN, relation=relation)))
    assert re.findall(r"× (\w+)", text) == [RELATION_WORDS[relation]]


def test_all_kinds_and_relations_have_words() -> None:
    assert set(KIND_WORDS) == set(RecordKind)
    assert set(RELATION_WORDS) == set(Relation)


def test_a_text_too_long_for_two_pages_is_refused() -> None:
    endless = replace(KNOWN, text=replace(TEXT, body=("Слова, слова, слова. " * 50,) * 20))
    with pytest.raises(BridgeError) as refused:
        rendered(FormKind.CONSENT, endless)
    assert refused.value.code == "form-too-long"
    for language in Language:
        assert "2026-x" in refused.value.say(language)
        assert "Королёв" not in refused.value.say(language)


def test_a_consent_needs_its_text() -> None:
    with pytest.raises(ValueError, match="with its text"):
        rendered(FormKind.CONSENT, replace(KNOWN, text=None))


@pytest.mark.parametrize("reference", ["", "Королёв", "KOROLEV S", "a-1", "A--B", "-A", "A\n", "A" * 17, "2013.02.28"])
def test_a_reference_that_may_say_something_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match="capital Latin letters") as refused:
        replace(KNOWN, reference=reference)
    assert not reference.strip() or reference.strip() not in str(refused.value)


@ANY_KIND
def test_markup_in_a_name_is_shown_as_it_is(kind: FormKind) -> None:
    hostile = "</td><img src=http://127.0.0.1/x><script>1</script>&amp;{{7*7}}"
    data = replace(KNOWN, student=PersonLine(hostile, "", ""), school_name=hostile, representative=PersonLine(hostile))
    text = solid(words(rendered(kind, data)))
    assert text.count(solid(hostile)) == 3


def test_what_turns_the_reading_direction_is_left_out() -> None:
    data = replace(KNOWN, student=PersonLine("\u202eавонавИ", "Анна\u200b\x00\n", "Семёновна"))
    assert "авонавИ Анна Семёновна" in words(rendered(FormKind.APPLICATION, data))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ул. Мира, д. 14, кв. 5", "ул.~Мира, д.~14, кв.~5"),
        ("Школа №252 и № 17", "Школа №~252 и~№~17"),
        ("а и б с тем", "а~и~б~с~тем"),
        ("сад. Он в", "сад. Он в"),
    ],
)
def test_short_words_end_no_line(text: str, said: str) -> None:
    assert printable(text).replace("\N{NO-BREAK SPACE}", "~") == said


@given(st.text())
def test_printable_keeps_letters_and_drops_what_is_unseen(text: str) -> None:
    shown = printable(text)
    assert not [c for c in shown if unicodedata.category(c).startswith("C")]
    assert printable(shown) == shown
    bare, bare_shown = unicodedata.normalize("NFD", text), unicodedata.normalize("NFD", shown)
    assert [c for c in bare_shown if c.isalnum()] == [c for c in bare if c.isalnum()]
    assert "  " not in shown


def test_a_repr_shows_nothing_personal() -> None:
    said = repr(KNOWN) + repr(KNOWN.student) + repr(paragraphs(TEXT, KNOWN))
    assert REFERENCE in said
    assert not re.search(r"Королёв|Анна|2013|korolev|30912|17-р", said)
