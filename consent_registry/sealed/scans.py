"""The scan of a signed consent: looked at, sealed under the student's key, kept in the database.

Rules. A scan is a PDF, a JPEG or a PNG of at most 20 MiB, whole: its signs are looked for at its beginning and its
end, and its outer structure is walked. It is never drawn, run or changed; what opens is the very bytes that came in.
The same scan of the same case is kept once. Sealed for its own reference, so a scan put in another's place doesn't
open; destroying the student's key destroys it. Deliberately not here: the fact that tells of the scan, and whether
what it shows is a signed consent, which a person says. Why in the database: docs/adr/scans-in-the-database.md.
"""

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from consent_registry.sealed.vault import StudentKey, Vault
from consent_registry.tables import SCAN
from journal.wording import BridgeError, Wording

LARGEST_SCAN = 20 * 1024 * 1024
"""Bytes."""

_PDF_END_WITHIN = 1024
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER_BYTES = 13
_PNG_FRAME_BYTES = 12
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_FILL = 0xFF
_JPEG_SCAN_BEGINS = 0xDA

_EMPTY = Wording(
    ru="Файл со сканом пуст. Отсканируйте документ заново",
    en="The scan's file is empty. Scan the document again",
)
_TOO_LARGE = Wording(
    ru="Скан слишком велик: {size} МиБ, можно не больше {limit}. Отсканируйте с меньшим разрешением (хватает 200 dpi)",
    en="The scan is too large: {size} MiB, at most {limit} are admitted. Scan at a lower resolution (200 dpi will do)",
)
_WRONG_TYPE = Wording(
    ru="Это не целый файл PDF, JPEG или PNG. Сохраните скан в одном из этих видов; если он такой и есть, файл оборван: "
    "возьмите его заново",
    en="This is no whole PDF, JPEG or PNG file. Save the scan as one of these; if it is one, the file was cut short: "
    "take it again",
)
_UNKNOWN = Wording(
    ru="Скана с номером {scan} в реестре нет. Проверьте номер",
    en="The registry has no scan with the number {scan}. Check the number",
)
_DESTROYED = Wording(
    ru="Школа {school}: данные ученика {student} уничтожены, его сканов нет и новые не принимаются. "
    "Проверьте номер ученика",
    en="School {school}: the data of student {student} were destroyed, there are no scans of theirs and none "
    "are taken. Check the student's id",
)
_ALTERED = Wording(
    ru="Скан {scan}: содержимое не то, что записано в реестре. Верните базу из резервной копии и сообщите тому, "
    "кто за неё отвечает",
    en="Scan {scan}: its content is not what the registry recorded. Restore the database from its backup, and tell "
    "whoever is responsible for it",
)


class MediaType(StrEnum):
    """What a scan may be; the words are stored."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that is kept: its opaque reference, the SHA-256 of its bytes (hexadecimal), what it is, bytes."""

    scan_ref: str
    sha256: str
    media_type: MediaType
    size: int


def check_scan(content: bytes) -> MediaType:
    """Return what a scan is. Raises BridgeError `scan-empty`, `scan-too-large` or `scan-wrong-type`."""
    if not content:
        raise BridgeError("scan-empty", _EMPTY)
    if len(content) > LARGEST_SCAN:
        mebibytes = -(-len(content) // (1024 * 1024))
        raise BridgeError("scan-too-large", _TOO_LARGE, {"size": mebibytes, "limit": LARGEST_SCAN // (1024 * 1024)})
    for media_type, is_whole in _LOOKS.items():
        if is_whole(content):
            return media_type
    raise BridgeError("scan-wrong-type", _WRONG_TYPE)


def _is_pdf(content: bytes) -> bool:
    """Tell whether it begins as a PDF and ends as one; a few bytes after the end are common and harmless."""
    end = content[-_PDF_END_WITHIN:]
    return content.startswith(b"%PDF-") and b"startxref" in content and b"%%EOF" in end


def _is_png(content: bytes) -> bool:
    """Walk the chunks: IHDR first, each with its length and checksum right, IEND last, nothing after it."""
    at, kind = len(_PNG_SIGNATURE), b""
    if not content.startswith(_PNG_SIGNATURE) or content[at : at + 8] != _PNG_HEADER_BYTES.to_bytes(4) + b"IHDR":
        return False
    while kind != b"IEND":
        length = int.from_bytes(content[at : at + 4])
        kind, end = content[at + 4 : at + 8], at + _PNG_FRAME_BYTES + length
        if end > len(content):
            return False
        if zlib.crc32(content[at + 4 : end - 4]) != int.from_bytes(content[end - 4 : end]):
            return False
        at = end
    return at == len(content)


def _is_jpeg(content: bytes) -> bool:
    """Walk the segments from SOI to the first scan line, past a frame; EOI comes after it.

    Not the last bytes: telephones add data of their own behind the picture.
    """
    at, has_frame = 2, False
    if not content.startswith(b"\xff\xd8\xff"):
        return False
    while content[at : at + 1] == b"\xff" and at + 4 <= len(content):
        marker = content[at + 1]
        if marker == _JPEG_FILL:
            at += 1
            continue
        at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4]))
        if marker == _JPEG_SCAN_BEGINS:
            return has_frame and content.find(b"\xff\xd9", at) >= 0
        has_frame = has_frame or marker in _JPEG_FRAMES
    return False


