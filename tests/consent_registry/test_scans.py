"""Scans of signed consents: whole pictures only, sealed, the very bytes back, gone with the student's key."""

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy.engine import Connection, Engine

from consent_registry.sealed.rotation import rotate
from consent_registry.sealed.scans import LARGEST_SCAN, MediaType, Scan, check_scan, find_scan, open_scan, store_scan
from consent_registry.sealed.vault import Vault, destroy_student_key, unlock
from consent_registry.tables import CASE, SCAN
from database import reading, writing
from journal.wording import BridgeError, Language

VAULT = Vault(bytes(range(32)))
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def picture(kind: str, **more: object) -> bytes:
    """Make a scan with a program that knows nothing of the checks."""
    out = io.BytesIO()
    Image.radial_gradient("L").resize((90, 120)).save(out, kind, **more)
    return out.getvalue()


PDF, JPEG, PNG = picture("PDF"), picture("JPEG"), picture("PNG")
WHOLE = {
    "pdf": (PDF, MediaType.PDF),
    "pdf, a blank line behind": (PDF + b"\r\n\r\n", MediaType.PDF),
    "jpeg": (JPEG, MediaType.JPEG),
    "jpeg, progressive": (picture("JPEG", progressive=True), MediaType.JPEG),
    "jpeg, data of the telephone behind": (JPEG + b"SEFT" + bytes(500), MediaType.JPEG),
    "jpeg, fill bytes": (JPEG[:2] + b"\xff\xff" + JPEG[2:], MediaType.JPEG),
    "png": (PNG, MediaType.PNG),
    "png, other chunks": (picture("PNG", dpi=(200, 200)), MediaType.PNG),
}


def thumbnail_only() -> bytes:
    """Return a picture that was cut short, with a whole one as its thumbnail."""
    segment = JPEG
    whole = JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + JPEG[2:]
    assert check_scan(whole) is MediaType.JPEG
    return whole[:-100]


BROKEN = {
    "text": "Согласие".encode(),
    "a page of the web": b"<html><body>%PDF-1.7 %%EOF</body></html>",
    "a Word file": b"PK\x03\x04" + bytes(200),
    "bmp": picture("BMP"),
    "gif": picture("GIF"),
    "tiff": picture("TIFF"),
    "pdf, cut short": PDF[:-20],
    "pdf, its beginning alone": b"%PDF-1.7\n%%EOF\n",
    "pdf, something before it": b"<script>" + PDF,
    "jpeg, cut short": JPEG[:-2],
    "jpeg, its beginning alone": JPEG[:20],
    "jpeg, no frame": b"\xff\xd8\xff\xda\x00\x02\xff\xd9",
    "jpeg, its thumbnail alone": thumbnail_only(),
    "png, cut short": PNG[:-1],
    "png, no end": PNG[:-12],
    "png, something behind it": PNG + b"<script>",
    "png, a bit of its content changed": PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:],
    "png, its signature alone": PNG[:8],
    "png, another first chunk": PNG[:8] + struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND")),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files_are_taken_for_what_they_are(name: str) -> None:
    content, media_type = WHOLE[name]
    assert check_scan(content) is media_type


@pytest.mark.parametrize("name", BROKEN)
def test_anything_else_is_refused_with_what_to_do(name: str) -> None:
    assert refusal(BROKEN[name]).code == "scan-wrong-type"


def refusal(content: bytes) -> BridgeError:
    with pytest.raises(BridgeError) as caught:
        check_scan(content)
    for language in Language:
        assert "{" not in caught.value.say(language)
    return caught.value


def test_nothing_is_no_scan() -> None:
    assert refusal(b"").code == "scan-empty"


def test_twenty_mebibytes_are_admitted_and_not_a_byte_more() -> None:
    assert LARGEST_SCAN == 20 * 1024 * 1024
    largest = JPEG + bytes(LARGEST_SCAN - len(JPEG))
    assert check_scan(largest) is MediaType.JPEG
    too_large = refusal(largest + b"\0")
    assert too_large.code == "scan-too-large"
    assert "21" in too_large.say(Language.RU)


@given(st.sampled_from([PDF, JPEG, PNG]), st.integers(0, 10_000))
def test_no_beginning_of_a_scan_is_a_scan(content: bytes, length: int) -> None:
    cut = content[: min(length, len(content) - 8)]  # a PDF without its very last line's end is still whole
    with pytest.raises(BridgeError):
        check_scan(cut)


@given(st.binary(max_size=400), st.sampled_from([b"", b"%PDF-", b"\xff\xd8\xff", PNG[:8], PNG[:33], JPEG[:180]]))
def test_whatever_comes_is_taken_or_refused(content: bytes, beginning: bytes) -> None:
    try:
        outcome = check_scan(beginning + content)
    except BridgeError as error:
        outcome = error.code
    assert outcome in {*MediaType, "scan-empty", "scan-wrong-type"}


