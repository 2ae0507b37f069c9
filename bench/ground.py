"""What every figure is measured on: one made-up school, a register of its parents, keys, and portals to talk to.

`python bench/ground.py FOLDER STUDENTS WEEKS` makes the school, the register and the keys, in a process of its own.
The rest imports nothing but the standard library, so that a process that measures the memory of others stays small.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

CODE = "0252"
SEED = 1
SHARE_OF_APPLICANTS = 0.9
STOP_SECONDS = 20

BRIDGE_TOML = """
[bridge]
language = "en"

[portal]
url = "{url}"
client_certificate = "file:{keys}/bridge-tls.pem"
signing_key = "file:{keys}/bridge-signing.pem"
authorities = "file:{keys}/portal-ca.pem"
requests_per_minute = 100000

[audit]
signing_key = "file:keys/audit-ed25519.pem"
master_key = "file:keys/audit-master.key"

[[school]]
code = "{code}"
name = "Школа {code}"
district = "Красносельский"
source = "file:{school}"
"""
"""Everything not named here is at its default; the limit on requests is lifted, for the rival has none."""


@dataclass(frozen=True)
class Ground:
    """The files that both sides of a figure work on."""

    folder: Path

    @property
    def school(self) -> Path:
        """The school's Firebird database."""
        return self.folder / "school.fdb"

    @property
    def register(self) -> Path:
        """The parents' applications and consents."""
        return self.folder / "register.csv"

    @property
    def keys(self) -> Path:
        """The certificates and keys of both sides."""
        return self.folder / "keys"


def make_ground(folder: Path, students: int, weeks: int) -> Ground:
    """Make the ground in a process of its own."""
    subprocess.run([sys.executable, __file__, str(folder), str(students), str(weeks)], check=True)
    return Ground(folder)


@contextmanager
def portal_process(ground: Ground, folder: Path) -> Iterator[str]:
    """Serve an empty sandbox portal on `folder` in a process of its own; gives its URL, and ends it."""
    shutil.copytree(ground.keys, folder / "keys")
    command = [sys.executable, "-m", "sandbox.portal", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                raise RuntimeError("the sandbox portal did not start")
            yield url
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def make_installation(ground: Ground, folder: Path, url: str, log: str | None = None) -> Path:
    """Make a new bridge in `folder` as an operator would: init, then the register. Returns its bridge.toml.

    `log` "shared": the audit log is kept in the bridge's own database; else where it is by default.
    """
    folder.mkdir()
    config = folder / "bridge.toml"
    text = BRIDGE_TOML.format(url=url, keys=ground.keys, code=CODE, school=ground.school)
    if log == "shared":
        database = f"sqlite:///{folder / 'bridge.db'}"
        text = text.replace("[bridge]", f'[bridge]\nstate = "{database}"').replace(
            "[audit]", f'[audit]\nlog = "{database}"'
        )
    config.write_text(text)
    for command in (["init"], ["registry", "import", str(ground.register)]):
        subprocess.run([*dnevnik(config), *command], check=True, stdout=subprocess.DEVNULL)
    return config


def dnevnik(config: Path) -> list[str]:
    """Return the command line of the bridge with this configuration."""
    return [str(Path(sys.executable).parent / "dnevnik"), "--config", str(config)]


def _main(folder: Path, students: int, weeks: int) -> None:
    from sandbox.authority import write_authority  # noqa: PLC0415  see the module's docstring
    from sandbox.registry import write_register  # noqa: PLC0415
    from sandbox.school import write_school  # noqa: PLC0415

    ground = Ground(folder)
    today = datetime.now(UTC).date()
    write_authority(ground.keys)
    write_school(
        ground.school,
        code=CODE,
        name=f"Школа {CODE}",
        students=students,
        weeks=weeks,
        seed=SEED,
        first_day=None,
        today=today,
    )
    write_register(ground.register, ground.school, code=CODE, seed=SEED, today=today, share=SHARE_OF_APPLICANTS)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
