"""What `dnevnik profile check` looks like on a terminal: the verdict first, then each query, then the codes.

Rules. One line says how a query is; below it stand its columns with what they hold. Nothing here decides anything.
"""

from collections.abc import Iterator

from rich.table import Table

from commands.console import Console
from commands.findings import Condition
from connectors.school.examination import ColumnSeen, Examination, QuerySeen
from journal.wording import Language, Wording
from mappings.raw import FILLED_AT, OWN_VALUE, WHOSE, ColumnType
from mappings.reasons import MEANINGS, RecordWarning, SetAsideReason

_HEAD = Wording(
    ru="Школа {school} · профиль {profile} · {product}", en="School {school} · profile {profile} · {product}"
)
_ONE_STATE = Wording(ru="Все запросы видят одно состояние базы", en="All queries see one state of the database")
_MANY_STATES = Wording(
    ru="Эта база не обещает одного состояния для всех запросов: читайте её ночью, когда журнал не заполняют",
    en="This database doesn't promise one state to all queries: read at night, while nobody writes",
)
_READ_ONLY = Wording(ru="База сама запрещает запись", en="The database itself forbids writing")
_WRITABLE = Wording(
    ru="База сама не запрещает запись: дайте учётной записи моста право только на чтение",
    en="The database itself doesn't forbid writing: let the bridge's account read only",
)
_FINGERPRINTS = Wording(
    ru="Отпечатки журналов есть (fingerprints.sql)", en="Fingerprints of journals are there (fingerprints.sql)"
)
_NO_FINGERPRINTS = Wording(
    ru="Отпечатков журналов (fingerprints.sql) нет", en="There are no fingerprints of journals (fingerprints.sql)"
)
_FILLING_TIMES = Wording(
    ru="Известно, когда заполнен урок (filled_at): актуальность считается",
    en="It is known when a lesson was filled in (filled_at): actuality is counted",
)
_NO_FILLING_TIMES = Wording(
    ru="Неизвестно, когда заполнен урок (filled_at в lessons.sql): актуальность не считается",
    en="It isn't known when a lesson was filled in (filled_at in lessons.sql): actuality isn't counted",
)
_COUNTS_DIFFER = Wording(
    ru="lesson_counts.sql считает не те уроки, что lessons.sql: исправьте его или удалите",
    en="lesson_counts.sql counts other lessons than lessons.sql: mend it or delete it",
)
_UNFINISHED = Wording(ru="{query}.sql: не дописан, замените TODO", en="{query}.sql: not finished, replace TODO")
_EMPTY = Wording(ru="{query}.sql: ни одной строки", en="{query}.sql: no rows")
_ROWS = Wording(ru="{query}.sql: строк {rows}", en="{query}.sql: {rows} rows")
_MISREAD = Wording(
    ru='похоже на cp1251, прочитанную как latin-1: укажите в profile.toml encoding = "cp1251", misread_as = "cp1252"',
    en='looks like cp1251 read as latin-1: write encoding = "cp1251", misread_as = "cp1252" in profile.toml',
)
_UNMAPPED = Wording(
    ru="Кодов нет в codes.toml, строки будут отложены:", en="Codes that codes.toml lacks; their rows will be set aside:"
)
_OUTCOME = Wording(ru="Получилось бы записей: {records}", en="Records that would come of it: {records}")
_ASIDE = Wording(ru="отложено {count}: {words}", en="set aside {count}: {words}")
_WARNED = Wording(ru="с замечанием {count}: {words}", en="with a warning {count}: {words}")
_COLUMNS = (
    Wording(ru="столбец", en="column"),
    Wording(ru="вид", en="kind"),
    Wording(ru="заполнено", en="filled"),
    Wording(ru="примеры (обезличены)", en="examples (nobody in them)"),
)
_KINDS = {
    ColumnType.INTEGER: Wording("целое", "whole"),
    ColumnType.KEY: Wording("ключ", "key"),
    ColumnType.DATE: Wording("дата", "date"),
    ColumnType.MOMENT: Wording("время", "time"),
    ColumnType.TEXT: Wording("текст", "text"),
    ColumnType.DECIMAL: Wording("число", "number"),
}
_UNREADABLE = Wording(ru="не читается: {count}", en="unreadable: {count}")