# Kept


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with two students, each with a case."""
    sqlite = request.param == "sqlite"
    with bridge_database(f"sqlite:///{tmp_path}/bridge.db" if sqlite else request.getfixturevalue("server")) as made:
        with writing(made) as connection:
            VAULT.make_student_keys(connection, "0252", ["7", "8"])
            for number, student in ((1, "7"), (2, "8")):
                values = {"case_id": number, "school": "0252", "student_key": student, "link_id": f"link-{number}"}
                more = {"account_id": "pa-1", "sealed": b"", "created_at": NOW}
                connection.execute(CASE.insert().values(values | more))
        yield made


IDS = count(1)


def store(engine: Engine, content: bytes, student: str = "7", case_id: int = 1) -> Scan:
    with writing(engine) as connection:
        return _store(connection, content, student, case_id)


def _store(connection: Connection, content: bytes, student: str, case_id: int) -> Scan:
    return store_scan(connection, VAULT, "0252", student, case_id, content, new_id=lambda: f"scan-{next(IDS)}", now=NOW)


def read(engine: Engine, scan_ref: str, vault: Vault = VAULT) -> bytes:
    with reading(engine) as connection:
        return open_scan(connection, vault, scan_ref)


def code(engine: Engine, scan_ref: str) -> str:
    with pytest.raises(BridgeError) as caught:
        read(engine, scan_ref)
    for language in Language:
        assert "{" not in caught.value.say(language)
    return caught.value.code


@pytest.mark.parametrize("content", [PDF, JPEG, PNG])
def test_the_very_bytes_come_back_and_none_of_them_lie_open(engine: Engine, content: bytes) -> None:
    scan = store(engine, content)
    assert scan == Scan(scan.scan_ref, hashlib.sha256(content).hexdigest(), check_scan(content), len(content))
    assert read(engine, scan.scan_ref) == content
    with reading(engine) as connection:
        (row,) = connection.execute(sa.select(SCAN))
        assert find_scan(connection, 1, scan.sha256) == scan
        assert find_scan(connection, 2, scan.sha256) is None
    assert (row.school, row.student_key, row.case_id, row.recorded_at) == ("0252", "7", 1, NOW)
    for start in range(0, len(content) - 16, 16):
        assert content[start : start + 16] not in bytes(row.sealed)


def test_twenty_mebibytes_are_kept(engine: Engine) -> None:
    content = JPEG + bytes(LARGEST_SCAN - len(JPEG))
    assert read(engine, store(engine, content).scan_ref) == content


def test_the_same_scan_of_a_case_is_kept_once(engine: Engine) -> None:
    first = store(engine, PDF)
    assert store(engine, PDF) == first
    assert store(engine, PNG) != first
    other = store(engine, PDF, "8", 2)
    assert other == replace(first, scan_ref=other.scan_ref) != first


def test_a_refused_scan_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(BridgeError):
        store(engine, PDF[:-20])
    naive = NOW.replace(tzinfo=None)
    with writing(engine) as connection, pytest.raises(ValueError, match="time zone"):
        store_scan(connection, VAULT, "0252", "7", 1, PDF, new_id=str, now=naive)
    with reading(engine) as connection:
        assert connection.execute(sa.select(SCAN)).all() == []


def test_with_the_students_key_its_scans_are_gone_and_nobody_elses(engine: Engine) -> None:
    gone, stays = store(engine, PDF), store(engine, PNG, "8", 2)
    with writing(engine) as connection:
        destroy_student_key(connection, "0252", "7")
    assert code(engine, gone.scan_ref) == "student-data-destroyed"
    with pytest.raises(BridgeError) as caught:
        store(engine, JPEG)
    assert caught.value.code == "student-data-destroyed"
    assert read(engine, stays.scan_ref) == PNG
    with writing(engine) as connection:
        VAULT.make_student_keys(connection, "0252", ["7"])  # somebody new under the old id
    assert code(engine, gone.scan_ref) == "sealed-unreadable"


def test_an_unknown_scan_is_named(engine: Engine) -> None:
    assert code(engine, "scan-none") == "scan-unknown"


def test_a_scan_put_in_anothers_place_and_a_changed_digest_are_noticed(engine: Engine) -> None:
    first, second = store(engine, PDF), store(engine, PNG)
    with writing(engine) as connection:
        sealed = connection.scalar(sa.select(SCAN.c.sealed).where(SCAN.c.scan_ref == first.scan_ref))
        connection.execute(SCAN.update().where(SCAN.c.scan_ref == second.scan_ref).values(sealed=sealed))
        connection.execute(SCAN.update().where(SCAN.c.scan_ref == first.scan_ref).values(sha256="0" * 64))
    assert code(engine, second.scan_ref) == "sealed-unreadable"
    assert code(engine, first.scan_ref) == "scan-altered"


def test_scans_open_after_the_master_key_was_rotated(engine: Engine) -> None:
    scan = store(engine, PDF)
    with writing(engine) as connection:
        rotate(connection, VAULT, bytes(32))
    with reading(engine) as connection:
        assert read(engine, scan.scan_ref, unlock(connection, bytes(32))) == PDF
    assert code(engine, scan.scan_ref) == "master-key-rotated"
