"""The pages: one a school for its admins, one of transfers for the auditor, and an index; plain HTML files.

Rules. A page stands alone: no script, no font, no picture from elsewhere, and a policy in the page that forbids
them. It can be printed, read aloud and used by keyboard; colour never says anything alone. Values are escaped by
Jinja always. A file is written beside its place and moved there, so a reader never sees half a page; if the
process dies, an earlier page stands or none. Pages of schools that are not in this report are left as they are.
"""

import base64
import hashlib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from journal.wording import BridgeError, Language, Wording
from reports.actuality_words import mark_below
from reports.counting import day_and_time, exact_time, number
from reports.phrases import phrase, speaker
from reports.reason_text import Catalogue
from reports.school_view import COLUMNS, SchoolPage, columns, state_of, view
from reports.transfers import LogState, Transfer, TransfersPage, totals

TEMPLATES = Path(__file__).parent / "templates"
INDEX = "index.html"
TRANSFERS = "transfers.html"

_FOLDER_NOT_WRITABLE = Wording(
    ru="Папку отчёта {folder} нельзя создать или записать в неё. Укажите другую папку или дайте права на запись.",
    en="The report's folder {folder} can't be made or written to. Name another folder, or allow writing to it.",
)

_TOTALS = ("batches", "published", "withdrawn_records", "unfinished")
_TRANSFERS = (
    "time", "school", "outcome", "published", "withdrawn_records", "students", "accounts", "log_entries", "batch",
    "receipt",
)  # fmt: skip
_OUTCOMES = frozenset({"taken", "not-taken", "refused"})


@dataclass(frozen=True, slots=True)
class Edition:
    """What all pages of one report share: the reasons' words, the language, the clock's zone, when it was made."""

    catalogue: Catalogue = field(repr=False)
    language: Language
    zone: ZoneInfo
    made_at: datetime


@dataclass(frozen=True, slots=True)
class PagesWritten:
    """Where the pages lie: the index, a page a school code, the auditor's page if one was asked for."""

    index: Path
    schools: Mapping[str, Path]
    transfers: Path | None


def write_pages(
    folder: Path, *, schools: Sequence[SchoolPage], transfers: TransfersPage | None, edition: Edition
) -> PagesWritten:
    """Write a report into `folder`, which is made where missing; earlier pages of the same schools are replaced.

    Raises BridgeError `report-folder-not-writable`; ValueError for two pages of one school.
    """
    names = {page.balance.school: page_name(page.balance.school) for page in schools}
    if len(names) != len(schools):
        raise ValueError("two pages of one school in one report")
    texts = {names[page.balance.school]: school_page(page, edition, index=INDEX) for page in schools}
    if transfers is not None:
        school_names = {page.balance.school: page.balance.name for page in schools}
        texts[TRANSFERS] = transfers_page(transfers, school_names, edition, index=INDEX)
    texts[INDEX] = index_page(schools, edition, transfers=None if transfers is None else TRANSFERS)
    failed = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _replace(folder / name, text)
    except OSError:
        failed = True
    if failed:
        raise BridgeError("report-folder-not-writable", _FOLDER_NOT_WRITABLE, {"folder": str(folder)})
    return PagesWritten(
        index=folder / INDEX,
        schools={code: folder / name for code, name in names.items()},
        transfers=None if transfers is None else folder / TRANSFERS,
    )


def page_name(school: str) -> str:
    """Return the file name of a school's page; whatever stands in the code, it stays one plain file name."""
    return f"school-{re.sub('[^0-9A-Za-z-]', lambda found: f'_{ord(found[0]):x}_', school)}.html"


def school_page(page: SchoolPage, edition: Edition, *, index: str | None = None) -> str:
    """Return the HTML of one school's page; `index` is where its link to all schools leads."""
    started_at = day_and_time(page.balance.started_at, edition.zone, edition.language)
    links = [] if index is None else [{"href": index, "text": phrase("all_schools", edition.language)}]
    return _render(
        "school.html.j2",
        edition,
        links=links,
        school=view(page, edition.catalogue, edition.language),
        started_at=started_at,
    )


