"""What was not delivered: since when, given up by whom it may; refused links; for how long the portal rests."""

import sqlalchemy as sa
from alembic import op

import database

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("record", sa.Column("rejected_at", database.Moment(length=32), nullable=True))
    op.add_column(
        "record",
        sa.Column(
            "discarded",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="a person gave this content up",
        ),
    )
    op.add_column(
        "link_state",
        sa.Column(
            "refused_code",
            sa.String(length=100),
            nullable=True,
            comment="why the portal refused the newest message",
        ),
    )
    op.add_column("link_state", sa.Column("refused_at", database.Moment(length=32), nullable=True))
    op.create_table(
        "portal_rest",
        sa.Column("scope", sa.String(length=16), nullable=False, comment="a school, or * for the whole portal"),
        sa.Column("until", database.Moment(length=32), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("told_at", database.Moment(length=32), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_portal_rest")),
    )
