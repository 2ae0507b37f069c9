"""The pages in a real browser: widths, keyboard, what a screen reader is told, paper."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from journal.wording import Language
from reports.pages import write_pages
from reports.school_view import SchoolPage

if TYPE_CHECKING:
    from conftest import Cases, Chromium

PAGES = ("index.html", "transfers.html", "school-0252.html", "school-0017.html")


@pytest.fixture(scope="session", params=list(Language), ids=str)
def report(cases: "Cases", tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path_factory.mktemp("report")
    schools: list[SchoolPage] = [cases.schools["exceptions"], cases.schools["unreadable"]]
    edition = cases.edition(request.param)
    write_pages(folder, schools=schools, transfers=cases.transfers["transfers"], edition=edition)
    return folder


@pytest.mark.parametrize("width", [320, 390, 768, 1000, 1280])
@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_wider_than_the_window(chromium: "Chromium", report: Path, page: str, width: int) -> None:
    chromium.open(report / page, width)
    window = cast("int", chromium.value("document.documentElement.clientWidth"))
    assert window > width - 20
    assert chromium.value("document.documentElement.scrollWidth") == window
    beyond = (
        "[...document.querySelectorAll('main *, header *')].filter(one => {"
        " const box = one.getBoundingClientRect();"
        " return box.width > 1 && box.right > document.documentElement.clientWidth + 1 }).map(one => one.outerHTML)"
    )
    assert chromium.value(beyond) == []


def test_the_style_is_admitted_by_the_pages_own_policy(chromium: "Chromium", report: Path) -> None:
    chromium.open(report / "school-0252.html", 1280)
    assert chromium.value("getComputedStyle(document.querySelector('.state')).borderLeftWidth") == "8px"


def test_the_picture_is_drawn_over_its_whole_width(chromium: "Chromium", report: Path) -> None:
    chromium.open(report / "school-0252.html", 390)
    drawn = "[...document.querySelectorAll('.bar rect')].map(one => one.getBoundingClientRect().width)"
    widths = cast("list[float]", chromium.value(drawn))
    whole = cast("float", chromium.value("document.querySelector('.bar').getBoundingClientRect().width"))
    assert min(widths) > 3
    assert sum(widths) == pytest.approx(whole, abs=12)


def test_a_keyboard_reaches_everything(chromium: "Chromium", report: Path) -> None:
    chromium.open(report / "school-0252.html", 1280)

    def press(key: str, code: int, text: str = "") -> None:
        chromium.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, text=text)
        chromium.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    press("Tab", 9)
    assert chromium.value("document.activeElement.getAttribute('href')") == "#content"
    assert chromium.value("document.activeElement.getBoundingClientRect().left >= 0")
    press("Enter", 13, "\r")
    assert chromium.value("document.activeElement.id") == "content"
    press("Tab", 9)
    assert chromium.value("document.activeElement.tagName") == "SUMMARY"
    assert chromium.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press("Enter", 13, "\r")
    assert chromium.value("document.querySelector('details').open")


def test_stacked_tables_are_tables_to_a_screen_reader(chromium: "Chromium", report: Path) -> None:
    chromium.open(report / "transfers.html", 390)
    nodes = cast("list[dict[str, dict[str, str]]]", chromium.call("Accessibility.getFullAXTree")["nodes"])
    roles = [node["role"]["value"] for node in nodes if "role" in node]
    assert roles.count("table") == 2
    assert roles.count("row") == 3 + 8
    assert roles.count("columnheader") == 5 + 10
    assert roles.count("rowheader") == 2 + 7


def test_a_page_prints_with_its_rows_shown(chromium: "Chromium", report: Path) -> None:
    shown = "getComputedStyle(document.querySelector('details'), '::details-content').contentVisibility"
    chromium.open(report / "school-0252.html", 1280)
    assert chromium.value(shown) == "hidden"
    chromium.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert chromium.value(shown) == "visible"
        assert chromium.value("getComputedStyle(document.querySelector('summary')).display") == "none"
    finally:
        chromium.call("Emulation.setEmulatedMedia", media="")
    printed = chromium.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
    assert base64.b64decode(cast("str", printed)).startswith(b"%PDF-")
