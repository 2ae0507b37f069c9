"""Facts are append-only: the database refuses to change or delete one.

A later migration that rebuilds `registry_fact` on SQLite (batch mode) must make these triggers again.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_REFUSAL = "registry_fact is append-only: a correction is a new fact"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION registry_fact_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER registry_fact_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON registry_fact "
            "FOR EACH STATEMENT EXECUTE FUNCTION registry_fact_is_append_only()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER registry_fact_kept_{act.lower()} BEFORE {act} ON registry_fact "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )
