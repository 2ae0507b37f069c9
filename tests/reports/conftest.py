"""The cases that the golden files are named by, and a Chromium spoken to through a pipe."""

import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from delivery.balance import HeldPlan, RunFailure, SchoolBalance
from journal.actuality import Actuality, Goal, SchoolActuality
from journal.wording import Language, Wording
from mappings.findings import FindingCount
from reports.delivery_reasons import DIFFERENCE_TEXTS, LIMIT_TEXTS, WAITING_TEXTS, WITHDRAWN_TEXTS
from reports.pages import Edition
from reports.reason_text import Catalogue, Fate, Owner, ReasonText
from reports.school_view import Contact, SchoolPage, SetAsideRow
from reports.transfers import LogState, Transfer, TransfersPage

NOW = datetime(2026, 11, 24, 16, 15, 2, tzinfo=UTC)

PLAIN = SchoolBalance(
    school="0252",
    name="ГБОУ СОШ № 252",
    district="Красносельский",
    run="3f6c2a9e41d07b58",
    started_at=NOW,
    ended_at=NOW + timedelta(seconds=41),
    read=61_219,
    sent=1_204,
    unchanged=38_416,
    withheld={"no-link": 21_005, "consent-expired": 310, "not-identified": 188, "kind-not-covered": 96},
    links_put=12,
    links_ended=1,
)
"""A run that did all it could."""

EXCEPTIONS = replace(
    PLAIN,
    sent=1_171,
    failed=2,
    set_aside={"unknown-mark-type": 17, "duplicate-mark": 8, "lesson-cancelled": 5, "a-new-reason": 1},
    warnings={"not-journal-member": 41, "comment-undecodable": 3},
    withdrawn={"deleted": 6, "consent-withdrawn": 54},
    warnings_not_read={"comment-undecodable": 2},
    findings=(
        FindingCount("a-new-reason", "", "", 1),
        FindingCount("birth-date-missing", "7Б", "", 2),
        FindingCount("comment-undecodable", "11А", "7", 5),
        FindingCount("duplicate-mark", "5А", "12", 8),
        FindingCount("lesson-cancelled", "9В", "3", 5),
        FindingCount("not-journal-member", "5А", "12", 40),
        FindingCount("not-journal-member", "8<Г>", "", 1),
        FindingCount("unknown-mark-type", "5А", "30", 17),
    ),
)
"""A run with everything that a school may have to put right."""

HELD = replace(
    PLAIN,
    sent=0,
    withheld={**PLAIN.withheld, "held": 1_204},
    held=HeldPlan("b1946ac92492d234", ("withdraw_share", "change_share"), 9_120, 10_324, 38_416),
)
BROKEN_OFF = replace(
    PLAIN,
    sent=700,
    failed=504,
    failure=RunFailure("portal-timeout", Wording("Связь с порталом прервалась {timeout}.", "The call broke off.")),
)
UNREADABLE = SchoolBalance(
    "0017",
    "Гимназия <№ 17> & лицей",
    "",
    "77aa01",
    NOW,
    NOW,
    failure=RunFailure(
        "school-unreachable",
        Wording(
            "База школы 0017 не отвечает. Проверьте, включён ли сервер журнала.",
            "The database of school 0017 does not answer. Check that the journal's server is on.",
        ),
    ),
)
DRY_RUN = replace(PLAIN, run="plan", dry_run=True)
LESSONS = SchoolActuality(
    date(2026, 11, 24), Goal(2, 0.95), Actuality(4_817, 201, 64, {"cancelled": 12, "within-term": 305, "unclear": 1})
)
"""Below the target by less than rounding shows: 94.785 %."""
BELOW = replace(PLAIN, actuality=LESSONS)
REACHED = replace(
    PLAIN, actuality=replace(LESSONS, figure=Actuality(1_999, 1, 0, {"not-held": 40}), assumed=True), name="Школа"
)
NOT_KEPT = replace(PLAIN, actuality=replace(LESSONS, figure=Actuality(0, 0, 9, known=False)))
HELD_BELOW = replace(
    HELD,
    actuality=replace(LESSONS, goal=Goal(2, 0.95, holds=True)),
    held=HeldPlan("77f0", ("actuality_below",), 0, 7, 9),
)
UNBALANCED = replace(PLAIN, read=PLAIN.read + 1)
RECONCILED = replace(PLAIN, differences={"missing": 2, "foreign": 1})

