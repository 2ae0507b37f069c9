"""An open batch's rows are kept once, its body, which no other process ever sent, not at all; counts by indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ROWS = "batch_id, record_id, action, revision, kind, date, digest, reason"


def upgrade() -> None:
    op.drop_column("batch", "body")
    op.drop_index("ix_record_journal", "record")
    op.create_index("ix_record_journal", "record", ["school", "journal"], unique=False)
    op.create_index(
        "ix_record_held",
        "record",
        ["school"],
        unique=False,
        sqlite_where=sa.text("held = 1"),
        postgresql_where=sa.text("held"),
    )
    op.create_index(op.f("ix_registry_fact_valid_at"), "registry_fact", ["valid_at"], unique=False)
    if op.get_bind().dialect.name != "sqlite":
        return
    op.rename_table("batch_row", "former_batch_row")
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
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO batch_row ({_ROWS}) SELECT {_ROWS} FROM former_batch_row")  # noqa: S608  names of the project's own
    op.drop_table("former_batch_row")
