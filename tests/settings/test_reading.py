"""bridge.toml as a whole: what it gives, what its defaults are, and the line that each mistake gets."""

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from audit.cosigning import cosigner_key
from audit.keys import create_signing_key, load_signing_key
from journal.wording import BridgeError, ExitStatus, Language
from settings import ConfigurationError, Settings, load, locate

EXAMPLE = """
[bridge]
state = "sqlite:///var/bridge.db"
timezone = "Europe/Moscow"
language = "ru"

[portal]
url = "https://127.0.0.1:8443/diary-exchange/1"
client_certificate = "file:keys/bridge-tls.pem"
signing_key = "file:keys/bridge-signing.pem"
authorities = "file:keys/portal-ca.pem"
connect_timeout = 5
reply_timeout = 60
batch_records = 1000
requests_per_minute = 600

[audit]
log = "var/audit"
signing_key = "file:keys/audit-ed25519.pem"
master_key = "file:keys/audit-master.key"
witnesses = []

[consent]
text_version = "2025-09"
response_days = 7
destroy_days = 30
two_persons = true

[actuality]
lesson_filled_within_days = 2
target = 0.95

[limits]
withdraw_share = 0.10
withdraw_count = 200
change_share = 0.75

[[school]]
code = "0252"
name = "ГБОУ СОШ № 252"
district = "Красносельский"
source = "firebird+firebird://reader@db.school252.example:3050/paragraf?charset=WIN1251"
source_password = "env:SCHOOL_0252_PASSWORD"
profile = "paragraf"
schedule = "15 19 * * 1-6"
pilot_classes = []
paused = ["2027-06-01/2027-08-31"]
"""

