"""A program that holds the audit log open while others change its key: appends entries one by one, says each is done.

Arguments: the installation's file; a file whose appearance ends it. Exit status 3: the log takes no entry any more.
"""

import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import settings
from audit.entry import RunStarted
from audit.errors import AuditError
from database import open_database
from flows.assembly import open_audit_log


def main() -> int:
    read = settings.load(Path(sys.argv[1]))
    log = open_audit_log(read, open_database(read.bridge.state))
    stop = Path(sys.argv[2])
    for number in count():
        if stop.exists():
            break
        try:
            log.append([RunStarted(at=datetime.now(UTC), run=f"run-{number}", school="0252")])
        except AuditError:
            return 3
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
