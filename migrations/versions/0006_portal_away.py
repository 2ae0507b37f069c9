"""Since when the portal ends a school's runs, so that the next one knocks before it makes anything ready."""

import sqlalchemy as sa
from alembic import op

import database

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "portal_away",
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column(
            "since",
            database.Moment(length=32),
            nullable=False,
            comment="the first of the runs in a row that the portal ended",
        ),
        sa.Column("code", sa.String(length=100), nullable=False, comment="by which failure"),
        sa.PrimaryKeyConstraint("school", name=op.f("pk_portal_away")),
    )
