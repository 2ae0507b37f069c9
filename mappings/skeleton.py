"""Writes the skeleton of a profile for a database that nobody has described yet: what an operator fills in.

Rules. A guess is only ever a comment: a query holds `TODO` until a person has written it, and an unfinished query is
refused by name. Tables are suggested by their names and columns, best first. Pure: files by name, no disk.
"""

from collections.abc import Mapping, Sequence

from mappings.raw import ALL_TABLES, FINGERPRINTS, TOTALS, ColumnType, RawTable

SUGGESTED = 4

_TYPES: Mapping[ColumnType, str] = {
    ColumnType.INTEGER: "целое · whole number",
    ColumnType.KEY: "ключ, число или текст · key, number or text",
    ColumnType.DATE: "дата · date",
    ColumnType.MOMENT: "дата и время без пояса · local date and time",
    ColumnType.TEXT: "текст · text",
    ColumnType.DECIMAL: "число · number",
}
_ABOUT: Mapping[str, str] = {
    "school": "Школы этой базы: код каждой. · The schools of this database: each one's code.",
    "identities": "ФИО и дата рождения, только чтобы найти ученика по заявлению. · Names, only to match applications.",
    "students": "Все ученики. · Every student.",
    "enrolments": "Кто и когда учился в каком классе; date_to – последний день. · Stays in classes; the last day.",
    "subjects": "Предметы. · Subjects.",
    "journals": "Журналы: класс (как в enrolments) по предмету, учитель. · Journals: a class in a subject.",
    "control_types": "Виды работ. · Kinds of work.",
    "mark_types": "Коды отметок и пропусков, их обозначения. · Codes of marks and absences, their signs.",
    "periods": "Четверти, полугодия, год; date_to в окне :first – :last. · Terms that end in the window.",
    "members": "Кто в списке журнала. · Who is on a journal's list.",
    "lessons": "Уроки окна; cancelled: 0 – состоялся; filled_at: заполнен. · Lessons; 0 for held; filled in at.",
    "controls": "Работы уроков и их вес. · The lessons' works and their weight.",
    "marks": "Отметки. Без кода: sign или points и maximum. · Marks. Without a code: sign, or points and maximum.",
    "absences": "Пропуски, опоздания, замечания. · Absences, lates, remarks.",
    "period_marks": "Итоговые отметки. · Marks of periods.",
    "fingerprints": "Отпечатки журналов; файл можно удалить. · Journals' fingerprints; the file may be deleted.",
}
_WORDS: Mapping[str, tuple[str, ...]] = {
    "school": ("school", "organization", "org"),
    "identities": ("student", "pupil", "person", "people", "learner"),
    "students": ("student", "pupil", "learner", "person"),
    "enrolments": ("enrol", "enroll", "registration", "membership"),
    "subjects": ("subject", "course", "discipline"),
    "journals": ("journal", "course_period", "group", "class"),
    "control_types": ("control_type", "assignment_type", "work", "category", "assignment"),
    "mark_types": ("mark_type", "grade_type", "code", "scale"),
    "periods": ("period", "term", "quarter", "semester"),
    "members": ("member", "schedule", "list", "enrol"),
    "lessons": ("lesson", "class_date", "timetable", "assignment"),
    "controls": ("control", "assignment", "task", "work"),
    "marks": ("mark", "grade", "score", "result", "point"),
    "absences": ("absence", "attendance", "skip"),
    "period_marks": ("period_mark", "report", "final", "transcript"),
    "fingerprints": (),
}


def skeleton(name: str, product: str, dialect: str, tables: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, str]:
    """Return the files of a new profile by name, for a database with these tables and columns."""
    files = {f"{table.name}.sql": _query(table, dialect, tables) for table in (*ALL_TABLES, FINGERPRINTS)}
    files[f"{TOTALS.name}.sql"] = _TOTALS
    files["profile.toml"] = _head(name, product, dialect)
    files["codes.toml"] = _CODES
    files["tables.txt"] = "\n".join(
        f"{table}({', '.join(f'{column} {kind}' for column, kind in columns)})" for table, columns in tables.items()
    )
    return files


def suggested(table: RawTable, tables: Mapping[str, Sequence[tuple[str, str]]]) -> list[str]:
    """Return the tables that may hold what a query is to return, likeliest first."""
    words = _WORDS[table.name]

    def likeness(name: str) -> tuple[int, int, str]:
        lowered = name.lower()
        place = next((len(words) - rank for rank, word in enumerate(words) if word in lowered), 0)
        columns = {column.lower() for column, _ in tables[name]}
        return (-place, -len(columns & set(table.columns)), lowered)

    likely = [name for name in tables if any(word in name.lower() for word in words)]
    return sorted(likely, key=likeness)[:SUGGESTED]


