"""By what the audit log names a student's accounts: made when a case is opened, and gone with the student's key.

Rules. A case keeps its account's reference beside its account, so that whoever sends computes nothing. It is made under
the student's own key (`audit.account_reference`), never under the installation's, which outlives an erasure. A case
that has none yet, of a database from before there were any, gets it when the database is opened; until then nothing can
be logged of its link, so nothing is sent.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from audit.account_reference import account_reference
from consent_registry.sealed.vault import StudentKey, Vault
from consent_registry.tables import CASE, STUDENT_KEY
from database import reading, writing

_PURPOSE = "account"


def account_key(own: StudentKey) -> bytes:
    """Return the key of a student's account references: what an auditor is given to check them with."""
    return own.derive(_PURPOSE)


def account_ref(own: StudentKey, account_id: str) -> str:
    """Return by what the log names an account of this student."""
    return account_reference(account_key(own), account_id)


def complete_account_refs(engine: Engine, vault: Vault) -> int:
    """Give each case that has none its reference; returns how many. Raises BridgeError as the vault.

    A case whose student's key was destroyed stays without.
    """
    same = sa.and_(STUDENT_KEY.c.school == CASE.c.school, STUDENT_KEY.c.student_key == CASE.c.student_key)
    names = sa.select(CASE.c.case_id, CASE.c.school, CASE.c.student_key, CASE.c.account_id)
    lacking = names.join(STUDENT_KEY, same).where(CASE.c.account_ref.is_(None))
    with reading(engine) as connection:
        if connection.execute(lacking.limit(1)).first() is None:
            return 0
    with writing(engine) as connection:
        rows = connection.execute(lacking).all()
        given: list[dict[str, object]] = []
        for school in sorted({row.school for row in rows}):
            of_school = [row for row in rows if row.school == school]
            keys = vault.student_keys(connection, school, [row.student_key for row in of_school])
            given += [
                {"of_case": row.case_id, "reference": account_ref(keys[row.student_key], row.account_id)}
                for row in of_school
            ]
        if given:
            update = CASE.update().where(CASE.c.case_id == sa.bindparam("of_case"))
            connection.execute(update.values(account_ref=sa.bindparam("reference")), given)
    return len(given)
