"""One call of the command line: which file describes the installation, and how to speak."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from commands.console import Console
from settings import Settings, load


@dataclass(frozen=True, slots=True)
class Call:
    """What every command is given."""

    file: Path
    console: Console

    def settings(self) -> Settings:
        """Read the installation's file; from here on messages are in its language and failures in its log.

        Raises ConfigurationError.
        """
        from flows.technical_log import open_technical_log  # noqa: PLC0415  --help needs no log

        read = load(self.file)
        self.console.language = read.bridge.language
        open_technical_log(read.bridge.log)
        os.environ["DNEVNIK_CONFIG"] = str(read.file)  # the flows that run in this process ask for it there
        return read


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
