import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.texts.consent_text import OWN_PLACES, PACKAGED, PLACES, ConsentText, load_texts, text_of
from journal.wording import BridgeError

VERSION = "2025-09"
OWN = """
version = "2026-01"
title = "Согласие"
purpose = "показ отметок, школа {operator_name}"
data = ["отметки", "класс"]
actions = ["передача", "хранение"]
methods = ["в системе", "на бумаге"]
processor_name = "Центр"
processor_address = "Невский, 1"
term = "{in_force_span}"
way_of_withdrawal = "заявлением"
body = [
  "{purpose}; {data}; {actions}; {methods}; {term}; {way_of_withdrawal}; {student_name}",
  "{processor_name}, {processor_address}",
]
"""


def own(folder: Path, content: str = OWN, name: str = "2026-01.toml") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def own_text(folder: Path, content: str = OWN) -> ConsentText:
    own(folder, content)
    return load_texts(folder)["2026-01"]


def test_the_packaged_text_is_known_by_the_digest_of_its_bytes() -> None:
    text = load_texts()[VERSION]
    assert text.digest == hashlib.sha256((PACKAGED / f"{VERSION}.toml").read_bytes()).hexdigest()
    assert len(text.digest) == 64


def test_the_packaged_text_has_a_place_for_whatever_a_form_fills() -> None:
    text = load_texts()[VERSION]
    assert text.places == PLACES
    assert all(text.has_place(place) for place in OWN_PLACES)
    printed = "\n".join(text.paragraphs({place: f"[{place}]" for place in PLACES}))
    assert "{" not in printed
    assert all(f"[{place}]" in printed for place in PLACES)


