"""Loads a mapping profile: a folder with `profile.toml`, `codes.toml` and one `.sql` file for each raw table.

Rules. A profile is data: no code of it is run. Each query is one SELECT whose only parameters are `:school`,
the school's code, and `:first` and `:last`, the days of the window. `fingerprints.sql`, `totals.sql` and
`lesson_counts.sql` may be left out; all others must be there. Where a query says `{text column length}`, the profile's
form for the database's dialect is put, so that texts arrive as the bytes that the school stored. Where it says
`{days column}`, that date is put as a whole number, for `{seconds column}` that moment, and for `{day column}` the day
of a moment. `{journals column}` is a condition: the column names one of the journals asked for; true where all are
read. `{within column}` is one, too: the day is one of the window. `{written table: expression}` is the number of the
transaction that wrote the row, where the database keeps it and it can be relied upon, else the expression. A query may
carry no other braces. A query that holds `TODO` is not finished. A code that nothing covers is unknown, and unknown is
set aside, never guessed. Errors name the file and the key. Deliberately not here: what becomes of the rows
(`mappings.records`).
"""

import codecs
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

from journal.vocabulary import RecordKind
from journal.wording import BridgeError, Wording
from mappings.dialects import DAY, DAYS, SECONDS, UNINDEXED, WRITTEN
from mappings.raw import ALL_TABLES, BESIDES, FILLED_AT, LESSONS, RawTable
from mappings.reasons import RecordWarning
from mappings.texts import Encoding

PROFILES = Path(__file__).parent

