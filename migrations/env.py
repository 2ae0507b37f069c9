"""Alembic's entry: runs the migrations on the connection that `database.upgrade` hands over."""

from alembic import context

import consent_registry.tables
import delivery.tables
from database import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction is the one that counts
)
context.run_migrations()

__all__ = ["consent_registry", "delivery"]
