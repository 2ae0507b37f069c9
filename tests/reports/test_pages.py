"""The pages as files and as marked-up text: golden files, strict parsing, what an accessibility audit asks first."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from lxml import etree

from journal.wording import BridgeError, Language
from reports.pages import TEMPLATES, index_page, page_name, school_page, transfers_page, write_pages
from reports.school_view import SchoolPage
from reports.transfers import TransfersPage

if TYPE_CHECKING:
    from conftest import Cases

NAMES = {"0252": "ГБОУ СОШ № 252"}
SCHOOLS = (
    "done", "exceptions", "held", "broken-off", "unreadable", "dry-run", "unbalanced", "reconciled",
    "lessons-below", "lessons-reached", "lessons-not-kept", "lessons-held",
)  # fmt: skip
TRANSFERS = ("transfers", "transfers-damaged", "transfers-empty")
VOID = {"meta", "rect", "path", "circle", "br"}


def pages(cases: "Cases", language: Language = Language.RU) -> dict[str, str]:
    edition = cases.edition(language)
    made = {name: school_page(page, edition, index="index.html") for name, page in cases.schools.items()}
    made |= {n: transfers_page(page, NAMES, edition, index="index.html") for n, page in cases.transfers.items()}
    numbered = [
        replace(page, balance=replace(page.balance, school=f"{n:04}")) for n, page in enumerate(cases.schools.values())
    ]
    made["index"] = index_page(numbered, edition, transfers="transfers.html")
    made["index-empty"] = index_page((), edition)
    return made


def parsed(text: str) -> etree._Element:
    """Parse strictly: what isn't nested, closed or quoted properly is refused."""
    assert text.startswith("<!DOCTYPE html>\n")
    return etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False, no_network=True))


def texts(root: etree._Element, path: str) -> list[str]:
    return [re.sub(r"\s+", " ", "".join(map(str, one.itertext()))).strip() for one in elements(root, path)]


def elements(root: etree._Element, path: str) -> list[etree._Element]:
    return cast("list[etree._Element]", root.xpath(path))  # noqa: SLF001  lxml names the type so


@pytest.mark.parametrize("language", list(Language))
def test_every_page_is_as_its_golden_file(
    cases: "Cases", golden: Callable[[str, str], None], language: Language
) -> None:
    for name, text in pages(cases, language).items():
        golden(f"{name}.{language}.html", text.replace(styles(), "/* style.css */"))


def styles() -> str:
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*SCHOOLS, *TRANSFERS, "index", "index-empty"])
@pytest.mark.parametrize("language", list(Language))
def test_a_page_can_be_read_without_eyes(cases: "Cases", name: str, language: Language) -> None:
    root = parsed(pages(cases, language)[name])
    assert root.get("lang") == str(language)
    assert texts(root, "/html/head/title")[0]
    assert len(elements(root, "//h1")) == 1
    assert len(elements(root, "//main")) == 1
    levels = [int(one.tag[1]) for one in elements(root, "//*[self::h1 or self::h2 or self::h3]")]
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    ids = [one.get("id") for one in elements(root, "//*[@id]")]
    assert len(ids) == len(set(ids))
    for one in elements(root, "//*[@aria-labelledby]"):
        for label in (one.get("aria-labelledby") or "").split():
            assert texts(root, f"//*[@id='{label}']")[0], label
    for cell in elements(root, "//th"):
        assert cell.get("scope") in {"row", "col"}
    for picture in elements(root, "//svg[not(@aria-hidden)]"):
        assert picture.get("role") == "img"
        assert texts(picture, "title")[0]
        assert texts(picture, "desc")[0]
    assert elements(root, "/html/body/*")[0].get("href") == "#content", "the way past the heading comes first"
    for one in elements(root, "//body//*"):
        assert one.tag in VOID or len(one) or (one.text or "").strip() or one.tag == "td", etree.tostring(one)


@pytest.mark.parametrize("name", ["transfers", "index"])
def test_a_stacked_table_says_in_its_roles_that_it_is_one(cases: "Cases", name: str) -> None:
    """Some browsers forget a table's meaning when its style makes blocks of its rows, unless roles say it."""
    root = parsed(pages(cases)[name])
    tables = elements(root, "//table[contains(@class, 'stacked')]")
    assert tables
    roles = {"table": {"table"}, "tr": {"row"}, "td": {"cell"}, "th": {"columnheader", "rowheader"}}
    for part in elements(root, "//table[contains(@class, 'stacked')]/descendant-or-self::*"):
        if part.tag in roles:
            assert part.get("role") in roles[part.tag], etree.tostring(part)
        if part.tag == "td":
            assert part.get("data-label")


