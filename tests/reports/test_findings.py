import csv
import io
import json
from collections import Counter
from collections.abc import Callable

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from journal.frames import FINDINGS
from journal.wording import Language
from mappings.findings import FindingCount
from mappings.reasons import CATALOGUE, RecordWarning, SetAsideReason, StudentWarning
from mappings.unmapped import Unmapped
from reports.findings import COLUMNS, PlaceCounts, as_csv, by_code, by_place, document, of_students
from reports.findings_table import table_of
from reports.reason_text import Fate, ReasonText
from reports.reasons import catalogue

FOUND = (
    FindingCount("birth-date-missing", "7Б", "", 2),
    FindingCount("class-transfer-missing", "5А", "12", 1_204),
    FindingCount("duplicate-mark", "5А", "12", 8),
    FindingCount("lesson-cancelled", "", "", 3),
    FindingCount("lesson-cancelled", "9В", "3", 5),
    FindingCount("of-a-later-version", "9В", "3", 1),
)
counts = st.builds(
    FindingCount, st.sampled_from([*CATALOGUE, "x"]), st.sampled_from(["", "5А", "5Б"]), st.sampled_from(["", "7"]),
    st.integers(1, 9),
)  # fmt: skip


def frame(*rows: tuple[object, ...]) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=list(FINDINGS.columns))
    texts = {name: made[name].astype("str") for name in made.columns if name != "date"}
    return FINDINGS.validate(made.assign(**texts, date=made["date"].astype("datetime64[s]")))


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


@given(st.lists(counts, max_size=8))
def test_counts_by_place_and_by_code_are_those_of_a_plain_loop(found: list[FindingCount]) -> None:
    errors: Counter[tuple[str, str]] = Counter()
    warnings: Counter[tuple[str, str]] = Counter()
    codes: Counter[str] = Counter()
    for one in found:
        codes[one.code] += one.count
        is_warning = one.code in {*map(str, RecordWarning), *map(str, StudentWarning)}
        (warnings if is_warning else errors)[one.class_name, one.teacher] += one.count
    places = by_place(found)
    assert {(one.class_name, one.teacher): (one.errors, one.warnings) for one in places} == {
        key: (errors[key], warnings[key]) for key in errors.keys() | warnings.keys()
    }
    assert list(places) == sorted(places, key=lambda one: (-one.errors, -one.warnings, one.class_name, one.teacher))
    assert by_code(found) == codes
    assert dict(of_students(found)) == {code: n for code, n in codes.items() if code in set(map(str, StudentWarning))}
    told = document(found)
    assert {one["code"]: one["count"] for one in told} == codes
    assert json.loads(json.dumps(told)) == told


def test_errors_come_first_and_a_code_of_a_later_version_is_one() -> None:
    assert list(by_code(FOUND)) == [
        "duplicate-mark", "lesson-cancelled", "of-a-later-version", "class-transfer-missing", "birth-date-missing",
    ]  # fmt: skip
    assert by_place(FOUND)[:2] == (PlaceCounts("5А", "12", 8, 1_204), PlaceCounts("9В", "3", 6, 0))


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("width", [80, 120])
def test_a_schools_findings_on_a_terminal(golden: Callable[[str, str], None], language: Language, width: int) -> None:
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        codes = (Unmapped("marks", "431", 1_023), Unmapped("periods", "=[b]", 2))
        console.print(table_of("0252 ГБОУ СОШ № 252", 61_219, FOUND, language, catalogue(), unmapped=codes))
        console.print(table_of("0017 [b]", 0, (), language, catalogue()))
    text = "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())
    assert max(cell_len(line) for line in text.splitlines()) <= width
    if width == 120:
        golden(f"findings.{language}.txt", text)


def test_the_table_has_a_line_a_finding_without_names() -> None:
    content = as_csv(
        {
            "0252": frame(
                ("duplicate-mark", "mark:7", "1017", "4", "5А", "12", "2026-10-01"),
                ("birth-date-missing", None, "1018", None, "7Б", None, None),
            ),
            "0017": frame(),
        }
    )
    assert content.startswith("\ufeff".encode())
    assert read(content) == [
        list(COLUMNS),
        ["0252", "duplicate-mark", "error", "mark:7", "1017", "4", "5А", "12", "2026-10-01"],
        ["0252", "birth-date-missing", "warning", "", "1018", "", "7Б", "", ""],
    ]


@given(st.sampled_from("=+-@\t\r"), st.text(max_size=4))
def test_a_field_that_a_spreadsheet_would_take_for_a_formula_is_a_text(sign: str, rest: str) -> None:
    evil = sign + rest.replace("\x00", "")
    (_, line) = read(as_csv({"0252": frame(("future-date", evil, evil, evil, evil, evil, None))}))
    assert line[3:8] == [f"'{evil}"] * 5


def test_every_code_of_the_catalogue_is_explained_where_it_is_shown() -> None:
    words = catalogue()
    fates = {SetAsideReason: Fate.SET_ASIDE, RecordWarning: Fate.WARNING, StudentWarning: Fate.STUDENT}
    for codes, fate in fates.items():
        for code in codes:
            text = words[fate][str(code)]
            assert isinstance(text, ReasonText)
            assert (text.title, text.remedy) == (CATALOGUE[str(code)].meaning, CATALOGUE[str(code)].remedy)
