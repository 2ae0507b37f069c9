"""The texts that parents sign, each version a file that is known by its digest.

Rules. A version is `VERSION.toml`; the digest is the SHA-256 of the file's bytes, so a text that somebody changed is
another text. Versions that come with the program (`texts/`) are the same everywhere: an operator's folder adds
versions and may hold a packaged one only byte by byte. `{places}` are filled when a form is printed; what fills a
place is never read as a text with places again. A file may leave contents of the law empty: whether a signed
document has them all is said by `consent_content`, so that an old text can still be named.
Texts are in Russian, for they are legal documents. Deliberately not here: how a form looks, who fills it in.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from journal.wording import BridgeError, Wording

PACKAGED = Path(__file__).parent

OWN_PLACES = frozenset({"purpose", "data", "actions", "methods", "term", "way_of_withdrawal"})
"""Places of a body that the text itself fills."""

PLACES = frozenset(
    {
        "operator_name", "operator_address", "processor_name", "processor_address",
        "student_name", "student_birth_date", "student_address", "student_document",
        "representative_name", "representative_address", "representative_document", "relation", "authority_document",
        "account", "kinds", "records_span", "in_force_span",
    }
)  # fmt: skip
"""Places that whoever prints a form fills: words as they are to be read, or a line to write on."""

_PLACE = re.compile(r"\{([a-z_]+)\}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}")

_UNKNOWN = Wording(
    ru="Текста согласия версии «{version}» нет ни в программе, ни в папке {folder}. Известны: {known}. "
    "Исправьте версию или положите файл {version}.toml в эту папку.",
    en="There is no consent text of version “{version}”, neither in the program nor in the folder {folder}. "
    "Known are: {known}. Mend the version, or put the file {version}.toml into that folder.",
)
_WRONG = Wording(
    ru="Текст согласия {file}, {key}: {expected_ru}. Исправьте файл.",
    en="Consent text {file}, {key}: {expected_en}. Mend the file.",
)
_DIFFERS = Wording(
    ru="Текст согласия {file}: версия «{version}» есть в программе, и её текст другой. "
    "Дайте своему тексту другую версию.",
    en="Consent text {file}: version “{version}” comes with the program and reads otherwise. "
    "Give your own text another version.",
)
_NO_FILE = ("файл или папка не читается", "the file or folder can't be read")
_NO_TOML = ("это не TOML в UTF-8", "this is no TOML in UTF-8")
_NO_KEY = ("нет такого ключа", "there is no such key")
_MISSING = ("ключа нет", "the key is missing")
_NO_TEXT = ("нужен непустой текст", "a text is needed")
_NO_LIST = ("нужен список непустых текстов", "a list of texts is needed")
_NAME = (
    "нужна версия, как в имени файла: латиница, цифры, точка, дефис",
    "the version as in the file's name is needed: latin letters, digits, dots, hyphens",
)
_BRACES = ("в скобках стоит неизвестное место", "there is an unknown place in braces")


@dataclass(frozen=True, slots=True)
class ConsentText:
    """One version of the text. Fields may have places; a processor that is empty is named when a form is printed."""

    version: str
    digest: str
    title: str
    purpose: str
    data: tuple[str, ...]
    actions: tuple[str, ...]
    methods: tuple[str, ...]
    processor_name: str
    processor_address: str
    term: str
    way_of_withdrawal: str
    body: tuple[str, ...]

    @property
    def places(self) -> frozenset[str]:
        """The places that whoever prints a form has to fill."""
        own = self._own()
        used = {place for text in (*own.values(), *self.body) for place in _PLACE.findall(text)}
        return frozenset(used - own.keys())

    def has_place(self, place: str) -> bool:
        """Tell whether the body has a place."""
        return any(place in _PLACE.findall(paragraph) for paragraph in self.body)

    def paragraphs(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the body with its places filled. The result is personal data.

        Raises ValueError when a place has no value; it names the places.
        """
        missing = sorted(self.places - values.keys())
        if missing:
            raise ValueError(f"places without a value: {', '.join(missing)}")
        own = {place: _filled(text, values) for place, text in self._own().items()}
        return tuple(_filled(paragraph, {**values, **own}) for paragraph in self.body)

    def _own(self) -> dict[str, str]:
        """Return what the text itself says, by its place; a processor only where it names one."""
        processor = {"processor_name": self.processor_name, "processor_address": self.processor_address}
        return {
            "purpose": self.purpose,
            "data": "; ".join(self.data),
            "actions": ", ".join(self.actions),
            "methods": "; ".join(self.methods),
            "term": self.term,
            "way_of_withdrawal": self.way_of_withdrawal,
            **{place: named for place, named in processor.items() if named},
        }


