"""Two portals behind one face, `Bench`: the one in memory, and the SOAP connector with the sandbox behind real TLS."""

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from fakes.memory_portal import MemoryPortal

from connectors.portal.soap_portal import PortalConnection
from connectors.portals import connector
from journal.portal import Portal, PortalError, Resend
from journal.records import PortalApplication, UsageDay
from sandbox.portal import PortalServer, seed_applications, visible


@dataclass
class Clock:
    """A clock that both sides read and a test sets forward."""

    offset: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset


class Bench(Protocol):
    """A portal with what a test may arrange and look up behind its back."""

    portal: Portal
    clock: Clock

    def apply(self, school: str, *applications: PortalApplication) -> None: ...
    def look(self, school: str, *days: UsageDay) -> None: ...
    def reject(self, record_id: str) -> None: ...
    def fail(self, operation: str, *, taken: bool) -> None: ...
    def throttle(self, operation: str, seconds: int) -> None: ...
    def seen(self, school: str, account: str) -> set[str]: ...


class MemoryBench:
    """The portal in memory."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.portal = MemoryPortal(self.clock, page_size=2)

    def apply(self, school: str, *applications: PortalApplication) -> None:
        self.portal.seed(school).applications.extend(applications)

    def look(self, school: str, *days: UsageDay) -> None:
        self.portal.seed(school).usage.extend(days)

    def reject(self, record_id: str) -> None:
        self.portal.reject[record_id] = "refused"

    def fail(self, operation: str, *, taken: bool) -> None:
        queue = self.portal.fail_after if taken else self.portal.fail_before
        queue(operation, PortalError("connection", Resend.UNKNOWN))

    def throttle(self, operation: str, seconds: int) -> None:
        self.portal.fail_before(operation, PortalError("Throttled", Resend.RETRYABLE, seconds))

    def seen(self, school: str, account: str) -> set[str]:
        return set(self.portal.visible(school, account))


class SoapBench:
    """The connector that bridge.toml names by default, and the sandbox behind it."""

    OPERATIONS: dict[str, str] = {"submit": "SubmitJournal", "put_link": "PutLink", "end_link": "EndLink"}  # noqa: RUF012  read only

    def __init__(self, server: PortalServer, clock: Clock) -> None:
        self.clock = clock
        self.server = server
        files = server.files
        self.portal = connector("diary-exchange-1").open_portal(
            PortalConnection(
                url=server.url,
                client_certificate=files.bridge_tls.read_bytes(),
                signing_key=files.bridge_signing.read_bytes(),
                authorities=files.portal_ca.read_bytes(),
                connect_timeout=5,
                reply_timeout=20,
                now=clock,
            )
        )

    def apply(self, school: str, *applications: PortalApplication) -> None:
        with contextlib.closing(self.server.connect()) as connection:
            seed_applications(connection, school, applications)

    def look(self, school: str, *days: UsageDay) -> None:
        with contextlib.closing(self.server.connect()) as connection, connection:
            rows = [(school, day.date.isoformat(), day.link_id, day.views) for day in days]
            connection.executemany("INSERT INTO usage (school, date, link_id, views) VALUES (?, ?, ?, ?)", rows)

    def reject(self, record_id: str) -> None:
        self.server.fail_next("reject-records", operation="SubmitJournal", argument=f"^{record_id}$")

    def fail(self, operation: str, *, taken: bool) -> None:
        kind = "cut-after" if taken else "cut-before"
        self.server.fail_next(kind, operation=self.OPERATIONS[operation], argument="0")

    def throttle(self, operation: str, seconds: int) -> None:
        self.server.fail_next("throttled", operation=self.OPERATIONS[operation], argument=str(seconds))

    def seen(self, school: str, account: str) -> set[str]:
        with contextlib.closing(self.server.connect()) as connection:
            return set(visible(connection, school, account, self.clock().date()))