ROWS = (
    *(SetAsideRow(f"mark:{900_000 + n}", str(400 + n), "unknown-mark-type") for n in range(17)),
    SetAsideRow("absence:77", None, "lesson-cancelled"),
    SetAsideRow("period:12", "431", "a-new-reason"),
    SetAsideRow("other:1", "432", "a-new-reason"),
)
CONTACTS = (Contact(Owner.OPERATOR, "ИМЦ района, тел. 000-00-00"),)

SCHOOL_CASES = {
    "done": SchoolPage(PLAIN),
    "exceptions": SchoolPage(EXCEPTIONS, rows=ROWS, links_open=612, contacts=CONTACTS),
    "held": SchoolPage(HELD),
    "broken-off": SchoolPage(BROKEN_OFF),
    "unreadable": SchoolPage(UNREADABLE),
    "dry-run": SchoolPage(DRY_RUN),
    "unbalanced": SchoolPage(UNBALANCED),
    "reconciled": SchoolPage(RECONCILED),
    "lessons-below": SchoolPage(BELOW),
    "lessons-reached": SchoolPage(REACHED),
    "lessons-not-kept": SchoolPage(NOT_KEPT),
    "lessons-held": SchoolPage(HELD_BELOW),
}

LOG = LogState(
    origin="dnevnik-bridge/krasnoselsky",
    size=48_211,
    root="CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
    verified=True,
    key="dnevnik-bridge/krasnoselsky+0a1b2c3d+AZz6v1mVYc5m2eQXb0ln8S0b4dS7o0nXc1kY0T4mS3rB",
    checked_at=NOW + timedelta(minutes=5),
)


