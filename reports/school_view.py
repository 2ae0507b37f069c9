"""What one school's page shows, from the run's numbers alone. Pure: words and counts, no HTML.

Rules. The parts of the balance always add up to what was read, so records that wait for a person or for the end
of a pause are shown apart from those without a consent, though the balance counts both as withheld. The reason
with the most records comes first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delivery.balance import RunFailure, SchoolBalance
from journal.wording import Language, Wording
from reports.actuality_words import formula, headline, remedy
from reports.balance_bar import Segment, segments
from reports.counting import number, share
from reports.delivery_reasons import WAITING_CODES
from reports.findings import PlaceCounts, by_place, of_students
from reports.phrases import COUNTED, phrase
from reports.reason_text import Catalogue, Fate, Owner, explain

ROWS_SHOWN = 100
"""How many rows of one reason a page lists; the rest is only counted."""


@dataclass(frozen=True, slots=True)
class SetAsideRow:
    """One row of the school's journal that was set aside: keys of the school's own database, nothing else."""

    source_key: str
    student_key: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Contact:
    """How someone who can help is reached, as the installation's operator wrote it (a phone, a room)."""

    owner: Owner
    details: str


@dataclass(frozen=True, slots=True)
class SchoolPage:
    """Everything on one school's page. `links_open` is None where nobody counted."""

    balance: SchoolBalance
    rows: Sequence[SetAsideRow] = ()
    links_open: int | None = None
    contacts: Sequence[Contact] = ()


