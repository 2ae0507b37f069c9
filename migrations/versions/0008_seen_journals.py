"""What was last seen of each school's journals, so that the next run reads only those that changed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_seen",
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column(
            "whole", sa.Boolean(), nullable=False, comment="false while a run goes on, and after one that did not end"
        ),
        sa.Column("full_on", sa.Date(), nullable=False, comment="the day on which all was read"),
        sa.Column("basis", sa.String(length=64), nullable=False, comment="digest of how it was read"),
        sa.Column("shared", sa.String(length=64), nullable=False, comment="digest of what all journals share"),
        sa.Column("schema", sa.String(length=64), nullable=False, comment="digest of the queries' columns"),
        sa.Column("pilot", sa.String(length=64), nullable=False, comment="digest of who took part"),
        sa.Column("boundary", sa.Date(), nullable=True, comment="from here on journals are counted in each run"),
        sa.Column("total", sa.JSON(), nullable=True, comment="mappings.fingerprints.Fingerprint over everything"),
        sa.Column("repeated", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False, comment="facts in all journals"),
        sa.PrimaryKeyConstraint("school", name=op.f("pk_source_seen")),
    )
    op.create_table(
        "journal_seen",
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("journal", sa.String(length=200), nullable=False),
        sa.Column(
            "seen", sa.Text(), nullable=False, comment="mappings.fingerprints.SeenJournal as JSON, nobody's data"
        ),
        sa.PrimaryKeyConstraint("school", "journal", name=op.f("pk_journal_seen")),
    )
    op.add_column(
        "record",
        sa.Column(
            "journal",
            sa.String(length=200),
            nullable=True,
            comment="where its row was last read; '' unknown, null not noted yet",
        ),
    )
    op.create_index("ix_record_journal", "record", ["school", "journal", "held"])