def draw(console: Console, seen: Examination) -> None:
    """Show an examination."""
    language = console.language
    product = seen.facts.product if seen.facts else "–"
    console.say(_HEAD, school=seen.school, profile=seen.profile, product=product)
    for line in _verdict(seen, language):
        console.result(line)
    for query in seen.queries:
        _draw_query(console, query)
    for line in _outcome(seen, language):
        console.result(line)


def _verdict(seen: Examination, language: Language) -> Iterator[str]:
    for problem in seen.problems:
        yield f"{Condition.WRONG} {problem.say(language)}"
    if seen.facts is None:
        return
    for fine, yes, no in (
        (seen.facts.one_state, _ONE_STATE, _MANY_STATES),
        (seen.facts.read_only, _READ_ONLY, _WRITABLE),
        (seen.has_fingerprints, _FINGERPRINTS, _NO_FINGERPRINTS),
        (seen.keeps_filling_times, _FILLING_TIMES, _NO_FILLING_TIMES),
    ):
        yield f"{Condition.FINE if fine else Condition.LOOK} {(yes if fine else no).say(language)}"
    if seen.counts_differ:
        yield f"{Condition.WRONG} {_COUNTS_DIFFER.say(language)}"


def _draw_query(console: Console, query: QuerySeen) -> None:
    language = console.language
    console.result("")
    if query.problem is not None:
        console.result(f"{Condition.WRONG} {query.problem.say(language)}")
        return
    if query.unfinished:
        console.result(f"{Condition.WRONG} {_UNFINISHED.say(language, query=query.name)}")
        return
    if not query.rows:
        console.result(f"{Condition.LOOK} {_EMPTY.say(language, query=query.name)}")
        return
    condition = Condition.LOOK if query.misread or any(c.unreadable for c in query.columns) else Condition.FINE
    console.result(f"{condition} {_ROWS.say(language, query=query.name, rows=query.rows)}")
    if query.misread:
        console.result(f"  {_MISREAD.say(language)}")
    table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
    for number, title in enumerate(_COLUMNS):
        table.add_column(title.say(language), justify="right" if number == 2 else "left", no_wrap=number < 3)  # noqa: PLR2004  the share
    for column in query.columns:
        if not column.filled and column.name in OWN_VALUE | WHOSE | {FILLED_AT}:
            continue  # may be left out, and most schools' marks have codes
        table.add_row(*_row(column, query.rows, language))
    console.draw(table)


def _row(column: ColumnSeen, rows: int, language: Language) -> tuple[str, str, str, str]:
    share = f"{100 * column.filled / rows:.0f} %"
    spoilt = f"[{_UNREADABLE.say(language, count=column.unreadable)}] " if column.unreadable else ""
    examples = " · ".join(column.examples).replace("[", "\\[")
    return column.name, _KINDS[column.kind].say(language), share, spoilt.replace("[", "\\[") + examples


def _outcome(seen: Examination, language: Language) -> Iterator[str]:
    if seen.records is None:
        return
    yield ""
    yield f"{Condition.FINE} {_OUTCOME.say(language, records=seen.records)}"
    for reason, count in seen.set_aside.items():
        words = MEANINGS[SetAsideReason(reason)][0].say(language)
        yield f"{Condition.LOOK} {_ASIDE.say(language, count=count, words=words)}"
    for warning, count in seen.warnings.items():
        words = MEANINGS[RecordWarning(warning)][0].say(language)
        yield f"{Condition.LOOK} {_WARNED.say(language, count=count, words=words)}"
    if seen.unmapped:
        yield f"{Condition.LOOK} {_UNMAPPED.say(language)}"
        for one in seen.unmapped:
            yield f"    {one.table}: {one.code} × {one.count}"
