"""A batch's rows refer to batch and record without a constraint: both are stored by the statement before."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ROWS = "batch_id, record_id, action, revision, kind, date, digest, reason"


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f("fk_batch_row_batch_id"), "batch_row", type_="foreignkey")
        op.drop_constraint(op.f("fk_batch_row_record_id"), "batch_row", type_="foreignkey")
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
        sa.PrimaryKeyConstraint("batch_id", "record_id", name=op.f("pk_batch_row")),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO batch_row ({_ROWS}) SELECT {_ROWS} FROM former_batch_row")  # noqa: S608  names of the project's own
    op.drop_table("former_batch_row")
