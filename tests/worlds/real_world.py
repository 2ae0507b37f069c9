"""One installation on real parts: a Firebird file, a portal sandbox over TLS, a bridge.toml, keys, a register.

The portal's SQLite file is read independently of the product; the bridge runs in this process, or as the command
`dnevnik` in a process of its own, or in a process that is killed at a boundary (`worlds.killed_sync`).
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from canaries import plant

import settings
from audit.keys import create_signing_key
from consent_registry.sealed.vault import create_master_key
from flows.assembly import assemble
from flows.bridge import Bridge
from sandbox.authority import write_authority
from sandbox.portal import PortalServer, serve
from sandbox.school import write_school

TESTS = Path(__file__).parent.parent
DNEVNIK = Path(sys.executable).parent / "dnevnik"

TOML = """
[bridge]
state = "{state}"
language = "{language}"

[portal]
url = "{url}"
client_certificate = "file:portal/keys/bridge-tls.pem"
signing_key = "file:portal/keys/bridge-signing.pem"
authorities = "file:portal/keys/portal-ca.pem"
batch_records = {batch_records}
requests_per_minute = 100000
connect_timeout = 5
reply_timeout = {reply_timeout}

[audit]
log = "var/audit"
signing_key = "file:keys/audit-ed25519.pem"
master_key = "file:keys/audit-master.key"

[limits]
withdraw_share = 1.0
withdraw_count = 100000
change_share = 1.0
"""

SCHOOL = """
[[school]]
code = "{code}"
name = "Школа {code}"
district = "Красносельский"
source = "file:{code}.fdb"
"""


@dataclass
class RealWorld:
    """The installation in `folder`; made by `build`."""

    folder: Path
    server: PortalServer
    codes: tuple[str, ...] = ("0252",)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "bridge.toml"

    def school_file(self, code: str | None = None) -> Path:
        return self.folder / f"{code or self.codes[0]}.fdb"

    def bridge(self) -> Bridge:
        return assemble(settings.load(self.config))

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `dnevnik --config … ARGUMENTS` as a stranger's program would."""
        return subprocess.run(
            [str(DNEVNIK), "--config", str(self.config), *arguments],
            cwd=self.folder,
            env=self.process_environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def process_environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        return kept | {"PYTHONWARNINGS": "default", "DO_NOT_TRACK": "1"} | self.environment

    def killed_sync(self, boundary: str, passes: int) -> int:
        """Sync in a process that kills itself (SIGKILL) at a boundary; returns its exit status (-9: killed)."""
        return subprocess.run(
            [sys.executable, str(TESTS / "worlds" / "killed_sync.py"), str(self.config), boundary, str(passes)],
            env=self.process_environment(),
            timeout=120,
            capture_output=True,
            check=False,
        ).returncode

    def portal_rows(self, query: str, *parameters: object) -> list[tuple]:
        """Read the portal's own file, with nothing of the product between."""
        with contextlib.closing(sqlite3.connect(self.server.database)) as connection:
            return connection.execute(query, parameters).fetchall()

    def holdings(self, code: str | None = None) -> list[tuple]:
        """Return what the portal shows, content by content, without the bridge's opaque ids."""
        return sorted(
            self.portal_rows(
                "SELECT kind, subject, date, lesson_number, value, weight, work, comment, entered_at "
                "FROM holding WHERE school = ? AND withdrawn = 0",
                code or self.codes[0],
            ),
            key=repr,
        )


def build(
    folder: Path,
    keys: Path,
    *,
    codes: tuple[str, ...] = ("0252",),
    students: int = 30,
    weeks: int = 4,
    seed: int = 1,
    batch_records: int = 200,
    reply_timeout: float = 20,
    state: str = "sqlite:///var/bridge.db",
    today: date | None = None,
    more: Mapping[str, str] | None = None,
) -> RealWorld:
    """Make an installation; `keys` is a folder with an authority's files, made once a session (`authority`)."""
    shutil.copytree(keys, folder / "portal" / "keys")
    server = serve(folder / "portal").start()
    (folder / "keys").mkdir()
    for name, content in (("audit-ed25519.pem", create_signing_key()), ("audit-master.key", create_master_key())):
        (folder / "keys" / name).write_bytes(content)
        (folder / "keys" / name).chmod(0o600)
    text = TOML.format(
        url=server.url, batch_records=batch_records, reply_timeout=reply_timeout, language="ru", state=state
    )
    for code in codes:
        text += SCHOOL.format(code=code) + (more or {}).get(code, "")
        write_school(
            folder / f"{code}.fdb",
            code=code,
            name=f"Школа {code}",
            students=students,
            weeks=weeks,
            seed=seed + codes.index(code),
            first_day=None,
            today=today or datetime.now(UTC).date(),
        )
        plant(folder / f"{code}.fdb")
    (folder / "bridge.toml").write_text(text)
    return RealWorld(folder, server, codes)


def authority(folder: Path) -> Path:
    """Make the keys and certificates that all worlds of a session share."""
    write_authority(folder)
    return folder
