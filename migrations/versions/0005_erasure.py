"""Erasures: what is under way, what was done; facts may be deleted for a student who is erased, and only then."""

import sqlalchemy as sa
from alembic import op

import database

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OWNERS = {
    "registry_fact": ("case", "case_id"),
    "application_step": ("application", "application_id"),
    "subject_request": ("case", "case_id"),
}
"""Whose rows a table keeps; `pilot_fact` speaks of nobody and stays as it is."""

_NOT_SAMPLED = {
    "student_key": ("student_key", "wrapped_key"),
    "registry_case": ("student_key", "account_id", "link_id", "sealed"),
    "registry_application": ("reference", "portal_id", "account_id", "sealed"),
    "registry_lookup": ("digest",),
    "registry_fact": ("detail",),
    "application_step": ("detail",),
    "consent_scan": ("scan_ref", "student_key", "sha256", "sealed"),
    "student_ref": ("student_key", "student_ref"),
    "record": ("record_id", "source_key", "student_key"),
    "link_state": ("link_id", "student_key"),
    "erasure": ("student_key", "marks", "sealed"),
}
"""What says who somebody is, or leads there: PostgreSQL keeps no sample of it for its planner (VACUUM never clears
one). All of it is looked up by unique indexes, which need none."""


def upgrade() -> None:
    _create_tables()
    for table, (owner, column) in _OWNERS.items():
        permitted = f"SELECT 1 FROM erasure_permit WHERE owner = '{owner}' AND number = OLD.{column}"  # noqa: S608  own names
        refusal = f"{table} is append-only: a correction is a new row"
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP TRIGGER {table}_kept ON {table}")
            op.execute(
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
            )
            op.execute(
                f"CREATE FUNCTION {table}_goes_with_its_owner() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN IF EXISTS ({permitted}) THEN RETURN OLD; END IF; RAISE EXCEPTION '{refusal}'; END $$"
            )
            op.execute(
                f"CREATE TRIGGER {table}_kept_delete BEFORE DELETE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {table}_goes_with_its_owner()"
            )
            continue
        op.execute(f"DROP TRIGGER {table}_kept_delete")
        op.execute(
            f"CREATE TRIGGER {table}_kept_delete BEFORE DELETE ON {table} WHEN NOT EXISTS ({permitted}) "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in _NOT_SAMPLED.items():
            for column in columns:
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")


def _create_tables() -> None:
    op.create_table(
        "erasure",
        sa.Column(
            "erasure_id",
            sa.String(length=64),
            nullable=False,
            comment="opaque, random; on the act and in the audit log",
        ),
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column(
            "student_key", sa.String(length=200), nullable=True, comment="whose data; null once they are destroyed"
        ),
        sa.Column("why", sa.String(length=16), nullable=False, comment="withdrawal, term or order"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="begun, destroyed, written or done"),
        sa.Column("begun_at", database.Moment(length=32), nullable=False),
        sa.Column("destroyed_at", database.Moment(length=32), nullable=True),
        sa.Column("log_size", sa.BigInteger(), nullable=False, comment="entries of the audit log when it began"),
        sa.Column("marks", sa.JSON(), nullable=False, comment="by which backups know the keys that were destroyed"),
        sa.Column("counts", sa.JSON(), nullable=False, comment="what was destroyed, how much"),
        sa.Column("sealed", sa.LargeBinary(), nullable=True, comment="what the act says; null once it is written"),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasure")),
    )
    op.create_index(op.f("ix_erasure_school"), "erasure", ["school"], unique=False)
    op.create_table(
        "erasure_permit",
        sa.Column("owner", sa.String(length=16), nullable=False, comment="case or application"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("owner", "number", name=op.f("pk_erasure_permit")),
    )
    op.create_table(
        "erasures_read",
        sa.Column("origin", sa.String(length=200), nullable=False, comment="the audit log's name"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="so many of its entries were looked through"),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_erasures_read")),
    )
    op.create_table(
        "portal_sequence",
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False, comment="the newest of an application that was erased"),
        sa.PrimaryKeyConstraint("school", name=op.f("pk_portal_sequence")),
    )
