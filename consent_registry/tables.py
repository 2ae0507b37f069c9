"""The registry's tables: cases and applications with the dated facts about them, and what is kept sealed.

Rules. A case is one account's way to the records of one student of one school; an application is a request that may
become one. `registry_fact`, `application_step`, `pilot_fact` and `subject_request` are append-only: a correction is
a new row, and the database itself refuses to change one, or to delete one but for an erasure, which names in
`erasure_permit` whose rows it takes (migrations 0002, 0003, 0005). `valid_at` is when
something held, `recorded_at` when we learnt of it. Who families are, their documents and scans stand only in columns
named `sealed`, under the student's own key (an application's own, until it is linked); staff stand in facts as
`staff_ref`. Look-ups go by keyed digests.
"""

import sqlalchemy as sa

from database import METADATA, Moment

STUDENT_KEY = sa.Table(
    "student_key",
    METADATA,
    sa.Column("school", sa.String(16), primary_key=True),
    sa.Column("student_key", sa.String(200), primary_key=True),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False, comment="AES-256 key, wrapped by the master key"),
    sa.Column("master", sa.String(16), nullable=True, comment="which master key; null: the first"),
)

VAULT_KEY = sa.Table(
    "vault_key",
    METADATA,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("master", sa.String(16), nullable=False, comment="which master key wraps it"),
)

STAFF = sa.Table(
    "registry_staff",
    METADATA,
    sa.Column("staff_ref", sa.String(32), primary_key=True, comment="keyed digest of the name"),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)

CLOCK = sa.Table(
    "registry_clock",
    METADATA,
    sa.Column("school", sa.String(16), primary_key=True),
    sa.Column("recorded_at", Moment, nullable=False, comment="the newest recorded_at of the school"),
)

CASE = sa.Table(
    "registry_case",
    METADATA,
    sa.Column("case_id", sa.Integer, primary_key=True),
    sa.Column("school", sa.String(16), nullable=False),
    sa.Column("student_key", sa.String(200), nullable=False),
    sa.Column("account_id", sa.String(64), nullable=False),
    sa.Column("link_id", sa.String(64), nullable=False, unique=True, comment="opaque, random"),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="who they are; under the student's key"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column(
        "account_ref", sa.String(64), nullable=True, comment="names the account in the audit log; null: not given yet"
    ),
    sa.UniqueConstraint("school", "student_key", "account_id"),
)

FACT = sa.Table(
    "registry_fact",
    METADATA,
    sa.Column("fact_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("case_id", sa.ForeignKey("registry_case.case_id"), nullable=False, index=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("valid_at", Moment, nullable=False, index=True),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("recorded_by", sa.String(200), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column(
        "corrects", sa.JSON(none_as_null=True), nullable=True, comment="fact_ids that no longer count; null: none"
    ),
)

APPLICATION = sa.Table(
    "registry_application",
    METADATA,
    sa.Column("application_id", sa.Integer, primary_key=True),
    sa.Column("school", sa.String(16), nullable=False),
    sa.Column("reference", sa.String(16), nullable=False, unique=True, comment="opaque; on the printed forms"),
    sa.Column("origin", sa.String(16), nullable=False, comment="portal or paper"),
    sa.Column("portal_id", sa.String(64), nullable=True, comment="the portal's applicationId"),
    sa.Column("sequence", sa.BigInteger, nullable=True, comment="the portal's own count"),
    sa.Column("account_id", sa.String(64), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="who applies, for whom"),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("school", "portal_id"),
)