def _transfer(number: int, **changes: object) -> Transfer:
    made = Transfer(
        at=NOW + timedelta(seconds=7 * number),
        school="0252" if number % 3 else "0017",
        batch=f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" * 4,
        records_published=1_000,
        records_withdrawn=number % 4,
        students=212,
        accounts=240,
        outcome="taken",
        receipt=f"R-2026-{number:06d}",
        audit_first=100 * number,
        audit_last=100 * number + 99,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # a test names the fields


TRANSFERS = TransfersPage(
    transfers=(
        _transfer(3),
        _transfer(1),
        _transfer(2),
        _transfer(4, outcome="not-taken", receipt=None),
        _transfer(5, outcome="refused", receipt=None, audit_first=700, audit_last=700),
        _transfer(6, outcome=None, receipt=None),
        _transfer(7, outcome="a-later-word"),
    ),
    log=LOG,
    since=NOW - timedelta(days=1),
    until=NOW + timedelta(hours=1),
)
DAMAGED = replace(
    TRANSFERS,
    log=replace(
        LOG,
        verified=False,
        problems=(Wording("Запись 17 изменена: хеш листа не совпадает", "Entry 17 was changed: leaf hash differs"),),
    ),
)
EMPTY = TransfersPage((), replace(LOG, size=0, verified=None))

TRANSFER_CASES = {"transfers": TRANSFERS, "transfers-damaged": DAMAGED, "transfers-empty": EMPTY}


def _words(code: str, ru: str, en: str, remedy_ru: str, remedy_en: str, owner: Owner) -> ReasonText:
    return ReasonText(code, Wording(ru, en), None, Wording(remedy_ru, remedy_en), owner)


WORDS: Catalogue = {
    Fate.WITHHELD: {
        **WAITING_TEXTS,
        "no-link": _words(
            "no-link", "Заявления нет", "No application", "Ничего не нужно", "Nothing needs doing", Owner.NOBODY
        ),
        "consent-expired": _words(
            "consent-expired", "Срок истёк", "Expired", "Возьмите новое согласие", "Take a new one", Owner.REGISTRAR
        ),
    },
    Fate.SET_ASIDE: {
        "duplicate-mark": _words(
            "duplicate-mark", "Две отметки", "Two marks", "Оставьте одну", "Leave one of them", Owner.TEACHER
        ),
        "unknown-mark-type": _words(
            "unknown-mark-type", "Неизвестный вид", "Unknown type", "Исправьте вид.", "Correct it.", Owner.JOURNAL
        ),
    },
    Fate.WITHDRAWN: WITHDRAWN_TEXTS,
    Fate.DIFFERENCE: DIFFERENCE_TEXTS,
    Fate.LIMIT: LIMIT_TEXTS,
}
"""Words that stay the same when a room changes its own, so that a golden file shows this package's changes alone."""


def edition(language: Language = Language.RU) -> Edition:
    return Edition(WORDS, language, ZoneInfo("Europe/Moscow"), NOW + timedelta(minutes=6))


@dataclass(frozen=True)
class Cases:
    """All cases, for tests that want them by name."""

    plain: SchoolBalance = PLAIN
    exceptions: SchoolBalance = EXCEPTIONS
    held: SchoolBalance = HELD
    schools: dict[str, SchoolPage] = field(default_factory=lambda: SCHOOL_CASES)
    transfers: dict[str, TransfersPage] = field(default_factory=lambda: TRANSFER_CASES)
    words: Catalogue = field(default_factory=lambda: WORDS)
    edition: Callable[..., Edition] = edition


@pytest.fixture(scope="session")
def cases() -> Cases:
    return Cases()


@pytest.fixture(scope="session")
def golden() -> Callable[[str, str], None]:
    """Hold a text against the golden file of that name; GOLDEN=write in the environment writes it anew."""
    folder = Path(__file__).parent / "golden"

    def compare(name: str, text: str) -> None:
        path = folder / name
        if os.environ.get("GOLDEN") == "write":
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{name} changed; GOLDEN=write if it should"

    return compare


class Chromium:
    """A headless Chromium under the DevTools protocol on two pipes: no port, no network."""

    def __init__(self, program: str, profile: Path) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        flags = (
            "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
            "--disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-pipe"
        )
        command = f'exec "{program}" {flags} --user-data-dir="{profile}" 3<&{to_browser} 4>&{from_browser}'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", command],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._numbers = itertools.count(1)
        self._rest = b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session: str | None = cast(
            "str", self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        )
        self.call("Page.enable")

    def call(self, method: str, **params: object) -> dict[str, object]:
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": params}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._next()
            if reply.get("id") == number:
                assert "error" not in reply, reply["error"]
                return cast("dict[str, object]", reply["result"])

    def _next(self) -> dict[str, object]:
        deadline = time.monotonic() + 60
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "Chromium does not answer"
            self._rest += os.read(self._read, 1 << 16)
        message, _, self._rest = self._rest.partition(b"\0")
        return cast("dict[str, object]", json.loads(message))

    def open(self, path: Path, width: int, height: int = 900) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Page.navigate", url=path.as_uri())
        while self.value("document.readyState") != "complete" or self.value("location.href") != path.as_uri():
            time.sleep(0.02)

    def value(self, expression: str) -> object:
        """Return what a JavaScript expression is in the page; the page itself may run no script."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return cast("dict[str, object]", result["result"]).get("value")

    def close(self) -> None:
        os.write(self._write, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        self._process.wait(30)
        os.close(self._write)
        os.close(self._read)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("no Chromium on this machine: apt-get install chromium")
    browser = Chromium(program, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