@dataclass(frozen=True, slots=True)
class State:
    """In one word and one sentence what happened. `kind` is done, exceptions, held, failed, unbalanced or dry-run."""

    kind: str
    title: str
    advice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One fate in the balance: its count and share of what was read."""

    fate: str
    title: str
    meaning: str
    count: str
    share: str
    empty: bool


@dataclass(frozen=True, slots=True)
class ReasonView:
    """One reason with its count; `rows` are (row, student) as texts, `more` says how many are not listed."""

    code: str
    title: str
    meaning: str
    remedy: str
    owner: str | None
    count: str
    rows: tuple[tuple[str, str], ...] = ()
    more: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceView:
    """How many findings there are in one class with one teacher, as texts."""

    class_name: str
    teacher: str
    errors: str
    warnings: str


@dataclass(frozen=True, slots=True)
class SchoolView:
    """What the template draws for one school."""

    balance: SchoolBalance
    state: State
    sentence: str
    parts: tuple[Part, ...]
    bar: tuple[Segment, ...]
    read: str
    sections: tuple[tuple[str, tuple[ReasonView, ...]], ...]
    links: tuple[tuple[str, str], ...]
    contacts: Mapping[str, str]
    places: tuple[PlaceView, ...] = ()
    more_places: str | None = None
    actuality: tuple[str, ...] = ()
    """How many lessons were filled in in time: the figure, what to do where it is too low, how it came about."""


def view(page: SchoolPage, catalogue: Catalogue, language: Language) -> SchoolView:
    """Return what the page shows of a school, in `language`."""
    balance = page.balance
    parts = fates(balance)
    places = by_place(balance.findings)
    hidden = len(places) - ROWS_SHOWN
    links = [("links_put", balance.links_put), ("links_ended", balance.links_ended)]
    if page.links_open is not None:
        links.append(("links_open", page.links_open))
    return SchoolView(
        balance=balance,
        state=state_of(balance, language),
        sentence=sentence(balance, language),
        parts=tuple(_part(balance, fate, count, language) for fate, count in parts if count or fate != "waiting"),
        bar=segments(parts),
        read=number(balance.read, language),
        sections=_sections(page, catalogue, language),
        links=tuple((phrase(key, language), number(count, language)) for key, count in links),
        contacts={str(contact.owner): contact.details for contact in page.contacts},
        places=tuple(_place(place, language) for place in places[:ROWS_SHOWN]),
        more_places=COUNTED["more_rows"].say(hidden, language) if hidden > 0 else None,
        actuality=_actuality(balance, language),
    )


def _place(place: PlaceCounts, language: Language) -> PlaceView:
    unknown = phrase("place_unknown", language)
    counts = (number(count, language) for count in (place.errors, place.warnings))
    return PlaceView(place.class_name or unknown, place.teacher or unknown, *counts)


def _actuality(balance: SchoolBalance, language: Language) -> tuple[str, ...]:
    told = balance.actuality
    if told is None:
        return ()
    what = remedy(told, balance.school, language)
    said = (headline(told, language), *((what,) if what else ()), *formula(told, language))
    return tuple(_closed(sentence) for sentence in said)


def fates(balance: SchoolBalance) -> tuple[tuple[str, int], ...]:
    """Return the parts of the balance in the order of the page; they add up to what was read."""
    waiting = sum(count for code, count in balance.withheld.items() if code in WAITING_CODES)
    return (
        ("sent", balance.sent),
        ("unchanged", balance.unchanged),
        ("waiting", waiting),
        ("withheld", sum(balance.withheld.values()) - waiting),
        ("set_aside", sum(balance.set_aside.values())),
        ("failed", balance.failed),
    )


TAKEN_BACK = "withdrawn_short"
COLUMNS = (
    "read",
    "sent_short",
    "unchanged_short",
    "withheld_short",
    "set_aside_short",
    "failed_short",
    TAKEN_BACK,
)
"""The headings (phrase keys) of tables that show a school a row, with the numbers of `columns`."""


def columns(balance: SchoolBalance) -> tuple[int, ...]:
    """Return read, sent, unchanged, withheld, set aside, failed and taken back."""
    return (
        balance.read,
        balance.sent,
        balance.unchanged,
        sum(balance.withheld.values()),
        sum(balance.set_aside.values()),
        balance.failed,
        sum(balance.withdrawn.values()),
    )


def state_of(balance: SchoolBalance, language: Language) -> State:
    """Say in one word what a run came to: the worst thing first."""

    def state(kind: str, title: str, *advice: str) -> State:
        return State(kind, phrase(title, language), advice)

    if not balance.balances and balance.failure is None:
        return state("unbalanced", "state_unbalanced", phrase("advice_unbalanced", language))
    if balance.failure is not None:
        title, advice = _of_failure(balance, balance.failure)
        what_now = [phrase(advice, language)] if advice else []
        said = _in(balance.failure.wording, language)
        return state("failed", title, said, *what_now, phrase("error_code", language, code=balance.failure.code))
    if balance.held is not None:
        late = balance.held.exceeded == ("actuality_below",)
        numbers = {
            name: number(getattr(balance.held, name), language) for name in ("changes", "withdrawals", "holdings")
        }
        return state(
            "held",
            "state_held",
            phrase("advice_held_lessons" if late else "advice_held", language),
            phrase("held_numbers", language, **numbers),
            phrase("held_digest", language, digest=balance.held.digest),
        )
    if balance.dry_run or balance.sweep:
        dry = balance.dry_run
        advice = phrase("advice_dry_run" if dry else "advice_swept", language)
        return state("dry-run" if dry else "done", "state_dry_run" if dry else "state_swept", advice)
    lost = sum(balance.all_set_aside.values()) + balance.failed
    if lost:
        return state("exceptions", "state_exceptions", COUNTED["advice_exceptions"].say(lost, language))
    below = balance.actuality is not None and balance.actuality.below
    return state("done", "state_done", phrase("advice_done_lessons" if below else "advice_done", language))


_PLAN_OUTDATED = "plan-outdated"


def _of_failure(balance: SchoolBalance, failure: RunFailure) -> tuple[str, str | None]:
    """Return the phrases' keys for a run that was not done: its title, and what comes of it by itself, if anything."""
    if balance.sweep:
        return "state_not_swept", "advice_not_swept"
    if balance.dry_run:
        return "state_not_planned", "advice_not_planned"
    title = "state_broken_off" if balance.read else "state_failed"
    return title, None if failure.code == _PLAN_OUTDATED else "advice_failed"  # a person makes a new plan, or nobody