STEP = sa.Table(
    "application_step",
    METADATA,
    sa.Column("step_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("application_id", sa.ForeignKey("registry_application.application_id"), nullable=False, index=True),
    sa.Column("step", sa.String(16), nullable=False),
    sa.Column("valid_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("recorded_by", sa.String(200), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)

REPORT = sa.Table(
    "application_report",
    METADATA,
    sa.Column("report_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("application_id", sa.ForeignKey("registry_application.application_id"), nullable=False, index=True),
    sa.Column("status", sa.String(16), nullable=False, comment="the portal's word"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("reason", sa.String(500), nullable=True),
    sa.Column("state", sa.String(16), nullable=False, index=True, comment="waiting, told or refused"),
    sa.Column("settled_at", Moment, nullable=True),
    sa.Column("error_code", sa.String(100), nullable=True),
)

LOOKUP = sa.Table(
    "registry_lookup",
    METADATA,
    sa.Column("lookup_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("purpose", sa.String(32), nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Column("school", sa.String(16), nullable=False),
    sa.Column("case_id", sa.ForeignKey("registry_case.case_id"), nullable=True, index=True),
    sa.Column("application_id", sa.ForeignKey("registry_application.application_id"), nullable=True, index=True),
    sa.Index(None, "purpose", "digest"),
)

SCAN = sa.Table(
    "consent_scan",
    METADATA,
    sa.Column("scan_ref", sa.String(64), primary_key=True),
    sa.Column("school", sa.String(16), nullable=False),
    sa.Column("student_key", sa.String(200), nullable=False),
    sa.Column("case_id", sa.ForeignKey("registry_case.case_id"), nullable=False, index=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("media_type", sa.String(32), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="the scan; under the student's key"),
    sa.Column("recorded_at", Moment, nullable=False),
)

PILOT = sa.Table(
    "pilot_fact",
    METADATA,
    sa.Column("fact_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("school", sa.String(16), nullable=False, index=True),
    sa.Column("class_name", sa.String(100), nullable=False, comment="empty: the whole school"),
    sa.Column("stage", sa.String(16), nullable=False, comment="prepare, pilot or regular"),
    sa.Column("first", sa.Date, nullable=False),
    sa.Column("last", sa.Date, nullable=True),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("recorded_by", sa.String(200), nullable=False),
)

REQUEST = sa.Table(
    "subject_request",
    METADATA,
    sa.Column("fact_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("reference", sa.String(64), nullable=False, index=True),
    sa.Column("school", sa.String(16), nullable=False, index=True),
    sa.Column("case_id", sa.ForeignKey("registry_case.case_id"), nullable=True),
    sa.Column("kind", sa.String(16), nullable=False, comment="correction or answer"),
    sa.Column("event", sa.String(16), nullable=False, comment="received or answered"),
    sa.Column("valid_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("recorded_by", sa.String(200), nullable=False),
)

ERASURE = sa.Table(
    "erasure",
    METADATA,
    sa.Column("erasure_id", sa.String(64), primary_key=True, comment="opaque, random; on the act and in the audit log"),
    sa.Column("school", sa.String(16), nullable=False, index=True),
    sa.Column("student_key", sa.String(200), nullable=True, comment="whose data; null once they are destroyed"),
    sa.Column("why", sa.String(16), nullable=False, comment="withdrawal, term or order"),
    sa.Column("state", sa.String(16), nullable=False, comment="begun, destroyed, written or done"),
    sa.Column("begun_at", Moment, nullable=False),
    sa.Column("destroyed_at", Moment, nullable=True),
    sa.Column("log_size", sa.BigInteger, nullable=False, comment="entries of the audit log when it began"),
    sa.Column("marks", sa.JSON, nullable=False, comment="by which backups know the keys that were destroyed"),
    sa.Column("counts", sa.JSON, nullable=False, comment="what was destroyed, how much"),
    sa.Column("sealed", sa.LargeBinary, nullable=True, comment="what the act says; null once it is written"),
)

ERASURE_PERMIT = sa.Table(
    "erasure_permit",
    METADATA,
    sa.Column("owner", sa.String(16), primary_key=True, comment="case or application"),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
)

ERASURES_READ = sa.Table(
    "erasures_read",
    METADATA,
    sa.Column("origin", sa.String(200), primary_key=True, comment="the audit log's name"),
    sa.Column("size", sa.BigInteger, nullable=False, comment="so many of its entries were looked through"),
)

PORTAL_SEQUENCE = sa.Table(
    "portal_sequence",
    METADATA,
    sa.Column("school", sa.String(16), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False, comment="the newest of an application that was erased"),
)
