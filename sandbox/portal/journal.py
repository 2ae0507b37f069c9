"""A SubmitJournal as values: what its records tell, whichever way it was read.

Rules. Each text is as its schema type says: tokens are collapsed, a Line or Text is left as it is, and what a record
does not have is None. Numbers, dates and moments are still texts here; `journal_operations` reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml.etree import _Element

from sandbox.portal.soap import attribute, collapse, required, texts

CONTENT = (
    "studentRef", "kind", "subject", "date", "lessonNumber", "value", "weight", "work", "comment", "enteredAt",
)  # fmt: skip

Text = str | None
Told = tuple[Text, str, str, Text, Text, Text, Text, Text, Text, Text, Text, Text, Text]
"""A record: the reason of a withdraw, record id, revision, then the texts of CONTENT (of a withdraw, all None)."""


@dataclass(frozen=True, slots=True)
class Journal:
    """A batch that keeps the schema and whose id is the digest of its content; its records in their order."""

    school: str
    batch_id: str
    created_at: str
    records: Sequence[Told] = field(repr=False)


def read_element(journal: _Element) -> Journal:
    """Read an element that was parsed from canonical bytes and held against the contract."""
    return Journal(
        school=required(journal, "school"),
        batch_id=required(journal, "batchId"),
        created_at=required(journal, "createdAt"),
        records=[_told(item) for item in journal],
    )


def _told(item: _Element) -> Told:
    told = texts(item)

    def token(name: str) -> Text:
        text = told.get(name)
        return None if text is None else collapse(text)

    return (
        attribute(item, "reason"),
        required(item, "recordId"),
        required(item, "revision"),
        token("studentRef"),
        token("kind"),
        token("subject"),
        token("date"),
        token("lessonNumber"),
        token("value"),
        token("weight"),
        told.get("work"),
        told.get("comment"),
        token("enteredAt"),
    )
