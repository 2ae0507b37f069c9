"""The PDF of a form as a file: closed to the outside, tagged, the same every time, its owner's alone."""

import hashlib
import logging
import os
import stat
import subprocess
import sys
import time
from ctypes import create_string_buffer
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from fakes.form_reading import language_of, opened, roles_of
from fakes.form_samples import KNOWN, LONGEST, REFERENCE
from pypdfium2 import raw

from reports.forms import FormKind, printing, render_form, write_form

ANY_KIND = pytest.mark.parametrize("kind", list(FormKind))
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("address", ["file:///etc/hostname", "http://127.0.0.1:9/x.png", "data:image/png;base64,AA=="])
def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    from weasyprint.urls import FatalURLFetchingError  # noqa: PLC0415  a second that other tests needn't wait for

    page = f'<html lang="ru"><title>t</title><img alt="x" src="{address}"></html>'
    monkeypatch.setattr(printing, "sheet", lambda *_: page)
    with pytest.raises(FatalURLFetchingError):
        render_form(FormKind.APPLICATION, KNOWN)


def test_nothing_is_logged_or_printed(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    for kind in FormKind:
        render_form(kind, KNOWN)
    said = caplog.text + "".join(capfd.readouterr())
    assert not [secret for secret in ("Королёв", "korolev", "a-30912", "17-р", "2013") if secret in said]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@ANY_KIND
def test_the_pdf_is_tagged_and_says_what_it_is(kind: FormKind) -> None:
    pdf = opened(render_form(kind, KNOWN))
    about = pdf.get_metadata_dict()
    assert about["Title"].endswith(REFERENCE)
    assert about["CreationDate"] == about["ModDate"] == "D:20260901"
    assert raw.FPDFCatalog_IsTagged(pdf)
    assert language_of(pdf) == "ru"
    roles = {role for page in pdf for role in roles_of(page)}
    assert {"H1", "P", "Figure"} <= roles
    assert kind is FormKind.CONSENT or {"Table", "TR", "TH", "TD", "L", "LI", "H2"} <= roles


@ANY_KIND
def test_letters_are_embedded_and_black(kind: FormKind) -> None:
    fonts: set[str] = set()
    pdf = opened(render_form(kind, KNOWN))
    for page in pdf:
        for thing in page.get_objects([raw.FPDF_PAGEOBJ_TEXT]):
            font = raw.FPDFTextObj_GetFont(thing)
            assert raw.FPDFFont_GetIsEmbedded(font) == 1
            buffer = create_string_buffer(128)
            raw.FPDFFont_GetBaseFontName(font, buffer, 128)
            fonts.add(buffer.value.decode().partition("+")[2])
    assert {name[:8] for name in fonts} == {"PT-Serif", "PT-Sans", "PT-Sans-"} & {name[:8] for name in fonts}
    picture = pdf[0].render(scale=1).to_numpy()
    assert (picture[:, :, 0] == picture[:, :, 1]).all()
    assert (picture[:, :, 1] == picture[:, :, 2]).all()


def test_the_same_data_give_the_same_bytes_in_any_process() -> None:
    here = {kind: hashlib.sha256(render_form(kind, KNOWN)).hexdigest() for kind in FormKind}
    assert {kind: hashlib.sha256(render_form(kind, KNOWN)).hexdigest() for kind in FormKind} == here
    program = (
        "import hashlib, sys; sys.path[:0] = sys.argv[1:]\n"
        "from fakes.form_samples import KNOWN; from reports.forms import FormKind, render_form\n"
        "for kind in FormKind: print(hashlib.sha256(render_form(kind, KNOWN)).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", program, str(ROOT), str(ROOT / "tests")],
        env={**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert there.stdout.split() == list(here.values())


def test_another_day_is_another_file() -> None:
    later = replace(KNOWN, printed_on=date(2026, 9, 2))
    assert render_form(FormKind.WITHDRAWAL, later) != render_form(FormKind.WITHDRAWAL, KNOWN)


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "form.pdf"
    path.write_bytes(b"earlier")
    path.chmod(0o644)
    write_form(path, FormKind.APPLICATION, KNOWN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == render_form(FormKind.APPLICATION, KNOWN)
    assert [found.name for found in tmp_path.iterdir()] == ["form.pdf"]


def test_a_form_that_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "form.pdf"
    path.write_bytes(b"earlier")
    with pytest.raises(ValueError, match="with its text"):
        write_form(path, FormKind.CONSENT, replace(KNOWN, text=None))
    assert path.read_bytes() == b"earlier"
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_form(path, FormKind.APPLICATION, KNOWN)
    assert [found.name for found in tmp_path.iterdir()] == ["form.pdf"]


def test_without_pango_a_person_is_told_what_to_install(tmp_path: Path) -> None:
    for name in ("libpango-1.0.so.0", "libpango-1.0-0.so", "libpango-1.0.so"):
        (tmp_path / name).write_bytes(b"")
    program = (
        "import sys, datetime; sys.path.insert(0, sys.argv[1])\n"
        "from journal.wording import BridgeError; from reports.forms import FormData, FormKind, render_form\n"
        "assert 'weasyprint' not in sys.modules\n"
        "try: render_form(FormKind.APPLICATION, FormData(reference='A', printed_on=datetime.date(2026, 9, 1)))\n"
        "except BridgeError as e: print(e.code, '|', e.say('ru'), '|', e.say('en'), '|', e.__context__)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(ROOT)],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    code, russian, english, context = (part.strip() for part in said.split("|"))
    assert code == "forms-unavailable"
    assert "Установите пакеты libpangoft2-1.0-0" in russian
    assert "Install the packages libpangoft2-1.0-0" in english
    assert context == "None"


@ANY_KIND
def test_the_longest_form_takes_no_long_time(kind: FormKind) -> None:
    render_form(kind, KNOWN)
    started = time.process_time()
    render_form(kind, LONGEST)
    assert time.process_time() - started < 15


def test_a_form_fits_a_file_and_a_letter() -> None:
    assert len(render_form(FormKind.CONSENT, LONGEST)) < 200_000
