"""docs/findings.md against the catalogue: every code with its words, in the order in which reasons are named.

GOLDEN=write in the environment writes the page's tables anew.
"""

import os
import re
from pathlib import Path

import pytest

from journal.wording import Language, Wording
from mappings.reasons import CATALOGUE, Severity
from reports.findings import COLUMNS

PATH = Path(__file__).parents[2] / "docs" / "findings.md"
HEADS = {
    Language.RU: ("код", "", "что найдено", "что сделать"),
    Language.EN: ("code", "", "what was found", "what to do"),
}
GRAVE = {
    Language.RU: {Severity.ERROR: "ошибка", Severity.WARNING: "замечание"},
    Language.EN: {Severity.ERROR: "error", Severity.WARNING: "warning"},
}


def table(language: Language) -> str:
    def said(wording: Wording) -> str:
        return wording.ru if language == Language.RU else wording.en

    rows = [
        (f"`{one.code}`", GRAVE[language][one.severity], said(one.meaning), said(one.remedy))
        for one in CATALOGUE.values()
    ]
    lines = [HEADS[language], ("---",) * 4, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@pytest.mark.parametrize("language", list(Language))
def test_the_page_has_the_catalogues_words(language: Language) -> None:
    page = PATH.read_text(encoding="utf-8")
    place = re.compile(rf"(?<=<!-- {language} -->\n).*?(?=<!-- /{language} -->)", re.DOTALL)
    if os.environ.get("GOLDEN") == "write":
        PATH.write_text(place.sub(lambda _: f"\n{table(language)}\n\n", page, count=1), encoding="utf-8")
    (found,) = place.findall(PATH.read_text(encoding="utf-8"))
    assert found.strip() == table(language)


def test_the_page_names_the_tables_columns() -> None:
    assert PATH.read_text(encoding="utf-8").count(f"({', '.join(COLUMNS)})") == 1
    assert f"({', '.join(COLUMNS)})" in " ".join(PATH.read_text(encoding="utf-8").split("## In English")[1].split())
