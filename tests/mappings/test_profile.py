"""A profile is loaded whole or refused with the file and the key."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from journal.vocabulary import RecordKind
from journal.wording import BridgeError, Language
from mappings.profile import PROFILES, CodeNames, CodeRange, Query, load_profile
from mappings.raw import ALL_TABLES, FINGERPRINTS
from mappings.reasons import RecordWarning
from mappings.texts import Encoding


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    shutil.copytree(PROFILES / "paragraf", tmp_path / "paragraf")
    return tmp_path


def refusal(folder: Path, name: str = "paragraf") -> BridgeError:
    with pytest.raises(BridgeError) as caught:
        load_profile(name, folder)
    assert caught.value.__cause__ is None
    assert caught.value.say(Language.RU)
    return caught.value


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / "paragraf" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_bridges_own_profile_has_a_query_for_each_table() -> None:
    profile = load_profile("paragraf")
    assert {table.name for table in ALL_TABLES} <= set(profile.queries)
    assert CodeRange(401, 422, RecordKind.CURRENT) in profile.codes.marks
    assert profile.codes.period_marks == (CodeRange(401, 422, RecordKind.PERIOD),)


def test_texts_are_read_as_bytes_from_firebird_only() -> None:
    profile = load_profile("paragraf")
    firebird = profile.statement("subjects", "firebird", "qmark")
    assert "CAST(CAST(s.NAME AS VARCHAR(100) CHARACTER SET WIN1251)" in firebird.sql
    assert "CHARACTER SET" not in profile.statement("subjects", "sqlite", "qmark").sql


def test_parameters_stand_in_the_order_of_their_places() -> None:
    statement = load_profile("paragraf").statement("members", "firebird", "qmark")
    assert statement.parameters == ("first", "last", "first", "last")
    assert statement.sql.count("?") == 4


def test_a_percent_sign_is_doubled_where_the_driver_would_take_it_for_a_parameter() -> None:
    query = Query("x", "SELECT 'a%' FROM T WHERE D = :first AND C = x::date")
    assert query.render("{column}", "pyformat").sql == "SELECT 'a%%' FROM T WHERE D = %s AND C = x::date"
    assert query.render("{column}", "qmark").sql == "SELECT 'a%' FROM T WHERE D = ? AND C = x::date"


@pytest.mark.parametrize("name", ["nobody", "../paragraf", "", "a/b"])
def test_an_unknown_profile_is_refused_with_those_that_exist(profiles: Path, name: str) -> None:
    error = refusal(profiles, name)
    assert error.code == "profile-unknown"
    assert error.parameters["known"] == "paragraf"


def test_where_there_are_no_profiles_none_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path).parameters["known"] == "–"


@pytest.mark.parametrize(
    ("file", "old", "new", "key"),
    [
        ("profile.toml", 'name = "paragraf"', 'name = "other"', "name"),
        ("profile.toml", 'encoding = "cp1251"', 'encoding = "klingon"', "encoding"),
        ("profile.toml", 'other = "{column}"', 'another = "{column}"', "texts"),
        ("profile.toml", 'other = "{column}"', 'other = "{colon}"', "texts.other"),
        ("profile.toml", 'other = "{column}"', 'other = "{column} {size}"', "texts.other"),
        ("profile.toml", "[texts]", "colour = 1\n[texts]", "colour"),
        ("profile.toml", "[texts]", "[texts", "–"),
        ("codes.toml", "first = 601", "first = 602", "mark.1"),
        ("codes.toml", "last = 422", "last = 601", "mark"),
        ("codes.toml", 'kind = "current"', 'kind = "common"', "mark.0.kind"),
        ("codes.toml", "first = 401", 'first = "low"', "mark.0.first"),
        ("codes.toml", "first = 401", 'codes = ["a"]', "mark.0"),
        ("codes.toml", "first = 401\nlast = 422", "", "mark.0"),
        ("codes.toml", "first = 401\nlast = 422", "first = 401", "mark.0"),
        ("codes.toml", "first = 401\nlast = 422", 'codes = ["a", "a"]', "mark"),
        ("profile.toml", "[texts]", 'misread_as = "klingon"\n[texts]', "misread_as"),
    ],
)
def test_a_wrong_key_is_named(profiles: Path, file: str, old: str, new: str, key: str) -> None:
    edit(profiles, file, old, new)
    error = refusal(profiles)
    assert (error.code, error.parameters["file"], error.parameters["key"]) == ("profile-wrong", file, key)


@pytest.mark.parametrize("file", ["codes.toml", "marks.sql"])
def test_a_missing_file_is_named(profiles: Path, file: str) -> None:
    (profiles / "paragraf" / file).unlink()
    assert refusal(profiles).parameters["file"] == file


def test_a_file_that_is_no_utf8_is_named(profiles: Path) -> None:
    (profiles / "paragraf" / "marks.sql").write_bytes("SELECT 'я'".encode("cp1251"))
    assert refusal(profiles).parameters["file"] == "marks.sql"


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM MARK",
        "SELECT 1 FROM T; DELETE FROM MARK",
        "-- SELECT\nUPDATE T SET A = 1",
        "",
        "SELECT {text m.NOTE} FROM MARK m",
        "SELECT {m.NOTE} FROM MARK m",
        "SELECT 1 FROM MARK WHERE ID = :pupil",
    ],
)
def test_a_query_is_one_select_of_known_parameters(profiles: Path, sql: str) -> None:
    (profiles / "paragraf" / "marks.sql").write_text(sql, encoding="utf-8")
    assert refusal(profiles).parameters["file"] == "marks.sql"


def test_a_table_that_is_not_windowed_has_no_parameters(profiles: Path) -> None:
    (profiles / "paragraf" / "subjects.sql").write_text("SELECT 1, 2 FROM T WHERE A = :first", encoding="utf-8")
    assert refusal(profiles).parameters["expected_en"] == "the query's parameters: :school"


def test_comments_and_a_last_semicolon_are_not_sent(profiles: Path) -> None:
    path = profiles / "paragraf" / "subjects.sql"
    path.write_text("/* :first; {x} */ SELECT s.ID, s.NAME FROM SUBJECT s -- ; :last\n;\n", encoding="utf-8")
    sql = load_profile("paragraf", profiles).statement("subjects", "firebird", "qmark").sql
    assert sql == "SELECT s.ID, s.NAME FROM SUBJECT s"


def test_a_query_knows_its_words() -> None:
    assert {"MARK", "NOTE", "LESSON_DATE"} <= load_profile("paragraf").queries["marks"].words()


def test_codes_may_be_named_and_marks_go_without(profiles: Path) -> None:
    profile = load_profile("rosariosis")
    assert CodeNames(frozenset({"P/T"}), RecordKind.LATE) in profile.codes.absences
    assert profile.codes.period_marks == ()
    assert profile.codes.uncoded is RecordKind.CURRENT
    assert load_profile("paragraf", profiles).codes.uncoded is None


def test_fingerprints_may_be_left_out(profiles: Path) -> None:
    assert FINGERPRINTS.name in load_profile("paragraf", profiles).queries
    (profiles / "paragraf" / "fingerprints.sql").unlink()
    assert FINGERPRINTS.name not in load_profile("paragraf", profiles).queries


@pytest.mark.parametrize("dialect", ["firebird", "postgresql", "mysql", "sqlite", "mssql", "db2"])
def test_a_date_as_a_number_is_said_in_each_dialects_words(dialect: str) -> None:
    sql = Query("x", "SELECT {days t.D} FROM T t").render("{column}", "qmark", dialect).sql
    assert "t.D" in sql
    assert "{" not in sql


@pytest.mark.parametrize("dialect", ["firebird", "postgresql", "mysql", "sqlite", "mssql", "another"])
def test_a_moment_as_a_number_is_said_in_each_dialects_words(dialect: str) -> None:
    sql = Query("x", "SELECT {seconds t.M} FROM T t").render("{column}", "qmark", dialect).sql
    assert "t.M" in sql
    assert "{" not in sql


@pytest.mark.parametrize("dialect", ["firebird", "postgresql", "mysql", "sqlite", "mssql", "another"])
def test_a_moments_day_is_said_in_each_dialects_words(dialect: str) -> None:
    sql = Query("x", "SELECT {day t.M} FROM T t GROUP BY {day t.M}").render("{column}", "qmark", dialect).sql
    assert sql.count("t.M") == 2
    assert "{" not in sql


def test_a_day_of_the_window_goes_without_its_index_where_some_journals_are_asked_for() -> None:
    query = Query("x", "SELECT 1 FROM T t WHERE {within t.D} AND {journals t.J}")
    for dialect, some in (("firebird", "(t.D + 0) BETWEEN ? AND ?"), ("sqlite", "t.D BETWEEN ? AND ?")):
        of_all, of_one = (query.render("", "qmark", dialect, number) for number in (None, 1))
        assert "t.D BETWEEN ? AND ?" in of_all.sql
        assert some in of_one.sql
        assert (of_all.parameters, of_one.parameters) == (("first", "last"), ("first", "last", "journal_0"))


@pytest.mark.parametrize(
    ("dialect", "numbered", "said"),
    [
        ("firebird", True, "SUM(t.RDB$RECORD_VERSION)"),
        ("firebird", False, "SUM((t.A * 2 + DATEDIFF(SECOND, TIMESTAMP '2000-01-01 00:00:00', t.M)))"),
        ("sqlite", True, "SUM((t.A * 2 + (CAST(strftime('%s', t.M) AS INTEGER) - 946684800)))"),
    ],
)
def test_who_wrote_a_row_is_said_where_the_database_keeps_it(dialect: str, numbered: bool, said: str) -> None:
    query = Query("x", "SELECT SUM({written t: t.A * 2 + {seconds t.M}}) FROM T t")
    assert said in query.render("", "qmark", dialect, numbered=numbered).sql


def test_a_query_without_a_window_has_no_day_of_one(profiles: Path) -> None:
    (profiles / "paragraf" / "subjects.sql").write_text("SELECT ID, NAME FROM SUBJECT s WHERE {within s.D}")
    assert "subjects.sql" in refusal(profiles).say(Language.EN)


def test_a_query_asks_for_all_journals_some_or_none() -> None:
    query = Query("x", "SELECT 1 FROM T t WHERE t.D > :first AND {journals t.J} AND t.S = :school")
    assert query.by_journal
    assert not Query("x", "SELECT 1 FROM T").by_journal
    said = [query.render("", "pyformat", "postgresql", number) for number in (None, 0, 2)]
    assert [one.sql.split("AND ")[1].strip() for one in said] == ["1 = 1", "1 = 0", "t.J IN (%s, %s)"]
    assert said[0].parameters == said[1].parameters == ("first", "school")
    assert said[2].parameters == ("first", "journal_0", "journal_1", "school")


def test_a_misread_encoding_is_the_profiles(profiles: Path) -> None:
    edit(profiles, "profile.toml", "[texts]", 'misread_as = "cp1252"\n[texts]')
    assert load_profile("paragraf", profiles).reading == Encoding("cp1251", "cp1252")


def test_a_profile_says_what_weight_is_admitted_and_which_warnings_mean_nothing(profiles: Path) -> None:
    path = profiles / "paragraf" / "codes.toml"
    plain = path.read_text(encoding="utf-8").replace("[weight]\nmost = 10\n", "")
    path.write_text(f'{plain}\n[weight]\nmost = 2.5\n[warnings]\nsilent = ["mark-while-absent"]\n', encoding="utf-8")
    codes = load_profile("paragraf", profiles).codes
    assert codes.most_weight == Decimal("2.5")
    assert codes.silent == {RecordWarning.MARK_WHILE_ABSENT}
    path.write_text(plain, encoding="utf-8")
    codes = load_profile("paragraf", profiles).codes
    assert (codes.most_weight, codes.silent) == (None, frozenset())
    for wrong, key in (
        ("[weight]\nmost = 0", "weight.most"),
        ("[weight]\nmost = nan", "weight.most"),
        ('[warnings]\nsilent = ["x"]', "warnings.silent"),
        ('[warnings]\nsilent = ["lesson-missing"]', "warnings.silent"),  # an error is never silent
    ):
        path.write_text(f"{plain}\n{wrong}\n", encoding="utf-8")
        refused = refusal(profiles)
        assert (refused.parameters["file"], refused.parameters["key"]) == ("codes.toml", key)
        assert refused.say(Language.RU) != refused.say(Language.EN)
