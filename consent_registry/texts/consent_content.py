"""Whether a signed consent has all that the law demands of one, content by content. Pure.

Rules (152-ФЗ, article 9, part 4, points 1 to 9; all of them, as in a consent of a legal representative). The version of
the text says purpose, data, actions, methods, term and the way of withdrawal: what it lacks, no clerk can confirm.
What differs from paper to paper is confirmed by the clerk who has the signed paper before them; the registry keeps
that it is there, not what it is: no address, no document's number. A signature needs its day besides. A processor may
stand in the text or on the paper. What is not known to be there is missing.
Deliberately not here: whether the signed text is true, and whether the consent holds (`decision`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from consent_registry.texts.consent_text import ConsentText
from journal.wording import Wording


class Content(StrEnum):
    """What a written consent has to contain, in the order of the law."""

    STUDENT_NAME = "student-name"
    STUDENT_ADDRESS = "student-address"
    STUDENT_DOCUMENT = "student-document"
    REPRESENTATIVE_NAME = "representative-name"
    REPRESENTATIVE_ADDRESS = "representative-address"
    REPRESENTATIVE_DOCUMENT = "representative-document"
    AUTHORITY_DOCUMENT = "authority-document"
    OPERATOR_NAME = "operator-name"
    OPERATOR_ADDRESS = "operator-address"
    PURPOSE = "purpose"
    DATA = "data"
    PROCESSOR_NAME = "processor-name"
    PROCESSOR_ADDRESS = "processor-address"
    ACTIONS = "actions"
    METHODS = "methods"
    TERM = "term"
    WAY_OF_WITHDRAWAL = "way-of-withdrawal"
    SIGNATURE = "signature"


_TEXT_PLACES: Mapping[Content, str] = {
    Content.PURPOSE: "purpose",
    Content.DATA: "data",
    Content.ACTIONS: "actions",
    Content.METHODS: "methods",
    Content.TERM: "term",
    Content.WAY_OF_WITHDRAWAL: "way_of_withdrawal",
}
"""What the version of the text says, and the place of its body where it is read."""

_PROCESSOR_PLACES: Mapping[Content, str] = {
    Content.PROCESSOR_NAME: "processor_name",
    Content.PROCESSOR_ADDRESS: "processor_address",
}


@dataclass(frozen=True, slots=True)
class ConsentDocument:
    """What a clerk saw on a signed paper: which contents are on it (flags, never what they say), and its day."""

    confirmed: frozenset[Content]
    signed_on: date | None


@dataclass(frozen=True, slots=True)
class ContentWords:
    """What a content is, in which point of article 9, part 4 it is demanded, and what to do where it is missing."""

    point: int
    meaning: Wording
    remedy: Wording


def to_confirm(text: ConsentText) -> tuple[Content, ...]:
    """Return what a clerk has to see on a paper of this text, in the order of the law."""
    return tuple(content for content in Content if content not in _TEXT_PLACES and not _in_text(content, text))


def missing_contents(document: ConsentDocument, text: ConsentText) -> list[Content]:
    """Return what the law demands and the document has not, in the order of the law; `text` is its version."""
    return [content for content in Content if not _is_there(content, document, text)]


def _is_there(content: Content, document: ConsentDocument, text: ConsentText) -> bool:
    if _in_text(content, text):
        return True
    if content in _TEXT_PLACES or content not in document.confirmed:
        return False
    return content is not Content.SIGNATURE or document.signed_on is not None


def _in_text(content: Content, text: ConsentText) -> bool:
    place = _TEXT_PLACES.get(content) or _PROCESSOR_PLACES.get(content)
    return place is not None and bool(getattr(text, place)) and text.has_place(place)


def _words(point: int, lacking: Wording, remedy: Wording) -> ContentWords:
    meaning = Wording(
        ru=f"{lacking.ru} (152-ФЗ, статья 9, часть 4, пункт {point})",
        en=f"{lacking.en} (152-ФЗ, article 9, part 4, point {point})",
    )
    return ContentWords(point, meaning, remedy)


_ON_PAPER = Wording(
    ru="Пусть законный представитель впишет это в согласие и подпишет его; затем отметьте, что это есть",
    en="Let the representative write it into the consent and sign it; then confirm that it is there",
)
_ON_FORM = Wording(
    ru="Напечатайте бланк заново: это заполняет школа; дайте подписать и отметьте, что это есть",
    en="Print the form anew, the school fills this in; have it signed and confirm that it is there",
)
_IN_TEXT = Wording(
    ru="Возьмите согласие по тексту другой версии, где это сказано: эту версию применять нельзя",
    en="Take a consent by another version of the text that says it: this version can't be used",
)

WORDS: Mapping[Content, ContentWords] = {
    Content.STUDENT_NAME: _words(
        1, Wording("Нет фамилии, имени и отчества обучающегося", "The student's full name is missing"), _ON_FORM
    ),
    Content.STUDENT_ADDRESS: _words(
        1, Wording("Нет адреса обучающегося", "The student's address is missing"), _ON_PAPER
    ),
    Content.STUDENT_DOCUMENT: _words(
        1,
        Wording(
            "Нет номера документа обучающегося, дня его выдачи или выдавшего органа",
            "The number, day or authority of the student's identity document is missing",
        ),
        _ON_PAPER,
    ),
    Content.REPRESENTATIVE_NAME: _words(
        2,
        Wording("Нет фамилии, имени и отчества законного представителя", "The representative's full name is missing"),
        _ON_FORM,
    ),
    Content.REPRESENTATIVE_ADDRESS: _words(
        2, Wording("Нет адреса законного представителя", "The representative's address is missing"), _ON_PAPER
    ),
    Content.REPRESENTATIVE_DOCUMENT: _words(
        2,
        Wording(
            "Нет номера документа законного представителя, дня его выдачи или выдавшего органа",
            "The number, day or authority of the representative's identity document is missing",
        ),
        _ON_PAPER,
    ),
    Content.AUTHORITY_DOCUMENT: _words(
        2,
        Wording(
            "Нет реквизитов документа о полномочиях законного представителя",
            "The document on the representative's authority is not named",
        ),
        Wording(
            "Пусть впишет в согласие реквизиты свидетельства о рождении (родитель), решения суда (усыновитель) "
            "или акта органа опеки (опекун, попечитель) и подпишет его; затем отметьте, что это есть",
            "Let them write the birth certificate (parent), the court's decision (adopter) or the act of the "
            "guardianship authority (guardian, trustee) into the consent and sign it; then confirm that it is there",
        ),
    ),
    Content.OPERATOR_NAME: _words(
        3, Wording("Нет наименования школы как оператора", "The school is not named as the operator"), _ON_FORM
    ),
    Content.OPERATOR_ADDRESS: _words(
        3, Wording("Нет адреса школы как оператора", "The school's address as the operator is missing"), _ON_FORM
    ),
    Content.PURPOSE: _words(4, Wording("Нет цели обработки", "The purpose is missing"), _IN_TEXT),
    Content.DATA: _words(5, Wording("Нет перечня персональных данных", "The list of data is missing"), _IN_TEXT),
    Content.PROCESSOR_NAME: _words(
        6,
        Wording("Не названо лицо, которому поручена обработка", "Who processes on the school's behalf is not named"),
        _ON_FORM,
    ),
    Content.PROCESSOR_ADDRESS: _words(
        6,
        Wording(
            "Нет адреса лица, которому поручена обработка",
            "The address of who processes on the school's behalf is missing",
        ),
        _ON_FORM,
    ),
    Content.ACTIONS: _words(7, Wording("Нет перечня действий с данными", "The list of actions is missing"), _IN_TEXT),
    Content.METHODS: _words(
        7, Wording("Не описаны способы обработки", "The methods of processing are not described"), _IN_TEXT
    ),
    Content.TERM: _words(
        8, Wording("Нет срока, на который дано согласие", "The term of the consent is missing"), _IN_TEXT
    ),
    Content.WAY_OF_WITHDRAWAL: _words(
        8, Wording("Не сказано, как отозвать согласие", "How to withdraw the consent is not said"), _IN_TEXT
    ),
    Content.SIGNATURE: _words(
        9,
        Wording("Нет подписи или её дня", "The signature or its day is missing"),
        Wording(
            "Дайте законному представителю подписать согласие, внесите день подписи и отметьте, что подпись есть",
            "Have the representative sign the consent, enter the day and confirm that the signature is there",
        ),
    ),
}
"""What each content means to people where it is missing."""