def _query(table: RawTable, dialect: str, tables: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    width = max(map(len, table.columns))
    lines = [f"-- {_ABOUT[table.name]}"]
    for column, kind in table.columns.items():
        optional = "; можно опустить · may be left out" if column in table.optional else ""
        lines.append(f"--   {column.ljust(width)}  {_TYPES[kind]}{optional}")
    found = suggested(table, tables)
    if found:
        lines.append("-- Похожие таблицы · tables that look like it:")
        lines += [f"--   {name}({', '.join(column for column, _ in tables[name])})" for name in found]
    lines.append("-- Когда запрос готов, в файле нет слова TODO. · When it is ready, no TODO is left in the file.")
    columns = ",\n       ".join(_place(column, kind, dialect) for column, kind in table.columns.items())
    lines += [f"SELECT {columns}", f"FROM {found[0] if found else 'TODO'} t"]
    if table.windowed:
        lines.append("WHERE TODO BETWEEN :first AND :last")
    return "\n".join(lines) + "\n"


def _place(column: str, kind: ColumnType, dialect: str) -> str:
    """Return what is to be written for a column; Firebird's texts are read as the bytes that are stored."""
    source = "{text TODO 100}" if dialect == "firebird" and kind is ColumnType.TEXT else "TODO"
    return f'{source} AS "{column}"' if column in _RESERVED else f"{source} AS {column}"


def _head(name: str, product: str, dialect: str) -> str:
    return f"""# {name}: составлено по базе {product} ({dialect}). · made from a {product} database ({dialect}).
# Таблицы и столбцы этой базы перечислены в tables.txt. · Its tables and columns stand in tables.txt.
name = "{name}"

# Кодировка текстов, если база отдаёт байты. · The encoding of texts that come as bytes.
encoding = "{"cp1251" if dialect == "firebird" else "utf-8"}"
# Если вместо русских букв видно «Àëãåáðà»: · If you see «Àëãåáðà» instead of Russian letters:
# encoding = "cp1251"
# misread_as = "cp1252"

[texts]
other = "{{column}}"
{_FIREBIRD if dialect == "firebird" else ""}"""


_RESERVED = frozenset({"rows"})
_FIREBIRD = """# {text столбец длина}: тексты Firebird как хранимые байты · Firebird's texts as the stored bytes
firebird = "CAST({column} AS VARCHAR({length}) CHARACTER SET OCTETS)"
"""
_TOTALS = """-- Одна строка: те же числа, что в fingerprints.sql, по всем журналам и дням сразу. Файл можно удалить.
-- One row: the counts of fingerprints.sql over all journals and all days at once. The file may be deleted.
--   rows          сколько строк · how many rows
--   sum_of_ids    сумма номеров; можно опустить · the sum of ids; may be left out
--   sum_of_codes  сумма тех же выражений, что в fingerprints.sql · the sum of the same expressions
-- Пока эта строка превышает отпечатки последних недель на столько же, старые уроки не считаются по журналам заново.
-- As long as it exceeds the last weeks' fingerprints by as much, lessons of long ago are not counted by journal again.
-- На каждую таблицу – свой SELECT, без соединений и сортировки; номер журнала входит в выражение урока и итоговой
-- отметки. · A SELECT a table, no join, no sort; the journal is part of a lesson's and a period mark's expression.
-- Когда запрос готов, в файле нет слова TODO. · When it is ready, no TODO is left in the file.
SELECT SUM(f.n) AS "rows", SUM(f.worth) AS sum_of_codes
FROM (
  SELECT COUNT(*) AS n, SUM(TODO) AS worth
  FROM TODO
  UNION ALL
  SELECT COUNT(*), SUM(TODO)
  FROM TODO
) f
"""
_CODES = """# Что значат коды. Код, которого здесь нет, не передаётся: строка откладывается.
# What the codes mean. A code that stands nowhere is not sent: its row is set aside.
# kind: current period annual exam final absence late remark

# [[mark]]                  # marks.type_id: числа от first до last · numbers first to last
# first = 1
# last = 5
# kind = "current"

# [[absence]]               # absences.type_id: перечисленные тексты · the texts listed
# codes = ["н", "б"]
# kind = "absence"

# [[period]]                # periods.kind
# codes = ["quarter"]
# kind = "period"

# [[period_mark]]           # period_marks.type_id: какие коды там бывают · which codes may stand there
# first = 1
# last = 5

# [weight]                  # больший вес – замечание · a larger weight is a warning
# most = 10

# [warnings]                # замечания, которые здесь ничего не значат · warnings that mean nothing here
# silent = ["entered-before-lesson"]

# [uncoded]                 # отметки без кода: sign или points и maximum · marks without a code
# mark = "current"
"""
