"""The registry's tables: cases and the dated facts about them.

Rules. A case is one account's request to see one student of one school. `registry_fact` is append-only: a
correction is a new fact, and the database itself refuses to change or delete one (migration 0002). `valid_at` is
when something held, `recorded_at` when we learnt of it. Names of families, their documents, e-mails and birth dates
are only in `registry_case.sealed`, under the student's own key; facts name the staff who acted, as the register does.
"""

import sqlalchemy as sa

from database import METADATA, Moment

STUDENT_KEY = sa.Table(
    "student_key",
    METADATA,
    sa.Column("school", sa.String(16), primary_key=True),
    sa.Column("student_key", sa.String(200), primary_key=True),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False, comment="AES-256 key, wrapped by the master key"),
)

CASE = sa.Table(
    "registry_case",
    METADATA,
    sa.Column("case_id", sa.Integer, primary_key=True),
    sa.Column("school", sa.String(16), nullable=False),
    sa.Column("student_key", sa.String(200), nullable=False),
    sa.Column("account_id", sa.String(64), nullable=False),
    sa.Column("link_id", sa.String(64), nullable=False, unique=True, comment="opaque, random"),
    sa.Column("sealed", sa.LargeBinary, nullable=False, comment="who they are; under the student's key"),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("school", "student_key", "account_id"),
)

FACT = sa.Table(
    "registry_fact",
    METADATA,
    sa.Column("fact_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("case_id", sa.ForeignKey("registry_case.case_id"), nullable=False, index=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("valid_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("recorded_by", sa.String(200), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)
