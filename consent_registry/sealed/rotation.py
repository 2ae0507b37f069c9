"""Replaces the master key: all that it wraps is wrapped anew, in one transaction.

Rules. No student's key and no root changes, so whatever was sealed opens as before and every keyed digest stays.
Rotation waits for those who make or destroy students' keys, and they wait for it (`vault`); whoever waited with the
former key in memory is refused. A wrapped key that doesn't open stops the rotation, and nothing is changed.
A new installation has a random root. In one that has none, the root was the first master key: the first rotation stores
it, wrapped by the new one, so whoever has a copy of the *first* key and of the database still opens what belongs to
no one student (rosters, staff, digests), but no student's data. Deliberately not here: the key's file (`key_file`).
"""

import os
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from consent_registry.sealed.sealing import Randomness
from consent_registry.sealed.vault import (
    KEY_BYTES,
    MASTER_GATE,
    ROOT,
    Vault,
    locking_master,
    refuse_rotated,
    student_place,
)
from consent_registry.tables import STUDENT_KEY, VAULT_KEY

_AT_ONCE = 1000


def close_gate(connection: Connection, vault: Vault) -> None:
    """Keep makers of students' keys, and other rotations, out until this transaction ends.

    Needs a transaction of `database.writing`. Raises BridgeError `master-key-rotated` when another rotation was first.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MASTER_GATE})
    refuse_rotated(connection, vault)


def rotate(connection: Connection, vault: Vault, new_master_key: bytes) -> Vault:
    """Wrap everything by the new master key; returns the vault as that key opens it.

    Raises BridgeError `master-key-rotated`, or `sealed-unreadable` when a wrapped key is damaged; ValueError when the
    key is the one in use.
    """
    close_gate(connection, vault)
    renewed = vault.under(new_master_key)
    if renewed.master == vault.master:
        raise ValueError("a rotation needs another master key")
    update = STUDENT_KEY.update().where(
        STUDENT_KEY.c.school == sa.bindparam("of_school"), STUDENT_KEY.c.student_key == sa.bindparam("of_student")
    )
    for rows in _wrapped_keys(connection):
        connection.execute(
            update.values(wrapped_key=sa.bindparam("anew"), master=renewed.master),
            [
                {"of_school": row.school, "of_student": row.student_key, "anew": _anew(row, vault, renewed)}
                for row in rows
            ],
        )
    _store_root(connection, renewed)
    return renewed


def _wrapped_keys(connection: Connection) -> Iterator[Sequence[Row[tuple[str, str, bytes, str | None]]]]:
    """Give all students' wrapped keys, some at a time, in the order of their primary key."""
    key = sa.tuple_(STUDENT_KEY.c.school, STUDENT_KEY.c.student_key)
    every = sa.select(STUDENT_KEY).order_by(*STUDENT_KEY.primary_key.columns).limit(_AT_ONCE)
    rows = connection.execute(every).all()
    while rows:
        yield rows
        last = sa.tuple_(sa.literal(rows[-1].school), sa.literal(rows[-1].student_key))
        rows = connection.execute(every.where(key > last)).all()


def _anew(row: Row[tuple[str, str, bytes, str | None]], vault: Vault, renewed: Vault) -> bytes:
    place = student_place(row.school, row.student_key)
    return renewed.wrap(vault.unwrap(row.wrapped_key, place), place)


def give_root(connection: Connection, master_key: bytes, randomness: Randomness = os.urandom) -> None:
    """Give a new installation a random root, so that what comes of it does not hang on its first master key.

    Only where nothing is sealed yet: what was sealed under an earlier root would no longer open.
    """
    _store_root(connection, Vault(master_key, randomness, root=randomness(KEY_BYTES)))


def _store_root(connection: Connection, renewed: Vault) -> None:
    values = {"wrapped": renewed.wrapped_root(), "master": renewed.master}
    if locking_master(connection) is None:
        connection.execute(VAULT_KEY.insert().values(name=ROOT, **values))
    else:
        connection.execute(VAULT_KEY.update().where(VAULT_KEY.c.name == ROOT).values(values))
