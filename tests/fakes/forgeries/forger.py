"""A forger's means, and one hostile reply as it is sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fakes.forgeries import handmade
from fakes.forgeries.questions import Question
from fakes.reply_signing import envelope, signed
from fakes.scripted_server import Step, http
from lxml import etree

from sandbox.authority import Credential


@dataclass(frozen=True)
class Hostile:
    """One reply: its name, the question that it is given to, what is sent."""

    name: str
    question: Question
    steps: Iterable[Step]


@dataclass(frozen=True)
class Forger:
    """A forger's means."""

    keys: object
    questions: Mapping[str, Question]

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    @property
    def signer(self) -> Credential:
        return self.keys.portal_signing

    def genuine(self, question: Question) -> bytes:
        return signed(question.answer, self.signer, self.now)

    def unsigned(self, question: Question | None = None) -> etree._Element:
        asked = question or self.questions["SubmitJournal"]
        return envelope(asked.answer, self.signer, self.now)

    def handmade(self, root: etree._Element | None = None, **changes: object) -> bytes:
        message = self.unsigned() if root is None else root
        return handmade.sign(message, handmade.rsa(self.signer.key), **changes)

    def to_submit(self, name: str, message: bytes, status: str = "200 OK", **headers: str) -> Hostile:
        return Hostile(name, self.questions["SubmitJournal"], [http(message, status, **headers)])


def copied(element: etree._Element) -> etree._Element:
    return etree.fromstring(etree.tostring(element))
