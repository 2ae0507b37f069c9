"""How the printed forms lie on their pages, and their code as a scanner sees it."""

import re
from dataclasses import replace

import pytest
from fakes.form_reading import MM, boxes_of, modules_of, opened, rendered, words
from fakes.form_samples import KNOWN, LONGEST, REFERENCE, TEXT, UNKNOWN
from oracle.qr_oracle import read_code

from reports.forms import FormData, FormKind
from reports.forms.printing import PAGES

ANY_KIND = pytest.mark.parametrize("kind", list(FormKind))
A4 = (210 * MM, 297 * MM)
LEFT, RIGHT = 20 * MM, A4[0] - 15 * MM


@pytest.mark.parametrize("data", [KNOWN, UNKNOWN, LONGEST], ids=["plain", "blank", "longest"])
@ANY_KIND
def test_pages_are_a4_and_as_many_as_allowed(kind: FormKind, data: FormData) -> None:
    pages = list(opened(rendered(kind, data)))
    assert 1 <= len(pages) <= PAGES[kind]
    for page in pages:
        assert page.get_size() == pytest.approx(A4, abs=0.1)


@pytest.mark.parametrize("data", [KNOWN, UNKNOWN, LONGEST], ids=["plain", "blank", "longest"])
@ANY_KIND
def test_nothing_runs_over_the_margins(kind: FormKind, data: FormData) -> None:
    for page in opened(rendered(kind, data)):
        shown = boxes_of(page)
        assert min(box[0] for box in shown) >= LEFT - 1
        assert max(box[2] for box in shown) <= RIGHT + 1
        assert min(box[1] for box in shown) >= 8 * MM


def test_a_word_without_an_end_is_broken() -> None:
    endless = replace(KNOWN, school_name="Щ" * 200, processor_name="Ы" * 200)
    for kind in FormKind:
        for page in opened(rendered(kind, endless)):
            assert max(box[2] for box in boxes_of(page)) <= RIGHT + 1


@pytest.mark.parametrize("lines", range(30, 46, 3))
def test_a_signature_stands_on_the_page_of_what_is_signed(lines: int) -> None:
    text = replace(TEXT, body=tuple(f"Условие {n}. Слова, слова, слова." for n in range(lines)))
    pages = [
        page.get_textpage().get_text_range() for page in opened(rendered(FormKind.CONSENT, replace(KNOWN, text=text)))
    ]
    (signed,) = (page for page in pages if "расшифровка подписи" in page)
    assert f"Условие {lines - 1}." in signed
    assert re.search(r"20\s*г\.", signed)


@pytest.mark.parametrize("reference", [REFERENCE, "0000-0000-0000", "ZZZZ-ZZZZ-ZZZZ", "A"])
@ANY_KIND
def test_the_code_reads_as_the_reference(kind: FormKind, reference: str) -> None:
    pdf = rendered(kind, replace(KNOWN, reference=reference))
    assert read_code(modules_of(pdf)) == reference
    assert reference in words(pdf)
