"""The balance as a table in a terminal: a row a school, under it a row a reason, in the column that it adds to.

Rules. Every row of a school reads from left to right as the balance: read = sent + unchanged + withheld + set
aside + failed. Schools stand in the order given, the reasons with most records first.
"""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from delivery.balance import SchoolBalance
from journal.wording import Language
from reports.counting import number
from reports.phrases import phrase
from reports.reason_text import Catalogue, Fate, explain
from reports.school_view import COLUMNS, columns, state_of

_SIGNS = ("", "= ", "+ ", "+ ", "+ ", "+ ", "")
_STYLES = {
    "done": "green", "exceptions": "yellow", "held": "yellow", "failed": "red", "unbalanced": "red", "dry-run": "cyan",
}  # fmt: skip


def table(balances: Sequence[SchoolBalance], language: Language, catalogue: Catalogue | None = None) -> RenderableType:
    """Return the balances for a rich console. Without a catalogue, reasons are shown by their codes."""
    whole = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    whole.add_column(phrase("school", language), overflow="fold", min_width=16)
    for sign, column in zip(_SIGNS, COLUMNS, strict=True):
        whole.add_column(sign + phrase(column, language), justify="right")
    for balance in balances:
        state = state_of(balance, language)
        name = Text.assemble((f"{balance.school} {balance.name}", "bold"), "\n", (state.title, _STYLES[state.kind]))
        whole.add_row(name, *(number(count, language) for count in columns(balance)))
        for fate, reason_column, by_code in (
            (Fate.WITHHELD, 3, balance.withheld),
            (Fate.SET_ASIDE, 4, balance.set_aside),
            (Fate.WITHDRAWN, 6, balance.withdrawn),
        ):
            _add_reasons(whole, fate, reason_column, by_code, language, catalogue)
        whole.add_section()
    if len(balances) > 1:
        sums = [sum(column) for column in zip(*(columns(balance) for balance in balances), strict=True)]
        whole.add_row(Text(phrase("total", language), "bold"), *(number(count, language) for count in sums))
    return Group(whole, *_advice(balances, language))


def _add_reasons(
    whole: Table, fate: Fate, column: int, by_code: Mapping[str, int], language: Language, catalogue: Catalogue | None
) -> None:
    for code in sorted(by_code, key=lambda code: (-by_code[code], code)):
        cells = ["" for _ in COLUMNS]
        cells[column] = number(by_code[code], language)
        title = code
        if catalogue is not None:
            wording = explain(catalogue, fate, code).title
            title = wording.ru if language == Language.RU else wording.en
        whole.add_row(Text(f"  {title}", "dim"), *(Text(cell, "dim") for cell in cells))


def _advice(balances: Sequence[SchoolBalance], language: Language) -> list[Text]:
    """Return a line for each school that waits for a person or was not done: why, and what to do."""
    lines = []
    for balance in balances:
        state = state_of(balance, language)
        if state.kind in {"failed", "held", "unbalanced"}:
            lines.append(Text.assemble((balance.school, "bold"), ": ", " ".join(state.advice)))
    return lines
