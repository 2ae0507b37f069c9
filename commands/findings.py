"""What a check finds: one thing, how it is, and a sentence with the remedy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from audit.errors import AuditError
from flows.technical_log import report_failure
from journal.wording import BridgeError, Language, Wording

_UNEXPECTED = Wording(
    ru="{subject}: проверка прервалась ({kind}). Передайте эту строку разработчикам",
    en="{subject}: the check broke off ({kind}). Pass this line on to the developers",
)
_SAID = Wording(ru="{subject}: {ru}", en="{subject}: {en}")


class Condition(StrEnum):
    """How a thing is: fine, working but worth a look, or not working."""

    FINE = "✓"
    LOOK = "!"
    WRONG = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. The sentence's places are filled."""

    condition: Condition
    ru: str
    en: str

    def line(self, language: Language) -> str:
        """Return the line that a person reads."""
        return f"{self.condition} {self.ru if language == Language.RU else self.en}"


def found(condition: Condition, wording: Wording, **parameters: object) -> Finding:
    """Return a finding with the sentence's places filled."""
    return Finding(condition, wording.say(Language.RU, **parameters), wording.say(Language.EN, **parameters))


def guarded(subject: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Give what `look` finds; what it raises becomes a finding about `subject`, so that the others are looked at."""
    try:
        yield from look()
    except BridgeError as error:
        ru, en = error.say(Language.RU), error.say(Language.EN)
        yield found(
            Condition.WRONG, _SAID, subject=subject, ru=without_subject(subject, ru), en=without_subject(subject, en)
        )
    except AuditError as error:
        yield found(Condition.WRONG, _SAID, subject=subject, ru=error.ru, en=error.en)
    except Exception as error:  # noqa: BLE001  one thing that breaks must not hide the others
        yield found(Condition.WRONG, _UNEXPECTED, subject=subject, kind=report_failure(error))


def without_subject(subject: str, sentence: str) -> str:
    """Drop the subject where the sentence begins with it already, maybe after the file's name."""
    _, separator, rest = sentence.partition(f"{subject}: ")
    return rest if separator else sentence
