"""The tables of the delivery ledger: what the portal was told, what is on its way, who may send.

Rules. `record` and `link_state` say what the portal holds as far as receipts tell; `batch` with state `open`
is a batch that may have been sent and whose outcome is not known. Record ids and student refs are random,
so they say nothing outside this database. Content is kept only as a keyed digest, that of an open batch too: its
body is never sent by another process than the one that made it. Deliberately not here: consents (`consent_registry`),
the audit log (`audit`).
"""

import sqlalchemy as sa

from database import METADATA, Moment

STUDENT_REF = sa.Table(
    "student_ref",
    METADATA,
    sa.Column("school", sa.String(16), primary_key=True),
    sa.Column("student_key", sa.String(200), primary_key=True),
    sa.Column("student_ref", sa.String(64), nullable=False, unique=True),
)

RECORD = sa.Table(
    "record",
    METADATA,
    sa.Column("record_id", sa.String(64), primary_key=True),
    sa.Column("school", sa.String(16), nullable=False),
    sa.Column("source_key", sa.String(200), nullable=False),
    sa.Column("student_key", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False, comment="as the portal holds it"),
    sa.Column("date", sa.Date, nullable=False, comment="as the portal holds it"),
    sa.Column("revision", sa.Integer, nullable=False, comment="the newest that was ever put in a batch"),
    sa.Column("held", sa.Boolean, nullable=False, comment="the portal shows it, by its receipts"),
    sa.Column("digest", sa.LargeBinary(16), nullable=True, comment="keyed digest of the content held"),
    sa.Column("rejected_digest", sa.LargeBinary(16), nullable=True, comment="content that the portal would not take"),
    sa.Column("rejected_code", sa.String(100), nullable=True),
    sa.Column("rejected_at", Moment, nullable=True),
    sa.Column(
        "discarded", sa.Boolean, nullable=False, server_default=sa.false(), comment="a person gave this content up"
    ),
    sa.Column(
        "journal", sa.String(200), nullable=True, comment="where its row was last read; '' unknown, null not noted yet"
    ),
    sa.UniqueConstraint("school", "source_key", "student_key"),
    sa.Index("ix_record_journal", "school", "journal"),
    sa.Index("ix_record_held", "school", sqlite_where=sa.text("held = 1"), postgresql_where=sa.text("held")),
)

BATCH = sa.Table(
    "batch",
    METADATA,
    sa.Column("batch_id", sa.String(64), primary_key=True),
    sa.Column("school", sa.String(16), nullable=False, index=True),
    sa.Column("run", sa.String(64), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True, comment="open, taken, not-taken, refused"),
    sa.Column("published", sa.Integer, nullable=False),
    sa.Column("withdrawn", sa.Integer, nullable=False),
    sa.Column("students", sa.Integer, nullable=False),
    sa.Column("accounts", sa.Integer, nullable=False),
    sa.Column("settled_at", Moment, nullable=True),
    sa.Column("receipt_id", sa.String(64), nullable=True),
    sa.Column("rejected", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error_code", sa.String(100), nullable=True),
    sa.Column("audit_first", sa.BigInteger, nullable=True, comment="first log entry of its disclosures"),
    sa.Column("audit_last", sa.BigInteger, nullable=True),
)

BATCH_ROW = sa.Table(
    "batch_row",
    METADATA,
    sa.Column("batch_id", sa.String(64), primary_key=True),
    sa.Column("record_id", sa.String(64), primary_key=True),
    sa.Column("action", sa.String(16), nullable=False, comment="publish or withdraw"),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("date", sa.Date, nullable=False),
    sa.Column("digest", sa.LargeBinary(16), nullable=True),
    sa.Column("reason", sa.String(32), nullable=True),
    sqlite_with_rowid=False,
)
"""Without foreign keys: `delivery.ledger` stores batch and records before the rows, and they are two looks a row."""

LINK_STATE = sa.Table(
    "link_state",
    METADATA,
    sa.Column("link_id", sa.String(64), primary_key=True),
    sa.Column("school", sa.String(16), nullable=False, index=True),
    sa.Column("student_key", sa.String(200), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, comment="open at the portal, by its replies"),
    sa.Column("pending", sa.Boolean, nullable=False, comment="told the portal, reply not seen"),
    sa.Column("terms_digest", sa.LargeBinary(16), nullable=True, comment="of the terms that were put"),
    sa.Column("reach", sa.JSON(none_as_null=True), nullable=True, comment="delivery.links.Reach that was put"),
    sa.Column("refused_code", sa.String(100), nullable=True, comment="why the portal refused the newest message"),
    sa.Column("refused_at", Moment, nullable=True),
)

RUN = sa.Table(
    "run",
    METADATA,
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("school", sa.String(16), nullable=False, index=True),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=False),
    sa.Column("balance", sa.JSON, nullable=False, comment="delivery.balance.SchoolBalance, no personal data"),
)