def sentence(balance: SchoolBalance, language: Language) -> str:
    """Say the balance in one sentence; parts of nothing are left out."""
    said: list[str] = []
    if balance.journals_not_read:
        unread = {"journals": balance.journals_not_read, "records": balance.records_not_read}
        apart = " " + phrase("not_read", language, **{key: number(one, language) for key, one in unread.items()})
    else:
        apart = ""
    if balance.read == 0:
        return phrase("nothing_read", language) + apart
    for fate, count in fates(balance):
        key = "said_sent_dry_run" if fate == "sent" and balance.dry_run else f"said_{fate}"
        if count:
            said.append(COUNTED[key].say(count, language))
    return f"{COUNTED['records_read'].say(balance.read, language)}: {'; '.join(said)}.{apart}"


def _part(balance: SchoolBalance, fate: str, count: int, language: Language) -> Part:
    key = "sent_dry_run" if fate == "sent" and balance.dry_run else fate
    return Part(
        fate=fate,
        title=phrase(key, language),
        meaning=phrase(f"{key}_meaning", language),
        count=number(count, language),
        share=share(count, balance.read, language),
        empty=count == 0,
    )


def _sections(
    page: SchoolPage, catalogue: Catalogue, language: Language
) -> tuple[tuple[str, tuple[ReasonView, ...]], ...]:
    """Return (phrase key of the heading, reasons) for each heading that has any, what the school can mend first."""
    balance = page.balance
    exceeded = dict.fromkeys(balance.held.exceeded if balance.held else (), 0)
    waiting = {code: count for code, count in balance.withheld.items() if code in WAITING_CODES}
    withheld = {code: count for code, count in balance.withheld.items() if code not in WAITING_CODES}
    headings: tuple[tuple[str, Fate, Mapping[str, int]], ...] = (
        ("why_held", Fate.LIMIT, exceeded),
        ("set_aside", Fate.SET_ASIDE, balance.all_set_aside),
        ("waiting", Fate.WITHHELD, waiting),
        ("withheld", Fate.WITHHELD, withheld),
        ("warnings", Fate.WARNING, balance.all_warnings),
        ("students_odd", Fate.STUDENT, of_students(balance.findings)),
        ("withdrawn", Fate.WITHDRAWN, balance.withdrawn),
        ("differences", Fate.DIFFERENCE, balance.differences),
    )
    return tuple(
        (heading, tuple(_reasons(fate, counts, page.rows, catalogue, language)))
        for heading, fate, counts in headings
        if counts
    )


def _reasons(
    fate: Fate, counts: Mapping[str, int], rows: Sequence[SetAsideRow], catalogue: Catalogue, language: Language
) -> list[ReasonView]:
    views = []
    for code in sorted(counts, key=lambda code: (-counts[code], code)):
        text = explain(catalogue, fate, code)
        own = [row for row in rows if row.reason == code] if fate is Fate.SET_ASIDE else []
        hidden = max(len(own), counts[code]) - min(len(own), ROWS_SHOWN)
        views.append(
            ReasonView(
                code=code,
                title=_in(text.title, language),
                meaning="" if text.meaning is None else _closed(_in(text.meaning, language)),
                remedy=_closed(_in(text.remedy, language)),
                owner=None if text.owner is Owner.NOBODY else phrase(f"owner_{text.owner}", language),
                count=_count(fate, counts[code], language),
                rows=tuple(_row(row, language) for row in own[:ROWS_SHOWN]),
                more=COUNTED["more_rows"].say(hidden, language) if own and hidden else None,
            )
        )
    return views


def _count(fate: Fate, count: int, language: Language) -> str:
    if fate is Fate.LIMIT:
        return ""
    return COUNTED["students_counted" if fate is Fate.STUDENT else "records_counted"].say(count, language)


def _row(row: SetAsideRow, language: Language) -> tuple[str, str]:
    table, _, row_id = row.source_key.partition(":")
    known = table in {"mark", "absence", "period"} and row_id
    name = phrase(f"source_{table}", language, id=row_id) if known else row.source_key
    return name, row.student_key or phrase("student_none", language)


def _closed(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _in(wording: Wording, language: Language) -> str:
    return wording.ru if language == Language.RU else wording.en
