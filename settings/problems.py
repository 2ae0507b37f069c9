"""What is wrong in a configuration file, as lines for a person: file, key, what was expected.

Rules. One line a problem. No value is repeated: a key may hold a password, a URL may carry one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from journal.wording import BridgeError, Language, Wording

_LINES = Wording(ru="{lines}", en="{lines}")


@dataclass(frozen=True, slots=True)
class Expected:
    """Stands on a setting's type and says, in both languages, what the setting has to be."""

    ru: str
    en: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: the key as it stands in the file (empty: the file itself), and a sentence."""

    key: str
    sentence: Wording

    def line(self, file: Path, language: Language | str) -> str:
        """Return the line that a person reads."""
        sentence = self.sentence.say(language)
        return f"{file}: {self.key}: {sentence}" if self.key else f"{file}: {sentence}"


class ConfigurationError(BridgeError):
    """The configuration file is wrong: code `configuration`, exit status 2, one line a problem."""

    def __init__(self, file: Path, problems: Sequence[Problem], language: Language = Language.RU) -> None:
        super().__init__("configuration", _LINES)
        self.file = file
        self.problems = tuple(problems)
        self.language = language
        """What the file itself asks for, where that much of it could be read."""

    def say(self, language: Language | str) -> str:
        """Return all lines in `language`."""
        return "\n".join(problem.line(self.file, language) for problem in self.problems)