_LOOKS: dict[MediaType, Callable[[bytes], bool]] = {
    MediaType.PDF: _is_pdf,
    MediaType.JPEG: _is_jpeg,
    MediaType.PNG: _is_png,
}


def store_scan(
    connection: Connection,
    vault: Vault,
    school: str,
    student_key: str,
    case_id: int,
    content: bytes,
    *,
    new_id: Callable[[], str],
    now: datetime,
) -> Scan:
    """Keep a scan of a case, sealed under its student's key; the same bytes again give the scan that is kept.

    Raises BridgeError as `check_scan`, and `student-data-destroyed` when the student has no key; ValueError for a
    naive moment.
    """
    if now.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    media_type = check_scan(content)
    own = _key(connection, vault, school, student_key)
    sha256 = hashlib.sha256(content).hexdigest()
    kept = find_scan(connection, case_id, sha256)
    if kept is not None:
        return kept
    scan = Scan(new_id(), sha256, media_type, len(content))
    connection.execute(
        SCAN.insert().values(
            scan_ref=scan.scan_ref,
            school=school,
            student_key=student_key,
            case_id=case_id,
            sha256=sha256,
            media_type=str(media_type),
            size=scan.size,
            sealed=own.seal(content, _within(scan.scan_ref)),
            recorded_at=now,
        )
    )
    return scan


def find_scan(connection: Connection, case_id: int, sha256: str) -> Scan | None:
    """Return the scan of a case with this digest, as facts name it; None when it isn't kept."""
    columns = (SCAN.c.scan_ref, SCAN.c.sha256, SCAN.c.media_type, SCAN.c.size)
    row = connection.execute(
        sa.select(*columns).where(SCAN.c.case_id == case_id, SCAN.c.sha256 == sha256).order_by(SCAN.c.scan_ref)
    ).first()
    return None if row is None else Scan(row.scan_ref, row.sha256, MediaType(row.media_type), row.size)


def open_scan(connection: Connection, vault: Vault, scan_ref: str) -> bytes:
    """Return a scan's bytes as they came in.

    Raises BridgeError `scan-unknown`, `student-data-destroyed`, `sealed-unreadable`, or `scan-altered` when the
    digest that was recorded is another.
    """
    row = connection.execute(sa.select(SCAN).where(SCAN.c.scan_ref == scan_ref)).first()
    if row is None:
        raise BridgeError("scan-unknown", _UNKNOWN, {"scan": scan_ref})
    content = _key(connection, vault, row.school, row.student_key).open(row.sealed, _within(scan_ref))
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise BridgeError("scan-altered", _ALTERED, {"scan": scan_ref})
    return content


def _key(connection: Connection, vault: Vault, school: str, student: str) -> StudentKey:
    own = vault.student_keys(connection, school, [student]).get(student)
    if own is None:
        raise BridgeError("student-data-destroyed", _DESTROYED, {"school": school, "student": student})
    return own


def _within(scan_ref: str) -> str:
    return f"scan:{scan_ref}"