ROSTER_SNAPSHOT = sa.Table(
    "roster_snapshot",
    METADATA,
    sa.Column("school", sa.String(16), primary_key=True),
    sa.Column("read_at", Moment, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="students, birth dates, enrolments; for the sweep"),
)

SOURCE_SEEN = sa.Table(
    "source_seen",
    METADATA,
    sa.Column("school", sa.String(16), primary_key=True),
    sa.Column("whole", sa.Boolean, nullable=False, comment="false while a run goes on, and after one that did not end"),
    sa.Column("full_on", sa.Date, nullable=False, comment="the day on which all was read"),
    sa.Column("basis", sa.String(64), nullable=False, comment="digest of how it was read"),
    sa.Column("shared", sa.String(64), nullable=False, comment="digest of what all journals share"),
    sa.Column("schema", sa.String(64), nullable=False, comment="digest of the queries' columns"),
    sa.Column("pilot", sa.String(64), nullable=False, comment="digest of who took part"),
    sa.Column("boundary", sa.Date, nullable=True, comment="from here on journals are counted in each run"),
    sa.Column("total", sa.JSON, nullable=True, comment="mappings.fingerprints.Fingerprint over everything"),
    sa.Column("repeated", sa.Boolean, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False, comment="facts in all journals"),
)

JOURNAL_SEEN = sa.Table(
    "journal_seen",
    METADATA,
    sa.Column("school", sa.String(16), primary_key=True),
    sa.Column("journal", sa.String(200), primary_key=True),
    sa.Column("seen", sa.Text, nullable=False, comment="mappings.fingerprints.SeenJournal as JSON, nobody's data"),
)

SCHOOL_LEASE = sa.Table(
    "school_lease",
    METADATA,
    sa.Column("school", sa.String(16), primary_key=True),
    sa.Column("holder", sa.String(64), nullable=True),
    sa.Column("process", sa.String(200), nullable=True, comment="host, process id and its start"),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("expires_at", Moment, nullable=True),
)

HOLD = sa.Table(
    "hold",
    METADATA,
    sa.Column("school", sa.String(16), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("exceeded", sa.JSON, nullable=False),
    sa.Column("withdrawals", sa.Integer, nullable=False),
    sa.Column("changes", sa.Integer, nullable=False),
    sa.Column("holdings", sa.Integer, nullable=False),
    sa.Column("decision", sa.String(16), nullable=False, comment="waiting, approved, discarded or done"),
    sa.Column("decided_by", sa.String(200), nullable=True),
    sa.Column("decided_at", Moment, nullable=True),
)

REQUEST_ALLOWANCE = sa.Table(
    "request_allowance",
    METADATA,
    sa.Column("minute", sa.BigInteger, primary_key=True, comment="minutes since 1970"),
    sa.Column("taken", sa.Integer, nullable=False),
)

PORTAL_REST = sa.Table(
    "portal_rest",
    METADATA,
    sa.Column("scope", sa.String(16), primary_key=True, comment="a school, or * for the whole portal"),
    sa.Column("until", Moment, nullable=False),
    sa.Column("code", sa.String(100), nullable=False),
    sa.Column("told_at", Moment, nullable=False),
)

PORTAL_AWAY = sa.Table(
    "portal_away",
    METADATA,
    sa.Column("school", sa.String(16), primary_key=True),
    sa.Column("since", Moment, nullable=False, comment="the first of the runs in a row that the portal ended"),
    sa.Column("code", sa.String(100), nullable=False, comment="by which failure"),
)

KNOWN_CHECKPOINT = sa.Table(
    "known_checkpoint",
    METADATA,
    sa.Column("origin", sa.String(200), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)

CHECKPOINT_HOLDER = sa.Table(
    "checkpoint_holder",
    METADATA,
    sa.Column("origin", sa.String(200), primary_key=True),
    sa.Column("holder", sa.String(400), primary_key=True, comment="a witness's vkey, quorum, folder or mail"),
    sa.Column("size", sa.BigInteger, nullable=True, comment="of the newest checkpoint that it has"),
    sa.Column("note", sa.LargeBinary, nullable=True, comment="that checkpoint, with its cosignature if it gave one"),
    sa.Column("held_at", Moment, nullable=True),
    sa.Column("trouble", sa.String(100), nullable=True, comment="why it has no newer one"),
    sa.Column("failing_since", Moment, nullable=True, comment="the first failure since the last success"),
)
