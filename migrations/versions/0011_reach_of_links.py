"""How far the links at the portal reach, so that terms by which an account sees less are told at once."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "link_state", sa.Column("reach", sa.JSON(), nullable=True, comment="delivery.links.Reach that was put")
    )
