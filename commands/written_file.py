"""A file that a command writes for a person: whole or not at all, for its owner alone, in no other's place unasked.

Deliberately not here: what stands in it; keys and settings (`commands.init`).
"""

from pathlib import Path

from audit.durable_files import put_file
from journal.wording import BridgeError, Wording

_EXISTS = Wording(
    ru="{file}: файл уже есть, ничего не записано. Укажите другое имя",
    en="{file}: there is such a file, nothing was written. Give another name",
)
_EXISTS_OR_FORCE = Wording(
    ru="{file}: файл уже есть, ничего не записано. Укажите другое имя или --force",
    en="{file}: there is such a file, nothing was written. Give another name, or --force",
)
_NOT_WRITTEN = Wording(
    ru="{file}: файл не записан ({reason}). Проверьте папку и право записи",
    en="{file}: the file was not written ({reason}). Check the folder and the right to write",
)


def refuse_existing(file: Path, *, force: bool | None = None) -> None:
    """Raise BridgeError `file-exists` for a file that is there, unless forced; None: it can't be forced."""
    if not force and file.exists():
        raise _exists(file, force=force)


def write_whole(file: Path, content: bytes, *, force: bool | None = None) -> None:
    """Put a file in its place, durable. Raises BridgeError `file-exists` as `refuse_existing`, `file-not-written`."""
    refusal = None
    try:
        put_file(file, content, replacing=bool(force))
    except FileExistsError:
        refusal = _exists(file, force=force)
    except OSError as error:
        told: dict[str, object] = {"file": file, "reason": error.strerror or type(error).__name__}
        refusal = BridgeError("file-not-written", _NOT_WRITTEN, told)
    if refusal is not None:
        raise refusal


def _exists(file: Path, *, force: bool | None) -> BridgeError:
    return BridgeError("file-exists", _EXISTS if force is None else _EXISTS_OR_FORCE, {"file": file})