_UNKNOWN = Wording(
    ru="Профиля «{profile}» нет. Имеющиеся профили: {known}.",
    en='There is no profile "{profile}". Profiles that exist: {known}.',
)
_WRONG = Wording(
    ru="Профиль «{profile}», файл {file}, {key}: {expected_ru}.",
    en='Profile "{profile}", file {file}, {key}: {expected_en}.',
)
_UNFINISHED = Wording(
    ru="Профиль «{profile}» не дописан: замените TODO в {files}. Что готово, показывает dnevnik profile check.",
    en='Profile "{profile}" is not finished: replace TODO in {files}. What is ready shows dnevnik profile check.',
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT_PLACE = re.compile(r"\{text ([A-Za-z0-9_.$\"]+) ([0-9]{1,5})\}")
_DAYS_PLACE = re.compile(r"\{days ([A-Za-z0-9_.$\"]+)\}")
_SECONDS_PLACE = re.compile(r"\{seconds ([A-Za-z0-9_.$\"]+)\}")
_JOURNALS_PLACE = re.compile(r"\{journals ([A-Za-z0-9_.$\"]+)\}")
_DAY_PLACE = re.compile(r"\{day ([A-Za-z0-9_.$\"]+)\}")
_WITHIN_PLACE = re.compile(r"\{within ([A-Za-z0-9_.$\"]+)\}")
_WRITTEN_PLACE = re.compile(r"\{written ([A-Za-z0-9_$\"]+): ([^{}]+)\}")
_PLACES = (_DAY_PLACE, _TEXT_PLACE, _DAYS_PLACE, _SECONDS_PLACE, _JOURNALS_PLACE, _WITHIN_PLACE, _WRITTEN_PLACE)
_PARAMETER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
_PARAMETERS = frozenset({"first", "last", "school"})
_ALWAYS = frozenset({"school"})

ParameterStyle = Literal["qmark", "pyformat"]


@dataclass(frozen=True, slots=True)
class Statement:
    """A query in a database's own words: `parameters` names the values to bind, in the order of their places."""

    sql: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a profile as it stands in its file, without comments."""

    name: str
    template: str

    @property
    def by_journal(self) -> bool:
        """Tell whether the query can be asked for some journals alone."""
        return _JOURNALS_PLACE.search(self.template) is not None

    def render(
        self,
        text_form: str,
        style: ParameterStyle,
        dialect: str = "other",
        journals: int | None = None,
        *,
        numbered: bool = False,
    ) -> Statement:
        """Return the query in the words of `dialect`, with `text_form` for each text column.

        Its parameters are written in the driver's `style`. `journals`: for so many of them, which are parameters
        `journal_0`, `journal_1` and so on; None: for all. `numbered`: rows bear the number of who wrote them.
        """
        mark = "?" if style == "qmark" else "%s"
        seconds = SECONDS.get(dialect, SECONDS["other"])
        sql = _SECONDS_PLACE.sub(lambda found: seconds.format(found[1]), self.template)
        written = WRITTEN.get(dialect) if numbered else None
        sql = _WRITTEN_PLACE.sub(lambda found: written.format(found[1]) if written else f"({found[2]})", sql)
        day_form = UNINDEXED.get(dialect, "{}") if journals is not None else "{}"
        sql = _WITHIN_PLACE.sub(lambda found: f"{day_form.format(found[1])} BETWEEN :first AND :last", sql)
        sql = _JOURNALS_PLACE.sub(lambda found: _of_journals(found[1], journals), sql)
        sql = sql if style == "qmark" else sql.replace("%", "%%")
        names = tuple(_PARAMETER.findall(sql))
        sql = _PARAMETER.sub(mark, sql)
        sql = _TEXT_PLACE.sub(lambda found: text_form.format(column=found[1], length=found[2]), sql)
        days = DAYS.get(dialect, DAYS["other"])
        sql = _DAYS_PLACE.sub(lambda found: days.format(found[1]), sql)
        day = DAY.get(dialect, DAY["other"])
        sql = _DAY_PLACE.sub(lambda found: day.format(found[1]), sql)
        return Statement(sql, names)

    def words(self) -> frozenset[str]:
        """Return the identifiers that stand in the query, upper-cased: a database's complaint is quoted from these."""
        return frozenset(re.findall(r"[A-Z_][A-Z0-9_$]*", self.template.upper()))


def _of_journals(column: str, journals: int | None) -> str:
    """Return the condition that `column` is one of so many journals."""
    if journals is None:
        return "1 = 1"
    names = ", ".join(f":journal_{number}" for number in range(journals))
    return f"{column} IN ({names})" if journals else "1 = 0"


@dataclass(frozen=True, slots=True)
class CodeRange:
    """The codes `first` to `last`, both included, mean `kind`."""

    first: int
    last: int
    kind: RecordKind


@dataclass(frozen=True, slots=True)
class CodeNames:
    """These codes, which are texts, mean `kind`."""

    names: frozenset[str]
    kind: RecordKind


CodeMeaning = CodeRange | CodeNames


@dataclass(frozen=True, slots=True)
class Codes:
    """What the school's codes mean. A code that stands in no range and under no name is unknown.

    `period_marks` says which codes may stand there; its kinds mean nothing, for the kind is the period's.
    `uncoded` is the kind of a mark that has no code but its own sign or points; None where there are no such marks.
    `most_weight` is the largest weight that a work may have; None: any. `silent` are warnings that mean nothing in this
    system and are not given.
    """

    marks: tuple[CodeMeaning, ...]
    absences: tuple[CodeMeaning, ...]
    periods: tuple[CodeMeaning, ...]
    period_marks: tuple[CodeMeaning, ...]
    uncoded: RecordKind | None = None
    most_weight: Decimal | None = None
    silent: frozenset[RecordWarning] = frozenset()


@dataclass(frozen=True, slots=True)
class Profile:
    """A mapping profile, checked whole. `texts` gives the form in which a dialect's text columns are read.

    `misread_as` names the encoding under which the database took the school's bytes, where that is the wrong one.
    `unfinished` are the queries that a draft lacks; a loaded profile lacks none.
    """

    name: str
    encoding: str
    queries: Mapping[str, Query]
    texts: Mapping[str, str]
    codes: Codes
    misread_as: str | None = None
    unfinished: tuple[str, ...] = ()

    @property
    def reading(self) -> Encoding:
        """How this profile's texts are decoded."""
        return Encoding(self.encoding, self.misread_as)

    @property
    def keeps_filling_times(self) -> bool:
        """Tell whether the school's system knows when a lesson was filled in: whether lessons.sql names the column."""
        lessons = self.queries.get(LESSONS.name)
        return lessons is not None and FILLED_AT.upper() in lessons.words()

    def statement(
        self, table: str, dialect: str, style: ParameterStyle, journals: int | None = None, *, numbered: bool = False
    ) -> Statement:
        """Return the query of `table` in the words of `dialect` (firebird, sqlite, …), as `Query.render`."""
        form = self.texts.get(dialect, self.texts["other"])
        return self.queries[table].render(form, style, dialect, journals, numbered=numbered)


def _known_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        known = False
    else:
        known = True
    if not known:
        raise ValueError("encoding")
    return name


def _text_form(form: str) -> str:
    if "{column}" not in form or re.sub(r"\{(column|length)\}", "", form).count("{"):
        raise ValueError("form")
    return form


def _known_warnings(codes: frozenset[str]) -> frozenset[str]:
    if not codes <= frozenset(map(str, RecordWarning)):
        raise ValueError("warning")
    return codes


def _positive(weight: Decimal) -> Decimal:
    if not weight.is_finite() or weight <= 0:
        raise ValueError("weight")
    return weight


def _with_other(forms: dict[str, str]) -> dict[str, str]:
    if "other" not in forms:
        raise ValueError("other")
    return forms


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    encoding: Annotated[str, AfterValidator(_known_encoding)]
    misread_as: Annotated[str, AfterValidator(_known_encoding)] | None = None
    texts: Annotated[dict[str, Annotated[str, AfterValidator(_text_form)]], AfterValidator(_with_other)]


class _Range(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    first: int | None = None
    last: int | None = None
    codes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> "_Range":
        if bool(self.codes) == (self.first is not None) or (self.first is None) != (self.last is None):
            raise ValueError("either")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError("order")
        return self

    def meaning(self, kind: RecordKind) -> CodeMeaning:
        """Return what these codes mean."""
        if self.first is None or self.last is None:
            return CodeNames(frozenset(self.codes), kind)
        return CodeRange(self.first, self.last, kind)


class _KindRange(_Range):
    kind: RecordKind


class _Uncoded(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    mark: RecordKind


class _Warnings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    silent: Annotated[frozenset[str], AfterValidator(_known_warnings)]


class _Weight(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    most: Annotated[Decimal, AfterValidator(_positive)]


_AnyRange = TypeVar("_AnyRange", bound=_Range)


def _distinct(ranges: list[_AnyRange]) -> list[_AnyRange]:
    ordered = sorted((r.first, r.last) for r in ranges if r.first is not None and r.last is not None)
    names = [name for r in ranges for name in r.codes]
    if any(following <= last for (_, last), (following, _) in pairwise(ordered)) or len(set(names)) < len(names):
        raise ValueError("overlap")
    return ranges


_Kinds = Annotated[list[_KindRange], AfterValidator(_distinct)]


class _CodeTables(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    mark: _Kinds = []
    absence: _Kinds = []
    period: _Kinds = []
    period_mark: Annotated[list[_Range], AfterValidator(_distinct)] = []
    uncoded: _Uncoded | None = None
    weight: _Weight | None = None
    warnings: _Warnings | None = None


_EXPECTATIONS = {
    "encoding": ("нужна кодировка, известная Python, например cp1251", "an encoding that Python knows, such as cp1251"),
    "form": (
        "нужно выражение SQL с {column} и, если требуется, {length}",
        "an SQL expression with {column} and, where needed, {length}",
    ),
    "other": ("нужна форма «other» для прочих баз данных", 'the form "other", for other databases, is needed'),
    "order": ("first не может быть больше last", "first can't be above last"),
    "either": ("нужны либо first и last, либо codes", "either first and last, or codes, are needed"),
    "weight": ("нужно число больше нуля", "a number above zero is needed"),
    "warning": (
        "нужны коды замечаний о записях, они перечислены в docs/findings.md",
        "codes of warnings about records are needed; they stand in docs/findings.md",
    ),
    "overlap": ("диапазоны кодов одной таблицы пересекаются", "ranges of one table overlap"),
}


def is_name(name: str) -> bool:
    """Tell whether a profile may be called so."""
    return _NAME.fullmatch(name) is not None


def load_profile(name: str, folder: Path | None = None) -> Profile:
    """Load the profile `name` from `folder` (the bridge's own profiles where None).

    Raises BridgeError `profile-unknown`, `profile-unfinished`, or `profile-wrong`, which names the file and the key.
    """
    draft = load_draft(name, folder)
    if draft.unfinished:
        files = ", ".join(f"{query}.sql" for query in draft.unfinished)
        raise BridgeError("profile-unfinished", _UNFINISHED, {"profile": name, "files": files})
    return draft


def load_draft(name: str, folder: Path | None = None) -> Profile:
    """Load a profile of which some queries may not be finished yet (`TODO`). Raises as `load_profile`."""
    home = folder or PROFILES
    if not _NAME.fullmatch(name) or not (home / name / "profile.toml").is_file():
        known = sorted(path.parent.name for path in home.glob("*/profile.toml"))
        raise BridgeError("profile-unknown", _UNKNOWN, {"profile": name, "known": ", ".join(known) or "–"})
    place = home / name
    head = _read(_Head, name, place / "profile.toml")
    codes = _read(_CodeTables, name, place / "codes.toml")
    queries, unfinished = _queries(name, place)
    if head.name != name:
        raise _wrong(name, "profile.toml", "name", f"нужно имя папки, {name}", f"the folder's name, {name}, is needed")
    return Profile(
        name=name,
        encoding=head.encoding,
        queries=queries,
        unfinished=unfinished,
        texts=head.texts,
        codes=Codes(
            marks=_ranges(codes.mark),
            absences=_ranges(codes.absence),
            periods=_ranges(codes.period),
            period_marks=tuple(r.meaning(RecordKind.PERIOD) for r in codes.period_mark),
            uncoded=None if codes.uncoded is None else codes.uncoded.mark,
            most_weight=None if codes.weight is None else codes.weight.most,
            silent=frozenset() if codes.warnings is None else frozenset(map(RecordWarning, codes.warnings.silent)),
        ),
        misread_as=head.misread_as,
    )


def _queries(name: str, place: Path) -> tuple[dict[str, Query], tuple[str, ...]]:
    tables: list[RawTable] = list(ALL_TABLES)
    tables += [table for table in BESIDES if (place / f"{table.name}.sql").exists()]
    found = {table.name: _query(name, place, table.name, windowed=table.windowed) for table in tables}
    return (
        {table: query for table, query in found.items() if query is not None},
        tuple(table for table, query in found.items() if query is None),
    )


def _ranges(ranges: Sequence[_KindRange]) -> tuple[CodeMeaning, ...]:
    return tuple(r.meaning(r.kind) for r in ranges)


_Model = TypeVar("_Model", bound=BaseModel)


def _read(model: type[_Model], profile: str, path: Path) -> _Model:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        problem = None
    except OSError:
        content, problem = {}, ("файла нет или он не читается", "the file is missing or can't be read")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        content, problem = {}, ("это не TOML в UTF-8", "this is no TOML in UTF-8")
    if problem:
        raise _wrong(profile, path.name, "", *problem)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    said = _EXPECTATIONS.get(first["msg"].removeprefix("Value error, "), (first["msg"], first["msg"]))
    raise _wrong(profile, path.name, key, *said)


def _query(profile: str, place: Path, table: str, *, windowed: bool) -> Query | None:
    path = place / f"{table}.sql"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = None
    if text is None:
        raise _wrong(profile, path.name, "", "файла нет или это не UTF-8", "the file is missing or no UTF-8")
    if re.search(r"\bTODO\b", text):
        return None
    template = _COMMENT.sub(" ", text).strip().removesuffix(";").rstrip()
    if not re.match(r"(SELECT|WITH)\b", template, re.IGNORECASE) or ";" in template:
        raise _wrong(profile, path.name, "", "нужен ровно один запрос SELECT", "exactly one SELECT is needed")
    bare, asked = template, _PARAMETER.findall(_WITHIN_PLACE.sub(":first", template))
    for known in _PLACES:
        bare = known.sub("", bare)
    if re.search(r"[{}]", bare):
        raise _wrong(
            profile,
            path.name,
            "{…}",
            "нужно {text столбец длина}, {day столбец}, {days столбец}, {seconds столбец}, {journals столбец}, "
            "{within столбец} или {written таблица: выражение}",
            "{text column length}, {day column}, {days column}, {seconds column}, {journals column}, {within column} "
            "or {written table: expression} is needed",
        )
    wanted = _PARAMETERS if windowed else _ALWAYS
    if not wanted.issuperset(asked):
        allowed = ", ".join(f":{name}" for name in sorted(wanted)) or "–"
        raise _wrong(profile, path.name, ":…", f"параметры запроса: {allowed}", f"the query's parameters: {allowed}")
    return Query(table, template)


def _wrong(profile: str, file: str, key: str, expected_ru: str, expected_en: str) -> BridgeError:
    parameters: dict[str, object] = {
        "profile": profile,
        "file": file,
        "key": key or "–",
        "expected_ru": expected_ru,
        "expected_en": expected_en,
    }
    return BridgeError("profile-wrong", _WRONG, parameters)