SHORTEST = """
[portal]
url = "https://portal.example"
client_certificate = "env:TLS"
signing_key = "file:/keys/signing.pem"
authorities = "file:ca.pem"
[audit]
signing_key = "file:a"
master_key = "file:b"
[[school]]
code = "1"
source = "file:school.fdb"
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str) -> Path:
        file = tmp_path / "bridge.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write_file


def lines(file: Path, language: Language = Language.EN) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    assert caught.value.exit_status is ExitStatus.NOT_DONE
    assert caught.value.code == "configuration"
    said = caught.value.say(language).splitlines()
    assert all(line.startswith(f"{file}: ") for line in said)
    return [line.removeprefix(f"{file}: ") for line in said]


def test_the_example_means_what_it_says(write: Write, tmp_path: Path) -> None:
    read = load(write(EXAMPLE))
    assert read.file == tmp_path / "bridge.toml"
    assert read.bridge.state == f"sqlite:///{tmp_path}/var/bridge.db"
    assert read.bridge.timezone == ZoneInfo("Europe/Moscow")
    assert read.bridge.language is Language.RU
    assert read.audit.log == tmp_path / "var/audit"
    assert read.portal.client_certificate.path == tmp_path / "keys/bridge-tls.pem"
    assert (read.portal.connect_timeout, read.portal.reply_timeout) == (5, 60)
    assert (read.portal.batch_records, read.portal.requests_per_minute) == (1000, 600)
    assert (read.limits.withdraw_share, read.limits.withdraw_count, read.limits.change_share) == (0.10, 200, 0.75)
    school = read.school("0252")
    assert school.source == "firebird+firebird://reader@db.school252.example:3050/paragraf?charset=WIN1251"
    assert school.source_password is not None
    assert school.source_password.variable == "SCHOOL_0252_PASSWORD"
    assert school.schedule == "15 19 * * 1-6"
    assert [school.paused_on(date(2027, m, d)) for m, d in ((5, 31), (6, 1), (8, 31), (9, 1))] == [
        False, True, True, False,
    ]  # fmt: skip


def test_defaults_are_the_examples_own_and_careful(write: Write) -> None:
    given, left_out = load(write(EXAMPLE)), load(write(SHORTEST))
    for section in ("bridge", "consent", "actuality", "limits"):
        assert getattr(left_out, section) == getattr(given, section)
    assert left_out.limits.small_change == 2
    assert left_out.consent.two_persons is True
    school = left_out.schools[0]
    assert (school.name, school.profile, school.schedule) == ("1", "paragraf", None)
    assert (school.pilot_classes, school.paused, school.source_password) == ((), (), None)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("file:school.fdb", "file:{folder}/school.fdb"),
        ("file:sub/школа 1.FBK", "file:{folder}/sub/школа 1.FBK"),
        ("file:/data/school.fdb", "file:/data/school.fdb"),
        ("odbc:DSN=school", "odbc:DSN=school"),
        ("sqlite:///school.db", "sqlite:///{folder}/school.db"),
        ("sqlite:////data/school.db", "sqlite:////data/school.db"),
        ("firebird+firebird:///school.fdb", "firebird+firebird:///{folder}/school.fdb"),
        ("firebird+firebird://r@h/school.fdb", "firebird+firebird://r@h/school.fdb"),
        ("postgresql+psycopg://r:p%40ss@h/d", "postgresql+psycopg://r:p%40ss@h/d"),
    ],
)
def test_a_sources_relative_path_is_relative_to_the_file(write: Write, tmp_path: Path, written: str, read: str) -> None:
    file = write(SHORTEST.replace("file:school.fdb", written))
    assert load(file).schools[0].source == read.format(folder=tmp_path)


def test_an_audit_log_may_be_a_database(write: Write, tmp_path: Path) -> None:
    file = write(SHORTEST.replace("[audit]", '[audit]\nlog = "sqlite:///audit.db"'))
    assert load(file).audit.log == f"sqlite:///{tmp_path}/audit.db"


def test_a_bom_is_no_mistake(write: Write) -> None:
    assert load(write("\ufeff" + SHORTEST)).schools


def test_the_whole_file_and_its_repr_hold_no_address_with_a_password(write: Write) -> None:
    read = load(write(SHORTEST.replace("file:school.fdb", "postgresql+psycopg://r:geheim@h/d")))
    assert "geheim" not in repr(read)


MISTAKES = [
    ("[bridge] state", "sqlite:///var/bridge.db", "sqlit:///x", "SQLAlchemy"),
    ("[bridge] state", "sqlite:///var/bridge.db", "sqlite://", "memory"),
    ("[bridge] state", "sqlite:///var/bridge.db", "bridge.db", "SQLAlchemy URL"),
    ("[bridge] timezone", "Europe/Moscow", "Europe/Moskau", "time zone"),
    ("[bridge] timezone", "Europe/Moscow", "../etc/passwd", "time zone"),
    ("[bridge] language", '"ru"', '"fr"', "ru or en"),
    ("[portal] url", "https://127.0.0.1:8443/diary-exchange/1", "http://127.0.0.1/", "https://"),
    ("[portal] url", "https://127.0.0.1:8443/diary-exchange/1", "https://u:geheim@h/", "https://"),
    ("[portal] url", "https://127.0.0.1:8443/diary-exchange/1", "https://h:99999/", "https://"),
    ("[portal] url", "https://127.0.0.1:8443/diary-exchange/1", "https:///x", "https://"),
    ("[portal] client_certificate", "file:keys/bridge-tls.pem", "keys/bridge-tls.pem", "file:PATH"),
    ("[portal] signing_key", "file:keys/bridge-signing.pem", "env:A B", "env:NAME"),
    ("[portal] authorities", "file:keys/portal-ca.pem", "file:", "file:PATH"),
    ("[portal] connect_timeout", "connect_timeout = 5", "connect_timeout = 0", "seconds"),
    ("[portal] reply_timeout", "reply_timeout = 60", 'reply_timeout = "60"', "seconds"),
    ("[portal] batch_records", "1000", "5001", "1 to 5000"),
    ("[portal] batch_records", "1000", "0", "1 to 5000"),
    ("[portal] batch_records", "1000", "true", "1 to 5000"),
    ("[portal] requests_per_minute", "600", "0", "whole number"),
    ("[audit] log", '"var/audit"', '""', "folder"),
    ("[audit] log", '"var/audit"', '"sqlite://"', "memory"),
    ("[audit] master_key", "file:keys/audit-master.key", "geheim", "env:NAME"),
    ("[audit] witnesses", "witnesses = []", 'witnesses = ["ftp://w"]', "URLs"),
    ("[audit] witnesses", "witnesses = []", 'witnesses = ["http://w.example"]', "very machine"),
    ("[audit] witness_keys", "witnesses = []", 'witnesses = ["https://w.example"]', "a key of its own"),
    ("[audit] witness_keys", "witnesses = []", 'witness_keys = ["w+00000000+BA=="]', "dnevnik witness show"),
    ("[audit] origin", "witnesses = []", 'origin = "two words"', "without blanks"),
    ("[audit] origin", "witnesses = []", 'origin = "a+b"', "without blanks"),
    ("[audit] origin", "witnesses = []", 'origin = ""', "without blanks"),
    ("[audit] quorum", "witnesses = []", "quorum = 1", "1 to their number"),
    ("[audit] witness_patience_minutes", "witnesses = []", "witness_patience_minutes = -1", "minutes"),
    ("[audit] mail_to", "witnesses = []", 'mail_to = ["a b@c"]', "e-mail"),
    ("[audit] mail_host", "witnesses = []", 'mail_to = ["a@school.example"]', "mail server"),
    ("[audit] mail_security", "witnesses = []", 'mail_security = "ssl"', "starttls"),
    ("[consent] text_version", '"2025-09"', '""', "text"),
    ("[consent] response_days", "response_days = 7", "response_days = 0", "days"),
    ("[consent] two_persons", "two_persons = true", "two_persons = 1", "true or false"),
    ("[actuality] target", "0.95", "95", "share"),
    ("[actuality] below_target", "target = 0.95", 'below_target = "stop"', "hold"),
    ("[[school]] 0252: school_week", "pilot_classes = []", "school_week = 7", "5 or 6"),
    ("[limits] withdraw_share", "0.10", "-0.1", "share"),
    ("[limits] withdraw_count", "200", "0.5", "whole number"),
    ("[limits] change_share", "0.75", "nan", "share"),
    ("[[school]] 0252: source", "firebird+firebird://reader", "firebird+fireball://reader", "SQLAlchemy"),
    ("[[school]] 0252: source_password", "env:SCHOOL_0252_PASSWORD", "geheim", "env:NAME"),
    ("[[school]] 0252: profile", 'profile = "paragraf"', 'profile = "../paragraf"', "profile"),
    ("[[school]] 0252: profile", 'profile = "paragraf"', 'profile = "absent"', "mappings/"),
    ("[[school]] 0252: schedule", "15 19 * * 1-6", "15 25 * * 1-6", "hour"),
    ("[[school]] 0252: pilot_classes", "pilot_classes = []", 'pilot_classes = "5А"', "classes"),
    ("[[school]] 0252: paused", "2027-06-01/2027-08-31", "2027-06-01/2027-06-31", "spans"),
    ("[[school]] 0252: paused", "2027-06-01/2027-08-31", "2027-08-31/2027-06-01", "before"),
    ("[[school]] 1: code", 'code = "0252"', "code = 252", "quoted"),
    ("[[school]] 1: code", 'code = "0252"', 'code = "школа"', "Latin"),
    ("[[school]] 1: code", 'code = "0252"', 'code = "0252\\n"', "Latin"),
    ("[[school]] 1: code", 'code = "0252"\n', "", "missing"),
]


@pytest.mark.parametrize(("key", "right", "wrong", "said"), MISTAKES)
def test_each_mistake_is_one_line_with_its_key(write: Write, key: str, right: str, wrong: str, said: str) -> None:
    assert right in EXAMPLE
    (line,) = lines(write(EXAMPLE.replace(right, wrong, 1)))
    assert line.startswith(f"{key}: ")
    assert said in line
    assert "geheim" not in line
    (russian,) = lines(write(EXAMPLE.replace(right, wrong, 1)), Language.RU)
    assert re.search("[а-я]", russian)


def test_all_mistakes_are_told_at_once(write: Write) -> None:
    text = EXAMPLE.replace("https://", "http://").replace("batch_records", "batch_record").replace("Europe", "Europa")
    keys = {line.partition(": ")[0] for line in lines(write(text))}
    assert keys == {"[portal] url", "[portal] batch_record", "[bridge] timezone"}


def test_an_unknown_key_hears_which_was_meant(write: Write) -> None:
    assert lines(write(EXAMPLE.replace("batch_records", "batch_record"))) == [
        "[portal] batch_record: there is no such key; expected: batch_records"
    ]
    (line,) = lines(write(EXAMPLE.replace("schedule =", "shedule =")))
    assert line == "[[school]] 0252: shedule: there is no such key; expected: schedule"
    (line,) = lines(write("zzz = 1\n" + EXAMPLE))
    assert line.startswith("zzz: there is no such key; expected: bridge, portal")
    assert any(line.startswith("[audti]: ") for line in lines(write(EXAMPLE.replace("[audit]", "[audti]"))))


def test_missing_sections_and_sections_that_are_none(write: Write) -> None:
    assert lines(write("[audit]\nsigning_key='file:a'\nmaster_key='file:b'")) == [
        "[portal]: the section is missing and has to be there"
    ]
    assert any(
        line.startswith("portal: ") for line in lines(write("portal = 1\n" + SHORTEST.replace("[portal]", "[p]")))
    )
    assert any("[[school]]" in line for line in lines(write(SHORTEST.replace("[[school]]", "[school]"))))


def test_a_code_that_stands_twice(write: Write) -> None:
    again = '\n[[school]]\ncode = "0252"\nsource = "file:other.fdb"\n'
    assert lines(write(EXAMPLE + again)) == [
        "[[school]] 2: code: the code 0252 is taken by a school above; another one was expected"
    ]


def test_what_is_no_toml_is_told_by_place_and_not_repeated(write: Write) -> None:
    (line,) = lines(write('[portal]\nurl = "a"\npassword geheim\n'))
    assert line.startswith("line 3, column ")
    assert "geheim" not in line
    (line,) = lines(write('a = "'))
    assert "TOML" in line


def test_files_that_are_none(tmp_path: Path) -> None:
    assert "init" in lines(tmp_path / "absent.toml")[0]
    assert "UTF-8" in lines(tmp_path)[0]
    broken = tmp_path / "broken.toml"
    broken.write_bytes("[bridge]\nlanguage = 'русский'".encode("cp1251"))
    assert "UTF-8" in lines(broken)[0]


@pytest.mark.parametrize(("text", "language"), [('[bridge]\nlanguage="en"', Language.EN), ("", Language.RU)])
def test_mistakes_are_told_in_the_files_own_language(write: Write, text: str, language: Language) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(write(text))
    assert caught.value.language is language


def test_schools_are_chosen_by_code_once_in_the_files_order(write: Write) -> None:
    more = '\n[[school]]\ncode = "0385"\nsource = "file:385.fdb"\n'
    read = load(write(EXAMPLE + more))
    assert [school.code for school in read.chosen()] == ["0252", "0385"]
    assert [school.code for school in read.chosen(["0385", "0252", "0385"])] == ["0252", "0385"]
    with pytest.raises(BridgeError, match=r"school-unknown.*9.*0252, 0385"):
        read.chosen(["0252", "9"])


def test_no_school_at_all_is_found_when_one_is_needed(write: Write) -> None:
    read = load(write(SHORTEST.partition("[[school]]")[0]))
    with pytest.raises(BridgeError, match="no-schools"):
        read.chosen()
    with pytest.raises(BridgeError, match="school-unknown"):
        read.school("1")


def test_settings_do_not_change(write: Write) -> None:
    read: Settings = load(write(SHORTEST))
    with pytest.raises(ValueError, match="frozen"):
        read.bridge.language = Language.EN  # type: ignore[misc]  # that it can't be done is the test


def test_the_file_is_the_given_one_else_the_environments_else_the_one_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate() == tmp_path / "bridge.toml"
    monkeypatch.setenv("DNEVNIK_CONFIG", "other.toml")
    assert locate() == tmp_path / "other.toml"
    assert locate(Path("third.toml")) == tmp_path / "third.toml"


@pytest.mark.parametrize(("count", "quorum"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_without_a_word_more_than_half_of_the_witnesses_have_to_cosign(tmp_path: Path, count: int, quorum: int) -> None:
    keys = [cosigner_key(load_signing_key(create_signing_key(), f"w.example/{n}")).vkey for n in range(count)]
    urls = [f"https://w{n}.example" for n in range(count)]
    file = tmp_path / "bridge.toml"
    more = f"witnesses = {json.dumps(urls)}\nwitness_keys = {json.dumps(keys)}"
    file.write_text(EXAMPLE.replace("witnesses = []", more), "utf-8")
    audit = load(file).audit
    assert (audit.quorum, audit.witness_keys) == (quorum, tuple(keys))
