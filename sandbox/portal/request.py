"""What an operation is given: the verified element, the open transaction, the portal's clock and settings."""

import re
import sqlite3
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from lxml.etree import _Element

from sandbox.portal.soap import required

PORTAL_ZONE = ZoneInfo("Europe/Moscow")


@dataclass(frozen=True, slots=True)
class Request:
    """One verified request within its transaction; `rejecting` names record ids that the portal shall not take."""

    connection: sqlite3.Connection = field(repr=False)
    element: _Element = field(repr=False)
    now: datetime
    rejecting: re.Pattern[str] | None = None

    @property
    def school(self) -> str:
        """The school that every operation names."""
        return required(self.element, "school")

    @property
    def today(self) -> date:
        """The day on which links are in force or not, in the city's zone."""
        return self.now.astimezone(PORTAL_ZONE).date()
