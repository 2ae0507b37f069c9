"""The first tables: the registry's cases and facts, the delivery ledger."""

import sqlalchemy as sa
from alembic import op

import database

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "batch",
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("created_at", database.Moment(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="open, taken, not-taken, refused"),
        sa.Column("published", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("students", sa.Integer(), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True, comment="sealed; null once the outcome is known"),
        sa.Column("settled_at", database.Moment(length=32), nullable=True),
        sa.Column("receipt_id", sa.String(length=64), nullable=True),
        sa.Column("rejected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error_code", sa.String(length=100), nullable=True),
        sa.Column("audit_first", sa.BigInteger(), nullable=True, comment="first log entry of its disclosures"),
        sa.Column("audit_last", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_batch")),
    )
    op.create_index(op.f("ix_batch_school"), "batch", ["school"], unique=False)
    op.create_index(op.f("ix_batch_state"), "batch", ["state"], unique=False)
    op.create_table(
        "hold",
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", database.Moment(length=32), nullable=False),
        sa.Column("exceeded", sa.JSON(), nullable=False),
        sa.Column("withdrawals", sa.Integer(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("holdings", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False, comment="waiting, approved, discarded or done"),
        sa.Column("decided_by", sa.String(length=200), nullable=True),
        sa.Column("decided_at", database.Moment(length=32), nullable=True),
        sa.PrimaryKeyConstraint("school", "digest", name=op.f("pk_hold")),
    )
    op.create_table(
        "known_checkpoint",
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seen_at", database.Moment(length=32), nullable=False),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_known_checkpoint")),
    )
    op.create_table(
        "link_state",
        sa.Column("link_id", sa.String(length=64), nullable=False),
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("student_key", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False, comment="open at the portal, by its replies"),
        sa.Column("pending", sa.Boolean(), nullable=False, comment="told the portal, reply not seen"),
        sa.Column("terms_digest", sa.LargeBinary(length=16), nullable=True, comment="of the terms that were put"),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_link_state")),
    )
    op.create_index(op.f("ix_link_state_school"), "link_state", ["school"], unique=False)
    op.create_table(
        "record",
        sa.Column("record_id", sa.String(length=64), nullable=False),
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("source_key", sa.String(length=200), nullable=False),
        sa.Column("student_key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="as the portal holds it"),
        sa.Column("date", sa.Date(), nullable=False, comment="as the portal holds it"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="the newest that was ever put in a batch"),
        sa.Column("held", sa.Boolean(), nullable=False, comment="the portal shows it, by its receipts"),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=True, comment="keyed digest of the content held"),
        sa.Column(
            "rejected_digest",
            sa.LargeBinary(length=16),
            nullable=True,
            comment="content that the portal would not take",
        ),
        sa.Column("rejected_code", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_record")),
        sa.UniqueConstraint(
            "school", "source_key", "student_key", name=op.f("uq_record_school_source_key_student_key")
        ),
    )
    op.create_table(
        "registry_case",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("student_key", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("link_id", sa.String(length=64), nullable=False, comment="opaque, random"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="who they are; under the student's key"),
        sa.Column("created_at", database.Moment(length=32), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_registry_case")),
        sa.UniqueConstraint("link_id", name=op.f("uq_registry_case_link_id")),
        sa.UniqueConstraint(
            "school", "student_key", "account_id", name=op.f("uq_registry_case_school_student_key_account_id")
        ),
    )
    op.create_table(
        "request_allowance",
        sa.Column("minute", sa.BigInteger(), nullable=False, comment="minutes since 1970"),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", name=op.f("pk_request_allowance")),
    )
    op.create_table(
        "roster_snapshot",
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("read_at", database.Moment(length=32), nullable=False),
        sa.Column(
            "sealed", sa.LargeBinary(), nullable=False, comment="students, birth dates, enrolments; for the sweep"
        ),
        sa.PrimaryKeyConstraint("school", name=op.f("pk_roster_snapshot")),
    )
    op.create_table(
        "run",
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("started_at", database.Moment(length=32), nullable=False),
        sa.Column("ended_at", database.Moment(length=32), nullable=False),
        sa.Column("balance", sa.JSON(), nullable=False, comment="delivery.balance.SchoolBalance, no personal data"),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_run")),
    )
    op.create_index(op.f("ix_run_school"), "run", ["school"], unique=False)
    op.create_table(
        "school_lease",
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("process", sa.String(length=200), nullable=True, comment="host, process id and its start"),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", database.Moment(length=32), nullable=True),
        sa.PrimaryKeyConstraint("school", name=op.f("pk_school_lease")),
    )
    op.create_table(
        "student_key",
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("student_key", sa.String(length=200), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False, comment="AES-256 key, wrapped by the master key"),
        sa.PrimaryKeyConstraint("school", "student_key", name=op.f("pk_student_key")),
    )
    op.create_table(
        "student_ref",
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("student_key", sa.String(length=200), nullable=False),
        sa.Column("student_ref", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("school", "student_key", name=op.f("pk_student_ref")),
        sa.UniqueConstraint("student_ref", name=op.f("uq_student_ref_student_ref")),
    )
    op.create_table(
        "batch_row",
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False, comment="publish or withdraw"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name=op.f("fk_batch_row_batch_id")),
        sa.ForeignKeyConstraint(["record_id"], ["record.record_id"], name=op.f("fk_batch_row_record_id")),
        sa.PrimaryKeyConstraint("batch_id", "record_id", name=op.f("pk_batch_row")),
    )
    op.create_table(
        "registry_fact",
        sa.Column("fact_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("valid_at", database.Moment(length=32), nullable=False),
        sa.Column("recorded_at", database.Moment(length=32), nullable=False),
        sa.Column("recorded_by", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["registry_case.case_id"], name=op.f("fk_registry_fact_case_id")),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_registry_fact")),
    )
    op.create_index(op.f("ix_registry_fact_case_id"), "registry_fact", ["case_id"], unique=False)
