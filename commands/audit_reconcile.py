"""`dnevnik audit reconcile`: holds the audit log, the ledger and the portal's holdings against each other.

Rules. Reads, and changes nothing anywhere; what mends is said beside each difference. The three are read one after the
other, so a school at which something was logged meanwhile is read again, three times at most; then it says that a run
is under way. A school that can't be read fails alone. Exit status 0 all three agree, 1 something differs, 2 not done.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import database
from commands.call import Call
from commands.opening import open_bridge
from delivery.difference_names import MEANINGS
from delivery.ledger_books import ledger_book, parsed
from delivery.three_ledgers import Difference, LogBook, compare, counted, fold
from flows.bridge import Bridge
from flows.failures import describe
from journal.portal import PortalError
from journal.records import Holding
from journal.wording import BridgeError, ExitStatus, Language, Wording
from settings import SchoolSection

_TRIES = 3
_SHOWN = 20

_AGREE = Wording(
    ru="Школа {school}: журнал, учёт и портал сходятся. Пакетов {batches}, записей на портале {holdings}, "
    "исход неизвестен у пакетов: {open}",
    en="School {school}: log, ledger and portal agree. Batches {batches}, records at the portal {holdings}, "
    "batches without an outcome: {open}",
)
_DIFFER = Wording(ru="Школа {school}: расхождений {count}", en="School {school}: differences: {count}")
_ONE = Wording(ru="  {name} ({count}): {meaning}. {remedy}", en="  {name} ({count}): {meaning}. {remedy}")
_WHICH = Wording(ru="    {ids}", en="    {ids}")
_MORE = Wording(ru="… и ещё {count}; все: --json", en="… and {count} more; all of them: --json")
_MOVING = Wording(
    ru="Школа {school}: идёт передача, сверить нельзя. Повторите, когда она закончится",
    en="School {school}: a run is under way, so nothing can be compared. Try again when it has ended",
)


@dataclass(frozen=True, slots=True)
class Compared:
    """What one school's three books gave."""

    school: str
    batches: int
    open_batches: int
    holdings: int
    differences: Sequence[Difference]


@dataclass(slots=True)
class _LogReader:
    """The log's books so far; `advance` adds what was appended since and tells which schools it speaks of."""

    bridge: Bridge
    size: int = 0
    books: dict[str, LogBook] = field(default_factory=dict)

    def advance(self) -> set[str]:
        size = self.bridge.log.checkpoint().size
        if self.size == 0:
            self.books = fold(parsed(self.bridge.log.entries(0, size)))
            self.size = size
            return set(self.books)
        moved = set()
        for entry in parsed(self.bridge.log.entries(self.size, size)):
            code = str(getattr(entry, "school", ""))
            self.books.setdefault(code, LogBook()).add(entry)
            moved.add(code)
        self.size = size
        return moved


def compare_ledgers(call: Call, schools: Sequence[str], *, as_document: bool) -> ExitStatus:
    """Compare each school's three books and say every difference by its name."""
    settings = call.settings()
    chosen = settings.chosen(schools)
    bridge = open_bridge(settings)
    log = _LogReader(bridge)
    log.advance()
    done: list[Compared] = []
    failures: dict[str, Wording] = {}
    for school in chosen:
        try:
            done.append(compared(bridge, log, school))
        except (BridgeError, PortalError) as error:
            failures[school.code] = describe(error).wording
    if as_document:
        call.console.result(json.dumps(_as_json(done, failures), ensure_ascii=False, indent=2))
    else:
        for one in done:
            _tell(call, one)
        for code, failure in failures.items():
            call.console.note(f"{code}: {failure.say(call.console.language)}")
    if failures:
        return ExitStatus.NOT_DONE
    return ExitStatus.DONE_WITH_EXCEPTIONS if any(one.differences for one in done) else ExitStatus.DONE


def compared(bridge: Bridge, log: _LogReader, school: SchoolSection) -> Compared:
    """Read ledger and portal while the log stands still. Raises BridgeError `ledgers-moving`, PortalError."""
    code = school.code
    for _ in range(_TRIES):
        with database.reading(bridge.engine) as connection:
            ledger = ledger_book(connection, code)
        holdings = _holdings(bridge, code)
        if code in log.advance():
            continue
        book = log.books.get(code, LogBook())
        still_open = sum(state == "open" for state in ledger.batches.values())
        return Compared(code, len(book.outcomes), still_open, len(holdings), compare(book, ledger, holdings))
    raise BridgeError("ledgers-moving", _MOVING, {"school": code})


def _holdings(bridge: Bridge, code: str) -> list[Holding]:
    def once() -> list[Holding]:
        bridge.turns.take()
        return list(bridge.portal.holdings(code))

    return bridge.patience.call(once, idempotent=True)


def _tell(call: Call, one: Compared) -> None:
    console, language = call.console, call.console.language
    if not one.differences:
        told = {"batches": one.batches, "holdings": one.holdings, "open": one.open_batches}
        console.say(_AGREE, school=one.school, **told)
        return
    console.say(_DIFFER, school=one.school, count=len(one.differences))
    for name, count in counted(one.differences).items():
        meaning, remedy = MEANINGS[name]
        said = {"meaning": meaning.say(language), "remedy": remedy.say(language, school=one.school)}
        console.say(_ONE, name=name, count=count, **said)
        ids = [difference.what for difference in one.differences if difference.name is name]
        more = _MORE.say(language, count=count - _SHOWN) if count > _SHOWN else ""
        console.say(_WHICH, ids=" ".join([*ids[:_SHOWN], more]).strip())


def _as_json(done: Sequence[Compared], failures: Mapping[str, Wording]) -> dict[str, object]:
    compared_schools = {
        one.school: {
            "batches": one.batches,
            "open_batches": one.open_batches,
            "holdings": one.holdings,
            "differences": [
                {"name": str(difference.name), difference.subject: difference.what} for difference in one.differences
            ],
        }
        for one in done
    }
    failed = {
        code: {"failure": {str(language): wording.say(language) for language in Language}}
        for code, wording in failures.items()
    }
    return {"schools": compared_schools | failed}