def test_a_text_of_the_operators_folder_stands_beside_the_packaged_ones(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no text", encoding="utf-8")
    path = own(tmp_path)
    texts = load_texts(tmp_path)
    assert list(texts) == [VERSION, "2026-01"]
    assert texts[VERSION] == load_texts()[VERSION]
    text = texts["2026-01"]
    assert text.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (text.data, text.actions, text.methods) == (
        ("отметки", "класс"),
        ("передача", "хранение"),
        ("в системе", "на бумаге"),
    )


def test_a_changed_byte_makes_another_digest(tmp_path: Path) -> None:
    before = own_text(tmp_path).digest
    assert own_text(tmp_path, OWN + "\n").digest != before


def test_a_packaged_version_may_be_held_byte_by_byte_and_not_otherwise(tmp_path: Path) -> None:
    same = (PACKAGED / f"{VERSION}.toml").read_bytes()
    copy = tmp_path / f"{VERSION}.toml"
    copy.write_bytes(same)
    assert load_texts(tmp_path) == load_texts()
    copy.write_bytes(same + b"\n")
    with pytest.raises(BridgeError) as refused:
        load_texts(tmp_path)
    assert refused.value.code == "consent-text-differs"
    assert str(copy) in refused.value.say("ru")
    assert VERSION in refused.value.say("en")


def test_places_are_filled_the_text_s_own_first(tmp_path: Path) -> None:
    text = own_text(tmp_path)
    assert text.places == {"operator_name", "in_force_span", "student_name"}
    values = {"operator_name": "№ 252", "in_force_span": "до 2027", "student_name": "А"}
    assert text.paragraphs(values) == (
        "показ отметок, школа № 252; отметки; класс; передача, хранение; в системе; на бумаге; до 2027; заявлением; А",
        "Центр, Невский, 1",
    )


def test_the_processor_of_a_text_goes_before_the_one_given(tmp_path: Path) -> None:
    values = dict.fromkeys(PLACES, "кто-то")
    assert own_text(tmp_path).paragraphs(values)[1] == "Центр, Невский, 1"
    unnamed = OWN.replace('processor_name = "Центр"\n', "")
    assert own_text(tmp_path, unnamed).paragraphs(values)[1] == "кто-то, Невский, 1"


@given(st.text())
def test_what_fills_a_place_is_never_read_as_a_place(name: str) -> None:
    text = load_texts()[VERSION]
    for value in (name, "{purpose}", "{student_name}", "{0.__class__}", "\\1"):
        paragraphs = text.paragraphs(dict.fromkeys(PLACES, "-") | {"student_name": value})
        assert paragraphs[1].startswith(f"Обучающийся: {value}, дата рождения: -,")


def test_a_place_without_a_value_is_named_and_no_value_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^places without a value: operator_name, student_name$"):
        own_text(tmp_path).paragraphs({"in_force_span": "Ёлкина"})


def test_an_unknown_version_is_refused_with_what_is_known(tmp_path: Path) -> None:
    texts = load_texts(tmp_path)
    assert text_of(texts, VERSION, tmp_path) is texts[VERSION]
    with pytest.raises(BridgeError) as refused:
        text_of(texts, "2024-01", tmp_path)
    assert refused.value.code == "consent-text-unknown"
    with pytest.raises(BridgeError) as nowhere:
        text_of({}, "2099-01")
    assert "[consent] texts" in nowhere.value.say("ru")
    for language in ("ru", "en"):
        said = refused.value.say(language)
        assert all(word in said for word in ("2024-01", str(tmp_path), VERSION))
    with pytest.raises(BridgeError, match="–"):
        text_of({}, "2024-01")


@pytest.mark.parametrize(
    ("before", "after", "key", "expected"),
    [
        ('version = "2026-01"', 'version = "2026-02"', "version", "as in the file's name"),
        ('version = "2026-01"', "version = 2026", "version", "a text is needed"),
        ('version = "2026-01"\n', "", "version", "missing"),
        ('title = "Согласие"\n', "", "title", "missing"),
        ('title = "Согласие"', 'title = " "', "title", "a text is needed"),
        ('title = "Согласие"', 'title = "{student_name}"', "title", "unknown place"),
        ('title = "Согласие"', 'titel = "Согласие"', "title", "missing"),
        ('title = "Согласие"', 'title = "Согласие"\nseal = "x"', "seal", "no such key"),
        ('["отметки", "класс"]', '["отметки", ""]', "data", "a list of texts"),
        ('["отметки", "класс"]', '["отметки", 1]', "data", "a list of texts"),
        ('["отметки", "класс"]', '"отметки"', "data", "a list of texts"),
        ("{operator_name}", "{school}", "purpose", "unknown place"),
        ("{operator_name}", "{purpose}", "purpose", "unknown place"),
        ("{operator_name}", "{operator_name", "purpose", "unknown place"),
        ("{operator_name}", "{operator_name!r}", "purpose", "unknown place"),
        ('"{processor_name},', '"{processor_name.upper},', "body", "unknown place"),
        ('"Центр"', '"{operator_name}"', "processor_name", "unknown place"),
        ('"Невский, 1"', '"{operator_address}"', "processor_address", "unknown place"),
        ("body = [", "body = []\nrest = [", "body", "a list of texts"),
        ("body = [", "body = ", "–", "no TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_file_and_key(
    tmp_path: Path, before: str, after: str, key: str, expected: str
) -> None:
    assert before in OWN
    path = own(tmp_path, OWN.replace(before, after))
    with pytest.raises(BridgeError) as refused:
        load_texts(tmp_path)
    assert refused.value.code == "consent-text-wrong"
    assert f"{path}, {key}: " in refused.value.say("ru")
    assert f"{path}, {key}: " in refused.value.say("en")
    assert expected in refused.value.say("en")


def test_a_file_whose_name_is_no_version_is_refused(tmp_path: Path) -> None:
    own(tmp_path, OWN.replace("2026-01", "новая"), "новая.toml")
    with pytest.raises(BridgeError, match="latin letters"):
        load_texts(tmp_path)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="can't be read"):
        load_texts(tmp_path / "none")
    (tmp_path / "2026-01.toml").write_bytes(OWN.encode("cp1251"))
    with pytest.raises(BridgeError, match="no TOML in UTF-8"):
        load_texts(tmp_path)
    (tmp_path / "2026-01.toml").unlink()
    (tmp_path / "2026-01.toml").mkdir()
    with pytest.raises(BridgeError, match="can't be read"):
        load_texts(tmp_path)
