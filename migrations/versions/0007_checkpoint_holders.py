"""Who has the audit log's newest checkpoints (witnesses, a folder, a mailbox), and since when one fails to get them."""

import sqlalchemy as sa
from alembic import op

import database

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checkpoint_holder",
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("holder", sa.String(length=400), nullable=False, comment="a witness's vkey, quorum, folder or mail"),
        sa.Column("size", sa.BigInteger(), nullable=True, comment="of the newest checkpoint that it has"),
        sa.Column(
            "note", sa.LargeBinary(), nullable=True, comment="that checkpoint, with its cosignature if it gave one"
        ),
        sa.Column("held_at", database.Moment(length=32), nullable=True),
        sa.Column("trouble", sa.String(length=100), nullable=True, comment="why it has no newer one"),
        sa.Column(
            "failing_since",
            database.Moment(length=32),
            nullable=True,
            comment="the first failure since the last success",
        ),
        sa.PrimaryKeyConstraint("origin", "holder", name=op.f("pk_checkpoint_holder")),
    )
