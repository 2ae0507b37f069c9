"""The technical log: what went wrong and where, as JSON lines for engineers, with nothing personal in it.

Rules. Only the fields of an allow-list are written, each as a number or a short word; everything else is dropped
and named. An exception is its type and the program's places it came through, never its message or a value. Other
libraries' log lines do not come here. The file is readable by its owner alone; when it can't be written, stderr
gets the line.
"""

import contextlib
import logging
import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from types import TracebackType

import structlog

FIELDS = frozenset(
    {
        "accepted", "attempt", "batch", "changes", "code", "count", "duplicate", "entries", "event", "exception",
        "failed", "hold", "level", "operation", "outcome", "place", "places", "read", "rejected", "resend",
        "retry_after", "run", "school", "seconds", "sent", "size", "step", "timestamp", "unchanged", "withdrawn",
    }
)  # fmt: skip
"""What may be written: ids that are the bridge's own, counts, codes, places in the program."""

_WORD = re.compile(r"[\w .,:;/()<>*+\-]{0,300}")
LARGEST_FILE = 10_000_000
OURS = Path(__file__).parent.parent


def allow(_logger: object, _method: str, event: MutableMapping[str, object]) -> Mapping[str, object]:
    """Keep the allowed fields; drop and name the others (a structlog processor)."""
    kept: dict[str, object] = {}
    dropped: list[str] = []
    for name, value in event.items():
        if name in FIELDS and _plain(value):
            kept[name] = value
        else:
            dropped.append(name)
    if dropped:
        kept["dropped"] = sorted(dropped)
    return kept


def _plain(value: object) -> bool:
    if value is None or isinstance(value, bool | int | float):
        return True
    if isinstance(value, str):
        return _WORD.fullmatch(value) is not None
    return isinstance(value, list | tuple) and all(_plain(item) for item in value)


def places(trace: TracebackType | None) -> list[str]:
    """Return where an exception came through, innermost last: file, line and function, without any value."""
    found = []
    while trace is not None:
        code = trace.tb_frame.f_code
        path = Path(code.co_filename)
        name = path.relative_to(OURS) if path.is_relative_to(OURS) and ".venv" not in path.parts else path.name
        found.append(f"{name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found


class _File:
    """Appends lines to the file; one write a line, so lines of several processes do not mix."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def msg(self, message: str) -> None:
        line = f"{message}\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._path.exists() and self._path.stat().st_size > LARGEST_FILE:
                self._path.replace(self._path.with_suffix(f"{self._path.suffix}.1"))
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                sys.stderr.write(line)

    debug = info = warning = error = critical = log = msg


_file: Path | None = None


def technical_log_file() -> Path | None:
    """Return where the technical log is; None before the installation's file was read."""
    return _file


def open_technical_log(path: Path) -> None:
    """Send structlog's lines to `path`, and keep other libraries' lines away from the screen."""
    global _file  # noqa: PLW0603  a process has one technical log
    _file = path
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            allow,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=lambda *_: _File(path),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    logging.getLogger().addHandler(logging.NullHandler())
    logging.lastResort = None


def own_place(error: BaseException) -> str:
    """Return the innermost place of ours that an exception came through: file and line."""
    through = places(error.__traceback__)
    ours = [place for place in through if "/" in place or place.startswith("cli.py:")]
    return (ours or through or ["-"])[-1].partition(" ")[0]


def report_failure(error: BaseException) -> str:
    """Return an unexpected exception's type and innermost place of ours, to be said; log it where a log is open."""
    name = type(error).__name__
    if _file is not None:
        log = structlog.get_logger("dnevnik")
        log.error("unexpected failure", code="internal", exception=name, places=places(error.__traceback__)[-30:])
    return f"{name}, {own_place(error)}"