def load_texts(folder: Path | None = None) -> Mapping[str, ConsentText]:
    """Return the packaged versions and those of the operator's folder, by version.

    Raises BridgeError `consent-text-wrong` (names file and key) or `consent-text-differs`.
    """
    texts = {text.version: text for text in map(_read, _files(PACKAGED))}
    if folder is not None:
        for path in _files(folder):
            text = _read(path)
            packaged = texts.get(text.version)
            if packaged is not None and packaged.digest != text.digest:
                raise BridgeError("consent-text-differs", _DIFFERS, {"file": path, "version": text.version})
            texts[text.version] = text
    return MappingProxyType(dict(sorted(texts.items())))


def text_of(texts: Mapping[str, ConsentText], version: str, folder: Path | None = None) -> ConsentText:
    """Return a version's text; `folder` is named to people. Raises BridgeError `consent-text-unknown`."""
    text = texts.get(version)
    if text is None:
        known = ", ".join(sorted(texts)) or "–"
        raise BridgeError(
            "consent-text-unknown",
            _UNKNOWN,
            {"version": version, "folder": folder or "[consent] texts", "known": known},
        )
    return text


class _File(BaseModel):
    """What a file says; the law's contents may be empty, title and body may not."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, strict=True)

    version: str
    title: str = Field(min_length=1)
    purpose: str = ""
    data: list[str] = []
    actions: list[str] = []
    methods: list[str] = []
    processor_name: str = ""
    processor_address: str = ""
    term: str = ""
    way_of_withdrawal: str = ""
    body: list[str] = Field(min_length=1)


_LISTS = ("data", "actions", "methods", "body")
_PLACES_OF = {
    "version": frozenset[str](),
    "title": frozenset[str](),
    "processor_name": frozenset[str](),
    "processor_address": frozenset[str](),
    "body": PLACES | OWN_PLACES,
}
"""Which places a field may have, where these are not `PLACES`."""


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except OSError:
        pass
    raise _wrong(folder, "–", _NO_FILE)


def _read(path: Path) -> ConsentText:
    content, problem = b"", None
    table: dict[str, object] = {}
    try:
        content = path.read_bytes()
        table = tomllib.loads(content.decode("utf-8"))
    except OSError:
        problem = _NO_FILE
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        problem = _NO_TOML
    if problem:
        raise _wrong(path, "–", problem)
    file = _checked(path, table)
    for key in _LISTS:
        if not all(getattr(file, key)):
            raise _wrong(path, key, _NO_LIST)
    if file.version != path.stem or not _VERSION.fullmatch(file.version):
        raise _wrong(path, "version", _NAME)
    _check_places(path, file)
    return ConsentText(
        version=file.version,
        digest=hashlib.sha256(content).hexdigest(),
        title=file.title,
        purpose=file.purpose,
        data=tuple(file.data),
        actions=tuple(file.actions),
        methods=tuple(file.methods),
        processor_name=file.processor_name,
        processor_address=file.processor_address,
        term=file.term,
        way_of_withdrawal=file.way_of_withdrawal,
        body=tuple(file.body),
    )


def _checked(path: Path, table: Mapping[str, object]) -> _File:
    try:
        return _File.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    key = str(first["loc"][0])
    said = {"extra_forbidden": _NO_KEY, "missing": _MISSING}.get(first["type"], _NO_LIST if key in _LISTS else _NO_TEXT)
    raise _wrong(path, key, said)


def _check_places(path: Path, file: _File) -> None:
    """Refuse a brace that is no place, and a place where none is filled."""
    for key, text in _texts(file):
        if set(_PLACE.findall(text)) - _PLACES_OF.get(key, PLACES) or re.search(r"[{}]", _PLACE.sub("", text)):
            raise _wrong(path, key, _BRACES)


def _texts(file: _File) -> Iterable[tuple[str, str]]:
    for key, value in file:
        for text in value if isinstance(value, list) else [value]:
            yield key, text


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: values[found[1]], text)


def _wrong(path: Path, key: str, expected: tuple[str, str]) -> BridgeError:
    parameters: dict[str, object] = {"file": path, "key": key, "expected_ru": expected[0], "expected_en": expected[1]}
    return BridgeError("consent-text-wrong", _WRONG, parameters)
