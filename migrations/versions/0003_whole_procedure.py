"""Applications, staff, look-ups, scans, pilot groups, requests; facts that name what they correct.

Until here the newest fact of a kind alone counted, and one with an empty detail took its kind back. So each earlier
fact is now named by the one that came after it, and registrations and withdrawals name the consents of their case, as
they spoke for all of them.
"""

import json
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

import database

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_APPEND_ONLY = ("registry_fact", "application_step", "pilot_fact", "subject_request")


def upgrade() -> None:
    _create_tables()
    op.add_column(
        "registry_fact",
        sa.Column("corrects", sa.JSON(), nullable=True, comment="fact_ids that no longer count; null: none"),
    )
    op.add_column(
        "student_key",
        sa.Column("master", sa.String(length=16), nullable=True, comment="which master key; null: the first"),
    )
    _unlock("registry_fact")
    _name_what_is_corrected()
    for table in _APPEND_ONLY:
        _lock(table)


def _name_what_is_corrected() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT fact_id, case_id, kind, detail FROM registry_fact ORDER BY fact_id"))
    newest: dict[tuple[int, str], int] = {}
    told: defaultdict[int, list[tuple[int, str, dict[str, object]]]] = defaultdict(list)
    consents: defaultdict[int, list[str]] = defaultdict(list)
    corrects: dict[int, list[int]] = {}
    for fact_id, case_id, kind, stored in rows:
        detail = json.loads(stored) if isinstance(stored, str) else stored
        earlier = newest.get((case_id, kind))
        corrects[fact_id] = [] if earlier is None else [earlier]
        newest[case_id, kind] = fact_id
        told[case_id].append((fact_id, kind, detail))
        if kind == "consent" and detail:
            consents[case_id].append(detail["consent_ref"])
    update = sa.text(
        "UPDATE registry_fact SET detail = :detail, corrects = :corrects WHERE fact_id = :fact_id"
    ).bindparams(sa.bindparam("detail", type_=sa.JSON), sa.bindparam("corrects", type_=sa.JSON))
    values = [
        {
            "fact_id": fact_id,
            "detail": {**detail, "consents": consents[case_id]}
            if kind in {"registration", "withdrawal"} and detail
            else detail,
            "corrects": corrects[fact_id],
        }
        for case_id, facts in told.items()
        for fact_id, kind, detail in facts
    ]
    if values:
        connection.execute(update, values)


def _unlock(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP TRIGGER {table}_kept ON {table}")
        return
    for act in ("update", "delete"):
        op.execute(f"DROP TRIGGER {table}_kept_{act}")


def _lock(table: str) -> None:
    refusal = f"{table} is append-only: a correction is a new row"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE OR REPLACE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_kept_{act.lower()} BEFORE {act} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )


def _create_tables() -> None:
    op.create_table(
        "pilot_fact",
        sa.Column("fact_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("class_name", sa.String(length=100), nullable=False, comment="empty: the whole school"),
        sa.Column("stage", sa.String(length=16), nullable=False, comment="prepare, pilot or regular"),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=True),
        sa.Column("recorded_at", database.Moment(length=32), nullable=False),
        sa.Column("recorded_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_pilot_fact")),
    )
    op.create_index(op.f("ix_pilot_fact_school"), "pilot_fact", ["school"], unique=False)
    op.create_table(
        "registry_application",
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False, comment="opaque; on the printed forms"),
        sa.Column("origin", sa.String(length=16), nullable=False, comment="portal or paper"),
        sa.Column("portal_id", sa.String(length=64), nullable=True, comment="the portal's applicationId"),
        sa.Column("sequence", sa.BigInteger(), nullable=True, comment="the portal's own count"),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="who applies, for whom"),
        sa.Column("created_at", database.Moment(length=32), nullable=False),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_registry_application")),
        sa.UniqueConstraint("reference", name=op.f("uq_registry_application_reference")),
        sa.UniqueConstraint("school", "portal_id", name=op.f("uq_registry_application_school_portal_id")),
    )
    op.create_table(
        "registry_clock",
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column(
            "recorded_at", database.Moment(length=32), nullable=False, comment="the newest recorded_at of the school"
        ),
        sa.PrimaryKeyConstraint("school", name=op.f("pk_registry_clock")),
    )
    op.create_table(
        "registry_staff",
        sa.Column("staff_ref", sa.String(length=32), nullable=False, comment="keyed digest of the name"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("staff_ref", name=op.f("pk_registry_staff")),
    )
    op.create_table(
        "vault_key",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("master", sa.String(length=16), nullable=False, comment="which master key wraps it"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_vault_key")),
    )
    op.create_table(
        "application_report",
        sa.Column("report_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False, comment="the portal's word"),
        sa.Column("at", database.Moment(length=32), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False, comment="waiting, told or refused"),
        sa.Column("settled_at", database.Moment(length=32), nullable=True),
        sa.Column("error_code", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["registry_application.application_id"],
            name=op.f("fk_application_report_application_id"),
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_application_report")),
    )
    op.create_index(
        op.f("ix_application_report_application_id"), "application_report", ["application_id"], unique=False
    )
    op.create_index(op.f("ix_application_report_state"), "application_report", ["state"], unique=False)
    op.create_table(
        "application_step",
        sa.Column("step_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("valid_at", database.Moment(length=32), nullable=False),
        sa.Column("recorded_at", database.Moment(length=32), nullable=False),
        sa.Column("recorded_by", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["registry_application.application_id"], name=op.f("fk_application_step_application_id")
        ),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_application_step")),
    )
    op.create_index(op.f("ix_application_step_application_id"), "application_step", ["application_id"], unique=False)
    op.create_table(
        "consent_scan",
        sa.Column("scan_ref", sa.String(length=64), nullable=False),
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("student_key", sa.String(length=200), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="the scan; under the student's key"),
        sa.Column("recorded_at", database.Moment(length=32), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["registry_case.case_id"], name=op.f("fk_consent_scan_case_id")),
        sa.PrimaryKeyConstraint("scan_ref", name=op.f("pk_consent_scan")),
    )
    op.create_index(op.f("ix_consent_scan_case_id"), "consent_scan", ["case_id"], unique=False)
    op.create_table(
        "registry_lookup",
        sa.Column("lookup_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("application_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["registry_application.application_id"], name=op.f("fk_registry_lookup_application_id")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["registry_case.case_id"], name=op.f("fk_registry_lookup_case_id")),
        sa.PrimaryKeyConstraint("lookup_id", name=op.f("pk_registry_lookup")),
    )
    op.create_index(op.f("ix_registry_lookup_application_id"), "registry_lookup", ["application_id"], unique=False)
    op.create_index(op.f("ix_registry_lookup_case_id"), "registry_lookup", ["case_id"], unique=False)
    op.create_index(op.f("ix_registry_lookup_purpose_digest"), "registry_lookup", ["purpose", "digest"], unique=False)
    op.create_table(
        "subject_request",
        sa.Column("fact_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("school", sa.String(length=16), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="correction or answer"),
        sa.Column("event", sa.String(length=16), nullable=False, comment="received or answered"),
        sa.Column("valid_at", database.Moment(length=32), nullable=False),
        sa.Column("recorded_at", database.Moment(length=32), nullable=False),
        sa.Column("recorded_by", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["registry_case.case_id"], name=op.f("fk_subject_request_case_id")),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_subject_request")),
    )
    op.create_index(op.f("ix_subject_request_reference"), "subject_request", ["reference"], unique=False)
    op.create_index(op.f("ix_subject_request_school"), "subject_request", ["school"], unique=False)