def index_page(schools: Sequence[SchoolPage], edition: Edition, *, transfers: str | None = None) -> str:
    """Return the HTML of the list of schools, in the order given; `transfers` links to the auditor's page."""
    language = edition.language
    numbers = [columns(page.balance) for page in schools]
    rows = [
        {
            "href": page_name(page.balance.school),
            "name": page.balance.name,
            "code": page.balance.school,
            "state": state_of(page.balance, language),
            "below": mark_below(page.balance.actuality, language),
            "at": page.balance.started_at,
            "when": day_and_time(page.balance.started_at, edition.zone, language),
            "counts": [number(count, language) for count in counts],
        }
        for page, counts in zip(schools, numbers, strict=True)
    ]
    return _render(
        "index.html.j2",
        edition,
        links=[] if transfers is None else [{"href": transfers, "text": phrase("for_auditor", language)}],
        rows=rows,
        columns=COLUMNS,
        totals=[number(sum(column), language) for column in zip(*numbers, strict=True)],
    )


def transfers_page(
    page: TransfersPage, school_names: Mapping[str, str], edition: Edition, *, index: str | None = None
) -> str:
    """Return the HTML of the auditor's page; a school without a name in `school_names` is shown by its code."""
    language, zone = edition.language, edition.zone

    def named(school: str) -> str:
        return f"{school} {school_names[school]}" if school in school_names else school

    return _render(
        "transfers.html.j2",
        edition,
        links=[] if index is None else [{"href": index, "text": phrase("all_schools", language)}],
        since=None if page.since is None else exact_time(page.since, zone),
        until=None if page.until is None else exact_time(page.until, zone),
        state=_log_state(page.log),
        log=page.log,
        log_size=number(page.log.size, language),
        checked_at=exact_time(page.log.checked_at, zone),
        problems=[problem.ru if language == Language.RU else problem.en for problem in page.log.problems],
        total_columns=_TOTALS,
        totals=[
            {
                "name": named(total.school),
                "counts": [
                    number(count, language)
                    for count in (
                        total.transfers, total.records_published, total.records_withdrawn, total.unfinished,
                    )
                ],
            }
            for total in totals(page.transfers)
        ],
        columns=_TRANSFERS,
        number_columns=_TRANSFERS[3:8],
        rows=[_transfer(transfer, edition) for transfer in sorted(page.transfers, key=lambda one: one.at)],
    )  # fmt: skip


def _transfer(transfer: Transfer, edition: Edition) -> dict[str, object]:
    language = edition.language
    outcome = "open" if transfer.outcome is None else transfer.outcome
    known = outcome in _OUTCOMES or outcome == "open"
    counts = (transfer.records_published, transfer.records_withdrawn, transfer.students, transfer.accounts)
    first, last = transfer.audit_first, transfer.audit_last
    entries = "—" if first is None or last is None else f"{first}–{last}" if first != last else str(first)
    return {
        "at": transfer.at,
        "time": exact_time(transfer.at, edition.zone),
        "school": transfer.school,
        "outcome": phrase(f"outcome_{outcome}", language) if known else outcome,
        "counts": [number(count, language) for count in counts],
        "entries": entries,
        "batch": transfer.batch,
        "receipt": transfer.receipt,
    }


def _log_state(log: LogState) -> dict[str, str]:
    if log.verified is None:
        return {"kind": "exceptions", "key": "log_unchecked"}
    return {"kind": "done", "key": "log_ok"} if log.verified else {"kind": "failed", "key": "log_bad"}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _style() -> tuple[Markup, str]:
    """Return the style sheet and the policy that admits it, and nothing else, to the page."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return Markup(style), policy  # noqa: S704  the project's own file, no value of a report is in it


def _render(template: str, edition: Edition, **values: object) -> str:
    style, policy = _style()
    return _environment().get_template(template).render(
        values,
        say=speaker(edition.language),
        language=str(edition.language),
        style=style,
        policy=policy,
        made_at=day_and_time(edition.made_at, edition.zone, edition.language),
        zone=edition.zone.key,
    )  # fmt: skip


def _replace(path: Path, text: str) -> None:
    """Put `text` at `path` in one step; a reader sees the earlier file or this one."""
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    finally:
        Path(beside).unlink(missing_ok=True)
