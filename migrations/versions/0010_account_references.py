"""By what the audit log names an account of a student; filled under the student's key when the database is opened."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "registry_case",
        sa.Column(
            "account_ref",
            sa.String(length=64),
            nullable=True,
            comment="names the account in the audit log; null: not given yet",
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        # It leads to entries of the log: no sample of it is kept for the planner (VACUUM never clears one).
        op.execute("ALTER TABLE registry_case ALTER COLUMN account_ref SET STATISTICS 0")
