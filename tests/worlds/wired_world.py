"""A small school in this process, and the portal's sandbox behind real TLS, each with a clock of its own.

What the portal holds is read from its own file, with nothing of the product between.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from worlds.memory_world import START, Link, MemoryWorld, Row

from connectors.portal.soap_portal import PortalConnection
from connectors.portals import connector
from sandbox.authority import write_authority
from sandbox.portal import PortalServer, serve

DAY = date(2026, 10, 5)


def lasting_keys(folder: Path) -> Path:
    """Make keys of both sides that are valid whatever the clocks of a test say; TLS goes by the machine's."""
    write_authority(folder, datetime(2020, 1, 1, tzinfo=UTC), life=timedelta(days=36_500))
    return folder


class WiredWorld(MemoryWorld):
    """The world's `now` is the bridge's clock; `portal_now` the portal's. Both stand still until they are set."""

    server: PortalServer
    portal_now: datetime = START

    def connection(self) -> PortalConnection:
        files = self.server.files
        return PortalConnection(
            url=self.server.url,
            client_certificate=files.bridge_tls.read_bytes(),
            signing_key=files.bridge_signing.read_bytes(),
            authorities=files.portal_ca.read_bytes(),
            connect_timeout=5,
            reply_timeout=2,
            now=lambda: self.now,
        )

    def rows_of(self, query: str) -> list[tuple]:
        with contextlib.closing(sqlite3.connect(self.server.database)) as connection:
            return connection.execute(query).fetchall()

    def shown(self) -> list[tuple[str, int]]:
        """Return value and revision of each record shown."""
        return sorted(self.rows_of("SELECT value, revision FROM holding WHERE withdrawn = 0"))

    def said(self) -> list[tuple[str, str, int]]:
        """Return all that ever changed something at the portal: act, whose id, revision."""
        return self.rows_of("SELECT act, subject_id, revision FROM history ORDER BY sequence")

    def asked(self, operation: str) -> int:
        """Return how many requests of an operation passed the portal's checks or failed at them."""
        return len([one for (one,) in self.rows_of("SELECT operation FROM request_log") if one == operation])


@contextmanager
def wired_world(folder: Path, keys: Path, students: str = "12") -> Iterator[WiredWorld]:
    """Give a world of five records a student, all consented."""
    (folder / "portal").mkdir()
    (folder / "portal" / "keys").symlink_to(keys)
    world = WiredWorld(folder, batch_records=100)
    with serve(folder / "portal", now=lambda: world.portal_now) as server:
        world.server = server
        world.portal = connector("diary-exchange-1").open_portal(world.connection())
        for student in students:
            world.register(Link(student, f"pa-{student}"))
            for number in range(5):
                world.rows[f"mark:{student}{number}"] = Row(student, str(number % 4 + 2), DAY)
        yield world
        world.portal.close()
    world.engine.dispose()
