"""The form of a reason in plain words: what it is called, what it means, what to do, whom to ask.

Rules. A code that no room explains is still shown, by its code. One code may stand under two fates with different
words ("consent-withdrawn": not sent, or taken back). Deliberately not here: the words (`reports.reasons`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from journal.wording import Wording


class Fate(StrEnum):
    """Under which heading of the report a reason stands."""

    WITHHELD = "withheld"
    SET_ASIDE = "set-aside"
    WARNING = "warning"
    STUDENT = "student"
    WITHDRAWN = "withdrawn"
    DIFFERENCE = "difference"
    LIMIT = "limit"


class Owner(StrEnum):
    """Who in the school or the district can change what the reason says."""

    TEACHER = "teacher"
    JOURNAL = "journal"
    REGISTRAR = "registrar"
    OPERATOR = "operator"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class ReasonText:
    """One reason for a reader. `owner` is whom to ask; NOBODY: this is as it should be.

    `meaning` is None where the title already says it all.
    """

    code: str
    title: Wording
    meaning: Wording | None
    remedy: Wording
    owner: Owner = Owner.OPERATOR


Catalogue = Mapping[Fate, Mapping[str, ReasonText]]


def explain(catalogue: Catalogue, fate: Fate, code: str) -> ReasonText:
    """Return the words for `code` under `fate`; for a code that nobody explained, words that show the code."""
    return catalogue.get(fate, {}).get(code) or _unknown(code)


def _unknown(code: str) -> ReasonText:
    return ReasonText(
        code=code,
        title=Wording(ru=f"Причина с кодом «{code}»", en=f"Reason with the code “{code}”"),
        meaning=Wording(
            ru="Эта версия отчёта не знает объяснения для такого кода.",
            en="This version of the report has no explanation for this code.",
        ),
        remedy=Wording(
            ru="Сообщите код оператору моста.",
            en="Tell the operator of the bridge this code.",
        ),
    )
