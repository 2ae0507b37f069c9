"""Sentences for people, each in Russian and in English, and the errors that carry them.

Rules. A sentence names the thing and the remedy. Its parameters are codes, ids, file names, counts and
dates, never a person's name or a mark. `str()` of an error is its English sentence, so an error that is
logged by accident still shows nothing personal. Deliberately not here: the sentences themselves; they
stand beside the code that says them.
"""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Language(StrEnum):
    """The languages that pages, reports and messages exist in."""

    RU = "ru"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Wording:
    """One sentence in both languages, with `{name}` places for its parameters."""

    ru: str
    en: str

    def say(self, language: Language | str, **parameters: object) -> str:
        """Return the sentence in `language` with its places filled; without parameters, as it stands."""
        template = self.ru if language == Language.RU else self.en
        return template.format(**parameters) if parameters else template

    def filled(self, **parameters: object) -> "Wording":
        """Return the sentence with its places filled in both languages, whatever braces the parameters carry."""
        return Wording(self.say(Language.RU, **parameters), self.say(Language.EN, **parameters))


class ExitStatus(IntEnum):
    """What a command's exit status means to the program that called it."""

    DONE = 0
    DONE_WITH_EXCEPTIONS = 1
    NOT_DONE = 2
    HELD = 3


@dataclass(eq=False)
class BridgeError(Exception):
    """Something a person has to be told: a stable `code`, a sentence, and its parameters (nothing personal)."""

    code: str
    wording: Wording
    parameters: dict[str, object] = field(default_factory=dict)
    exit_status: ExitStatus = ExitStatus.NOT_DONE

    def say(self, language: Language | str) -> str:
        """Return the sentence for a person who reads `language`."""
        return self.wording.say(language, **self.parameters)

    def __str__(self) -> str:
        return f"{self.code}: {self.say(Language.EN)}"