@pytest.mark.parametrize("name", [*SCHOOLS, *TRANSFERS, "index"])
def test_a_page_needs_nothing_from_elsewhere(cases: "Cases", name: str) -> None:
    text = pages(cases)[name]
    root = parsed(text)
    assert not elements(root, "//script | //link | //img | //iframe | //object | //form | //base")
    assert not elements(root, "//*[@style or @src or @onclick or @onload]")
    assert all(re.fullmatch(r"[\w.-]+\.html|#content", one.get("href") or "") for one in elements(root, "//*[@href]"))
    assert "url(" not in styles()
    assert "@import" not in styles()
    assert "http:" not in text
    assert "https:" not in text
    digest = base64.b64encode(hashlib.sha256(texts_of_style(root).encode()).digest()).decode()
    (policy,) = elements(root, "//meta[@http-equiv='Content-Security-Policy']")
    assert policy.get("content") == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def texts_of_style(root: etree._Element) -> str:
    (style,) = elements(root, "//style")
    return style.text or ""


def test_values_are_escaped(cases: "Cases") -> None:
    page = cases.schools["unreadable"]
    text = school_page(page, cases.edition())
    assert "Гимназия &lt;№ 17&gt; &amp; лицей" in text
    assert texts(parsed(text), "//h1") == ["Гимназия <№ 17> & лицей"]


def test_a_secretary_finds_what_to_do(cases: "Cases") -> None:
    root = parsed(school_page(cases.schools["exceptions"], cases.edition()))
    (item,) = elements(root, "//section[@aria-labelledby='set_aside']//li[.//code='duplicate-mark']")
    assert texts(item, ".//h3")[0]
    terms = dict(zip(texts(item, ".//dt"), texts(item, ".//dd"), strict=True))
    assert terms["Что сделать"].endswith(".")
    assert terms["Кто может исправить"] == "учитель или классный руководитель"
    rows = elements(root, "//li[.//code='unknown-mark-type']//tbody/tr")
    assert len(rows) == 17
    assert texts(rows[0], "td") == ["отметка № 900000", "400"]
    assert "ИМЦ района" in texts(root, "//section[@aria-labelledby='ask']")[0]


def test_the_picture_has_a_part_for_every_fate_that_happened(cases: "Cases") -> None:
    root = parsed(school_page(cases.schools["exceptions"], cases.edition()))
    fills = [one.get("fill") for one in elements(root, "//svg[@role='img']/rect")]
    assert fills == [f"url(#fill-{fate})" for fate in ("sent", "unchanged", "withheld", "set_aside", "failed")]
    assert {f"url(#{one.get('id')})" for one in elements(root, "//pattern")} >= set(fills)


def test_a_page_without_records_has_no_picture(cases: "Cases") -> None:
    root = parsed(school_page(cases.schools["unreadable"], cases.edition()))
    assert not elements(root, "//svg")
    assert "не отвечает" in texts(root, "//main/section")[0]


def test_the_auditor_sees_each_transfer_in_order(cases: "Cases") -> None:
    root = parsed(transfers_page(cases.transfers["transfers"], NAMES, cases.edition(Language.EN)))
    rows = [texts(row, "th | td") for row in elements(root, "//table[contains(@class, 'transfers')]/tbody/tr")]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert [row[2] for row in rows] == [
        "taken", "taken", "taken", "did not reach the portal", "refused by the portal",
        "not known yet", "a-later-word",
    ]  # fmt: skip
    assert rows[0][3:7] == ["1,000", "1", "212", "240"]
    assert [row[7] for row in rows][3:5] == ["400–499", "700"]
    assert rows[0][9] == "R-2026-000001"
    assert rows[3][9] == "—"


