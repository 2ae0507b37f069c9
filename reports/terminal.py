"""The balance in a terminal: a block a school that adds up downwards, or a row a school where there are many.

Rules. A block reads from top to bottom: read = sent + unchanged + withheld + set aside + failed, each reason
indented under the part it belongs to, the reasons with most records first. A sweep reads no school, and says what it
took back. Both forms fit 80 columns; no number is
ever cut. Schools stand in the order given.
"""

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from delivery.balance import SchoolBalance
from journal.wording import Language
from reports.actuality_words import headline, remedy
from reports.actuality_words import row as actuality_row
from reports.counting import NO_BREAK_SPACE, number
from reports.findings import by_place, of_students
from reports.phrases import phrase
from reports.reason_text import Catalogue, Fate, explain
from reports.school_view import COLUMNS, TAKEN_BACK, State, columns, state_of

PLACES = 5
"""How many classes and teachers a block names, those with most findings."""
IN_FULL = 5
"""Up to how many schools each get a block of their own."""

_STYLES = {
    "done": "green",
    "exceptions": "yellow",
    "held": "yellow",
    "failed": "red",
    "unbalanced": "red",
    "dry-run": "cyan",
}
_MARKS = {"done": "✓", "exceptions": "!", "held": "?", "failed": "✗", "unbalanced": "✗", "dry-run": "·"}
_SIGNS = ("", "= ", "+ ", "+ ", "+ ", "+ ", "")


def table(
    balances: Sequence[SchoolBalance],
    language: Language,
    catalogue: Catalogue | None = None,
    *,
    in_full: bool | None = None,
) -> RenderableType:
    """Return the balances for a rich console. Without a catalogue, reasons are shown by their codes.

    `in_full` chooses the form; None: a block each for up to `IN_FULL` schools, else a row each.
    """
    if in_full is None:
        in_full = len(balances) <= IN_FULL
    if in_full:
        return Group(*(_block(balance, language, catalogue or {}) for balance in balances))
    told = [balance for balance in balances if state_of(balance, language).kind in {"failed", "held", "unbalanced"}]
    late = [
        Text.assemble((f"{balance.school} {balance.name}", "bold"), ": ", " ".join(lines))
        for balance in balances
        if (lines := below_target(balance, language))
    ]
    return Group(_rows(balances, language), *(_told(balance, language) for balance in told), *late)


def _block(balance: SchoolBalance, language: Language, catalogue: Catalogue) -> RenderableType:
    state = state_of(balance, language)
    head = Text.assemble((f"{balance.school} {balance.name}", "bold"), ": ", (state.title, _STYLES[state.kind]))
    lines = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    lines.add_column(overflow="fold")
    lines.add_column(justify="right", no_wrap=True)
    for line in _numbers(balance, language, catalogue):
        lines.add_row(*line)
    if balance.journals_not_read:
        unread = phrase("not_read_short", language, journals=number(balance.journals_not_read, language))
        lines.add_row(unread, number(balance.records_not_read, language))
        for code, count in _largest_first(balance.set_aside_not_read):
            lines.add_row(
                Text(f"    {_title(catalogue, Fate.SET_ASIDE, code, language)}", "dim"), number(count, language)
            )
    if balance.actuality is not None:
        lines.add_row(*actuality_row(balance.actuality, language))
    beside = (
        ("warnings", Fate.WARNING, balance.all_warnings),
        ("students_odd", Fate.STUDENT, of_students(balance.findings)),
        ("differences", Fate.DIFFERENCE, balance.differences),
    )
    for key, fate, by_name in beside:
        for code, count in _largest_first(by_name):
            heading = phrase(key, language).lower()
            lines.add_row(Text(f"{heading}: {_title(catalogue, fate, code, language)}"), number(count, language))
    for title, total in _places(balance, language):
        lines.add_row(Text(title), total)
    advice = [] if state.kind in {"done", "exceptions"} else [_advice(state)]
    advice += [Text(line, "yellow") for line in below_target(balance, language)]
    return Group(head, Padding(Group(*advice, lines), (0, 0, 0, 2)), "")


