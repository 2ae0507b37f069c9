"""What the portal holds, in one SQLite file of its own: `portal.sqlite` in the portal's folder.

Rules. What a request changes is committed, and on the disk, before its reply leaves, in one transaction with the
row of `request_log`: a killed portal forgets nothing that it acknowledged. Other programs may read the file at any
time. README.md describes the tables; they stand here.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE_NAME = "portal.sqlite"
BUSY_SECONDS = 30
CHECKPOINT_PAGES = 16_384

SCHEMA = """
CREATE TABLE IF NOT EXISTS holding (
    school TEXT NOT NULL, record_id TEXT NOT NULL, revision INTEGER NOT NULL,
    student_ref TEXT, kind TEXT, subject TEXT, date TEXT, lesson_number INTEGER, value TEXT, weight TEXT,
    work TEXT, comment TEXT, entered_at TEXT, withdrawn INTEGER NOT NULL, reason TEXT,
    PRIMARY KEY (school, record_id)
);
CREATE INDEX IF NOT EXISTS holding_by_student ON holding (school, student_ref);
CREATE TABLE IF NOT EXISTS link (
    school TEXT NOT NULL, link_id TEXT NOT NULL, revision INTEGER NOT NULL,
    account_id TEXT, student_ref TEXT, consent_ref TEXT, valid_from TEXT, valid_to TEXT,
    records_from TEXT, records_to TEXT, kinds TEXT, active INTEGER NOT NULL, ended_at TEXT, reason TEXT,
    PRIMARY KEY (school, link_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_by_student ON link (school, student_ref);
CREATE INDEX IF NOT EXISTS link_by_account ON link (school, account_id);
CREATE TABLE IF NOT EXISTS history (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, school TEXT NOT NULL, act TEXT NOT NULL,
    subject_id TEXT NOT NULL, revision INTEGER NOT NULL, batch_id TEXT, content TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS exposure (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, school TEXT NOT NULL, account_id TEXT NOT NULL,
    link_id TEXT NOT NULL, record_id TEXT NOT NULL, revision INTEGER NOT NULL,
    student_ref TEXT NOT NULL, kind TEXT NOT NULL, date TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS receipt (
    school TEXT NOT NULL, batch_id TEXT NOT NULL, receipt_id TEXT NOT NULL UNIQUE, received_at TEXT NOT NULL,
    record_count INTEGER NOT NULL, accepted INTEGER NOT NULL, rejected TEXT NOT NULL,
    PRIMARY KEY (school, batch_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS application (
    school TEXT NOT NULL, sequence INTEGER NOT NULL, application_id TEXT NOT NULL, submitted_at TEXT NOT NULL,
    relation TEXT NOT NULL, consent_text_version TEXT NOT NULL, account_id TEXT NOT NULL, email TEXT NOT NULL,
    last_name TEXT NOT NULL, first_name TEXT NOT NULL, middle_name TEXT,
    student_last_name TEXT NOT NULL, student_first_name TEXT NOT NULL, student_middle_name TEXT,
    student_birth_date TEXT NOT NULL, student_class TEXT,
    PRIMARY KEY (school, sequence), UNIQUE (school, application_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS application_report (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, received_at TEXT NOT NULL, school TEXT NOT NULL,
    application_id TEXT NOT NULL, status TEXT NOT NULL, at TEXT NOT NULL, reason TEXT
);
CREATE TABLE IF NOT EXISTS usage (
    school TEXT NOT NULL, date TEXT NOT NULL, link_id TEXT NOT NULL, views INTEGER NOT NULL,
    PRIMARY KEY (school, date, link_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS page_token (
    token TEXT PRIMARY KEY, school TEXT NOT NULL, after TEXT NOT NULL, page_size INTEGER NOT NULL,
    issued_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS request_log (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, operation TEXT NOT NULL, school TEXT,
    outcome TEXT NOT NULL, misbehaviour TEXT, bytes INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL DEFAULT '*', fault TEXT NOT NULL,
    times INTEGER DEFAULT 1, argument TEXT
);
"""

SHOWS = """link.active = 1 AND holding.withdrawn = 0
    AND instr(' ' || link.kinds || ' ', ' ' || holding.kind || ' ') > 0
    AND link.records_from <= holding.date
    AND (link.records_to IS NULL OR holding.date <= link.records_to)
"""

# The join's order and its index are fixed: left alone, SQLite joins every link of a school with every record.
SIGHT = f"""
CREATE VIEW IF NOT EXISTS sight AS
    SELECT link.account_id, link.link_id, link.valid_from, link.valid_to, holding.*
    FROM link CROSS JOIN holding INDEXED BY holding_by_student
        ON holding.school = link.school AND holding.student_ref = link.student_ref
    WHERE {SHOWS};
"""  # noqa: S608  joined from a constant of this module


def create_store(folder: Path) -> Path:
    """Make the portal's file in `folder` where there is none; returns its path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / FILE_NAME
    connection = connect(path)
    try:
        connection.executescript(SCHEMA + SIGHT)
    finally:
        connection.close()
    return path


def connect(path: Path) -> sqlite3.Connection:
    """Open the portal's file; rows are read by name, transactions are opened by `writing` alone."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    # a commit is on the disk in any case; how often the file itself is brought up to date is a matter of speed alone
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    connection.execute("PRAGMA cache_size=-65536")
    return connection


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that holds the write lock from its start; on the disk when it ends, or undone."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
