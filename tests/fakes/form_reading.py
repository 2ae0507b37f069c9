"""A printed form read back: its words, its code as a scanner sees it, what it tells a screen reader."""

import functools
import re
from ctypes import c_ushort, create_string_buffer, sizeof

import pypdfium2
import pytest
from oracle.qr_oracle import SIDE
from pypdfium2 import raw

from reports.forms import render_form

MM = 72 / 25.4

rendered = functools.cache(render_form)
"""A form's PDF; the same form is set once for all tests of a process."""


def opened(pdf: bytes) -> pypdfium2.PdfDocument:
    return pypdfium2.PdfDocument(pdf)


def words(pdf: bytes) -> str:
    """All text of a form, its blanks and line ends as single blanks, hyphens at line ends as they are."""
    text = " ".join(page.get_textpage().get_text_range() for page in opened(pdf))
    return " ".join(text.replace("\ufffe", "-").replace("\N{NO-BREAK SPACE}", " ").split())


def solid(text: str) -> str:
    """A text without any blanks: where lines break is not its matter."""
    return re.sub(r"\s", "", text)


def boxes_of(page: pypdfium2.PdfPage) -> list[tuple[float, float, float, float]]:
    """Left, bottom, right and top of each letter of a page, in points."""
    text = page.get_textpage()
    return [text.get_charbox(n) for n in range(text.count_chars()) if text.get_text_range(n, 1).strip()]


def modules_of(pdf: bytes) -> list[list[int]]:
    """The dark and light modules of the code at the top right of the first page, as a scanner sees them."""
    scale = 300 / 72
    picture = opened(pdf)[0].render(scale=scale).to_numpy()[:, :, 0] < 128
    corner = picture[: int(39 * MM * scale), int(155 * MM * scale) :]
    rows, columns = corner.any(axis=1).nonzero()[0], corner.any(axis=0).nonzero()[0]
    top, left, size = rows[0], columns[0], (rows[-1] - rows[0] + 1) / SIDE
    assert (columns[-1] - columns[0] + 1) / SIDE == pytest.approx(size, abs=0.1), "not square"
    centres = [int((n + 0.5) * size) for n in range(SIDE)]
    return [[int(corner[top + y, left + x]) for x in centres] for y in centres]


def language_of(pdf: pypdfium2.PdfDocument) -> str:
    buffer = (c_ushort * 16)()
    raw.FPDFCatalog_GetLanguage(pdf, buffer, sizeof(buffer))
    return bytes(buffer).decode("utf-16-le").rstrip("\0")


def roles_of(page: pypdfium2.PdfPage) -> set[str]:
    tree = raw.FPDF_StructTree_GetForPage(page)
    roles: set[str] = set()
    waiting = [raw.FPDF_StructTree_GetChildAtIndex(tree, n) for n in range(raw.FPDF_StructTree_CountChildren(tree))]
    while waiting:
        element = waiting.pop()
        if not element:
            continue
        buffer = create_string_buffer(64)
        raw.FPDF_StructElement_GetType(element, buffer, 64)
        roles.add(buffer.raw.decode("utf-16-le").split("\0")[0])
        count = raw.FPDF_StructElement_CountChildren(element)
        waiting += [raw.FPDF_StructElement_GetChildAtIndex(element, n) for n in range(count)]
    raw.FPDF_StructTree_Close(tree)
    return roles