def _numbers(
    balance: SchoolBalance, language: Language, catalogue: Catalogue
) -> Iterator[tuple[str | Text, str | Text]]:
    """Yield the balance's lines; of a sweep what it took back, for there is nothing else in it."""
    reasons: tuple[tuple[Fate, Mapping[str, int]] | None, ...] = (
        None,
        None,
        None,
        (Fate.WITHHELD, balance.withheld),
        (Fate.SET_ASIDE, balance.set_aside),
        None,
        (Fate.WITHDRAWN, balance.withdrawn),
    )
    for sign, column, count, by_code in zip(_SIGNS, COLUMNS, columns(balance), reasons, strict=True):
        if balance.sweep and column != TAKEN_BACK:
            continue
        yield sign + phrase(column, language).lower(), number(count, language)
        for code, part in _largest_first(by_code[1]) if by_code else ():
            title = _title(catalogue, by_code[0], code, language) if by_code else code
            yield Text(f"    {title}", "dim"), Text(number(part, language), "dim")
    for key, count in (("links_put", balance.links_put), ("links_ended", balance.links_ended)):
        if count or not balance.sweep:
            yield phrase(f"{key}_short", language), number(count, language)


def _places(balance: SchoolBalance, language: Language) -> Iterator[tuple[str, str]]:
    """Yield the classes and teachers with most findings, and how many others there are."""
    places = by_place(balance.findings)
    for one in places[:PLACES]:
        where = {"class_name": one.class_name or "–", "teacher": one.teacher or "–"}
        counts = {"errors": number(one.errors, language), "warnings": number(one.warnings, language)}
        yield phrase("place_short", language, **where, **counts), number(one.errors + one.warnings, language)
    if len(places) > PLACES:
        rest = sum(one.errors + one.warnings for one in places[PLACES:])
        more = number(len(places) - PLACES, language)
        yield phrase("places_more", language, places=more, school=balance.school), number(rest, language)


def below_target(balance: SchoolBalance, language: Language) -> list[str]:
    """Return the school's figure and what to do, where too few lessons were filled in in time; numbers unbroken."""
    told = balance.actuality
    what = None if told is None else remedy(told, balance.school, language)
    if told is None or what is None:
        return []
    return [f"{headline(told, language)}.".replace(NO_BREAK_SPACE, ""), f"{what}."]


def _rows(balances: Sequence[SchoolBalance], language: Language) -> RenderableType:
    """Return a table of a row a school, with their sum, and what the marks before the codes mean."""
    whole = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_footer=True)
    sums = [sum(column) for column in zip(*(columns(balance) for balance in balances), strict=True)]
    whole.add_column(phrase("school", language), phrase("total", language), overflow="fold")
    for column, total in zip(COLUMNS, sums, strict=True):
        heading, foot = phrase(column, language), number(total, language)
        width = max(len(word) for word in (*heading.split(), foot))
        whole.add_column(heading, foot, justify="right", min_width=width)
    seen: dict[tuple[tuple[str, str], str], None] = {}
    for balance in balances:
        state = state_of(balance, language)
        seen[_mark(state), state.title] = None
        code = Text.assemble(_mark(state), " ", (balance.school, "bold"))
        whole.add_row(code, *(number(count, language) for count in columns(balance)))
    legend = Text("; ").join(Text.assemble(mark, " ", title) for mark, title in seen)
    return Group(whole, legend)


def _mark(state: State) -> tuple[str, str]:
    return _MARKS[state.kind], _STYLES[state.kind]


def _told(balance: SchoolBalance, language: Language) -> Text:
    """Return why a school waits for a person or was not done, and what to do."""
    return Text.assemble((f"{balance.school} {balance.name}", "bold"), ": ", _advice(state_of(balance, language)))


def _advice(state: State) -> Text:
    """Return a state's sentences; numbers lose their inner space, at which rich would break the line."""
    return Text(" ".join(state.advice).replace(NO_BREAK_SPACE, ""))


def _largest_first(by_code: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(by_code.items(), key=lambda part: (-part[1], part[0]))


def _title(catalogue: Catalogue, fate: Fate, code: str, language: Language) -> str:
    if fate not in catalogue:
        return code
    wording = explain(catalogue, fate, code).title
    return wording.ru if language == Language.RU else wording.en