def test_a_transfer_that_is_in_no_log_entry_is_said_so(cases: "Cases") -> None:
    (first, *_) = cases.transfers["transfers"].transfers
    page = TransfersPage((replace(first, audit_first=None, audit_last=None),), cases.transfers["transfers"].log)
    root = parsed(transfers_page(page, {}, cases.edition(Language.EN)))
    assert texts(root, "//table[contains(@class, 'transfers')]/tbody/tr/td[7]") == ["—"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("transfers", "Audit log: verified, unchanged"),
        ("transfers-damaged", "Audit log: verification failed"),
        ("transfers-empty", "Audit log: not verified"),
    ],
)
def test_the_logs_state_is_said(cases: "Cases", name: str, said: str) -> None:
    root = parsed(transfers_page(cases.transfers[name], NAMES, cases.edition(Language.EN)))
    assert texts(root, "//h2[@id='log']") == [said]
    assert ("Entry 17 was changed: leaf hash differs" in texts(root, "//li")) == (name == "transfers-damaged")


def test_a_report_is_written_and_replaced(cases: "Cases", tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"
    schools = [cases.schools["done"], cases.schools["unreadable"]]
    for _ in range(2):
        written = write_pages(folder, schools=schools, transfers=cases.transfers["transfers"], edition=cases.edition())
    assert written.index == folder / "index.html"
    assert written.transfers == folder / "transfers.html"
    assert written.schools == {"0252": folder / "school-0252.html", "0017": folder / "school-0017.html"}
    there = sorted(path.name for path in folder.iterdir())
    assert there == ["index.html", "school-0017.html", "school-0252.html", "transfers.html"]
    for path in folder.iterdir():
        for link in elements(parsed(path.read_text(encoding="utf-8")), "//nav/a | //table//a"):
            assert (folder / (link.get("href") or "")).is_file()


def test_a_page_that_cannot_be_put_in_place_leaves_nothing_behind(cases: "Cases", tmp_path: Path) -> None:
    (tmp_path / "school-0252.html" / "in the way").mkdir(parents=True)
    with pytest.raises(BridgeError):
        write_pages(tmp_path, schools=[cases.schools["done"]], transfers=None, edition=cases.edition())
    assert [path.name for path in tmp_path.iterdir()] == ["school-0252.html"]


def test_without_transfers_there_is_no_page_of_them(cases: "Cases", tmp_path: Path) -> None:
    written = write_pages(tmp_path, schools=[cases.schools["done"]], transfers=None, edition=cases.edition())
    assert written.transfers is None
    assert "transfers.html" not in written.index.read_text(encoding="utf-8")


def test_a_folder_that_is_none_is_refused_with_a_remedy(cases: "Cases", tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(BridgeError) as refusal:
        write_pages(file / "report", schools=[], transfers=None, edition=cases.edition())
    assert refusal.value.code == "report-folder-not-writable"
    assert str(file) in refusal.value.say(Language.RU)
    assert refusal.value.__cause__ is None
    assert refusal.value.__context__ is None


def test_two_pages_of_one_school_are_refused(cases: "Cases", tmp_path: Path) -> None:
    schools = [cases.schools["done"], SchoolPage(cases.held)]
    with pytest.raises(ValueError, match="one school"):
        write_pages(tmp_path, schools=schools, transfers=None, edition=cases.edition())


@pytest.mark.parametrize("code", ["0252", "../../etc/x", "a b", "_", "5f", "№1", ".", "a/b", "a_2f_b"])
def test_a_schools_page_stays_in_the_folder(code: str) -> None:
    assert re.fullmatch(r"school-[0-9A-Za-z_-]+\.html", page_name(code))


def test_different_schools_have_different_pages() -> None:
    codes = ["a/b", "a_2f_b", "a-b", "ab", "a_b", "a.b"]
    assert len({page_name(code) for code in codes}) == len(codes)


PAIRS = [
    ("text", "paper"), ("quiet", "paper"), ("quiet", "shade"), ("text", "shade"), ("link", "paper"),
    ("good", "good-paper"), ("warn", "warn-paper"), ("bad", "bad-paper"), ("info", "info-paper"), ("bad", "paper"),
    ("warn", "paper"),
    ("quiet", "good-paper"), ("quiet", "warn-paper"), ("quiet", "bad-paper"), ("quiet", "info-paper"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(text: str, ground: str) -> None:
    assert contrast(text, ground) >= 4.5


@pytest.mark.parametrize("fate", ["sent", "unchanged", "waiting", "withheld", "set_aside", "failed"])
def test_a_part_of_the_picture_stands_out_from_the_paper(fate: str) -> None:
    assert contrast(fate, "paper") >= 3


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours of the style sheet, by the formula of WCAG 2."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(name: str) -> float:
    found = re.search(rf"--{name}: #([0-9a-f]{{6}})", styles())
    assert found, name
    channels = [int(found[1][at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
