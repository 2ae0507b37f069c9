"""What a signed Body asks for, and what an operation is given to do it.

Rules. A Body is read from its signed bytes alone. A plain journal is read in one pass (`plain_journal`); whatever else
there is, is parsed and held against the contract, which says what is wrong.
"""

import re
import sqlite3
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from lxml.etree import _Element

from sandbox.portal.contract import SUBMIT_JOURNAL, check_request
from sandbox.portal.journal import Journal, read_element
from sandbox.portal.plain_journal import read_plain
from sandbox.portal.soap import parse, required

PORTAL_ZONE = ZoneInfo("Europe/Moscow")


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation, the school that every operation names, and what is told: a journal, or the operation's element."""

    operation: str
    school: str
    told: _Element | Journal = field(repr=False)


def read(body: bytes) -> Asked:
    """Read a Body (exclusive canonical form) that holds one element; raises SchemaViolation or TooLarge."""
    journal = read_plain(body)
    if journal is not None:
        return Asked(SUBMIT_JOURNAL, journal.school, journal)
    (payload,) = parse(body).iterchildren("{*}*")
    operation = check_request(payload)
    told = read_element(payload) if operation == SUBMIT_JOURNAL else payload
    return Asked(operation, required(payload, "school"), told)


@dataclass(frozen=True, slots=True)
class Request:
    """One verified request within its transaction; `rejecting` names record ids that the portal shall not take."""

    connection: sqlite3.Connection = field(repr=False)
    asked: Asked
    now: datetime
    rejecting: re.Pattern[str] | None = None

    @property
    def school(self) -> str:
        """The school that every operation names."""
        return self.asked.school

    @property
    def element(self) -> _Element:
        """What an operation other than SubmitJournal is told."""
        if isinstance(self.asked.told, Journal):
            raise TypeError("a journal is no element")
        return self.asked.told

    @property
    def journal(self) -> Journal:
        """What SubmitJournal is told."""
        if not isinstance(self.asked.told, Journal):
            raise TypeError("an element is no journal")
        return self.asked.told

    @property
    def today(self) -> date:
        """The day on which links are in force or not, in the city's zone."""
        return self.now.astimezone(PORTAL_ZONE).date()
