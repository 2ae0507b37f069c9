"""Runs the Prefect flow of a district in this process, with no Prefect server beside it.

Rules. Prefect keeps its own small database in the installation's folder unless the environment says otherwise
(PREFECT_HOME, PREFECT_API_URL). It says nothing on the screen, for the command does. When Prefect can't run the
flow, that is told in the technical log, and the caller goes on without: no truth of ours lies with Prefect.
"""

import os
from collections.abc import Sequence

from delivery.balance import SchoolBalance
from flows.progress import Progress
from flows.technical_log import report_failure
from settings import Settings

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
}


def run_sync(
    schools: Sequence[str], settings: Settings, progress: Progress, *, full: bool = False
) -> list[SchoolBalance]:
    """Run the flow `sync-district`; returns the balances of the schools that it came to."""
    home = settings.file.parent / "var" / "prefect"
    for name, value in {**QUIET, "PREFECT_HOME": str(home)}.items():
        os.environ.setdefault(name, value)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        from flows.district import run_sync_district  # noqa: PLC0415  Prefect reads the environment when imported

        return run_sync_district(schools, progress, full=full)
    except Exception as error:  # noqa: BLE001  the schools must not wait for Prefect's health
        report_failure(error)
        return []
