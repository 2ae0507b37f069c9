"""What `dnevnik findings` shows of a school on a terminal: each code with its words, then the classes and teachers.

Rules. Errors come first, the most first. Every remedy stands beside its count; no number is cut. Nobody is named.
"""

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from journal.wording import Language, Wording
from mappings.findings import FindingCount
from mappings.reasons import Severity, StudentWarning
from mappings.unmapped import Unmapped
from reports.counting import number
from reports.findings import by_code, by_place, severity_of
from reports.phrases import phrase
from reports.reason_text import Catalogue, Fate, explain

_STUDENTS = frozenset(str(code) for code in StudentWarning)
_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def table_of(
    school: str,
    read: int,
    findings: Sequence[FindingCount],
    language: Language,
    catalogue: Catalogue,
    *,
    unmapped: Sequence[Unmapped] = (),
) -> RenderableType:
    """Return a school's findings for a rich console; `read` rows of the journal were read.

    `unmapped` are the codes that the school's profile says nothing of.
    """
    graves = Counter(dict.fromkeys(Severity, 0))
    for one in findings:
        graves[severity_of(one.code)] += one.count
    said = {"read": read, "errors": graves[Severity.ERROR], "warnings": graves[Severity.WARNING]}
    counts = {name: number(count, language) for name, count in said.items()}
    head = Text.assemble((school, "bold"), ": ", phrase("findings_head", language, **counts))
    if not findings:
        return Group(head, "")
    codes = [
        phrase("unmapped", language, table=one.table, code=one.code, count=number(one.count, language))
        for one in unmapped
    ]
    return Group(head, _codes(findings, language, catalogue), *map(Text, codes), _places(findings, language), "")


def _codes(findings: Sequence[FindingCount], language: Language, catalogue: Catalogue) -> Table:
    table = _table(("finding", "severity", "remedy", "found"), language)
    for code, count in by_code(findings).items():
        severity = severity_of(code)
        text = explain(catalogue, _fate(code), code)
        title = Text.assemble(_in(text.title, language), ("\n" + code, "dim"))
        grave = Text(phrase(f"severity_{severity}", language), _STYLES[severity])
        table.add_row(title, grave, Text(_in(text.remedy, language)), number(count, language))
    return table


def _fate(code: str) -> Fate:
    if severity_of(code) is Severity.ERROR:
        return Fate.SET_ASIDE
    return Fate.STUDENT if code in _STUDENTS else Fate.WARNING


def _places(findings: Sequence[FindingCount], language: Language) -> Table:
    table = _table(("class_name", "teacher", "set_aside_short", "warnings_short"), language)
    for one in by_place(findings):
        names = (Text(name or phrase("place_unknown", language)) for name in (one.class_name, one.teacher))
        table.add_row(*names, *(number(count, language) for count in (one.errors, one.warnings)))
    return table


def _table(columns: tuple[str, str, str, str], language: Language) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        counts = column in {"found", "set_aside_short", "warnings_short"}
        table.add_column(phrase(column, language), justify="right" if counts else "left", no_wrap=counts)
    return table


def _in(wording: Wording, language: Language) -> str:
    return wording.ru if language == Language.RU else wording.en
