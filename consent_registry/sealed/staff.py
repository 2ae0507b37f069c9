"""Names of staff, who are persons too: facts carry a reference, the name itself is kept sealed.

Rules. The reference is a keyed digest of the name as `comparable` makes it, so one person has one reference however
the name was typed, and it tells nothing without the vault. The spelling that came first is kept. What older facts
hold in clear is returned as it stands. Deliberately not here: who may do what.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from consent_registry.register.matching import comparable
from consent_registry.sealed.vault import Vault
from consent_registry.tables import STAFF

_AT_ONCE = 500
_PURPOSE = "staff"
_REFERENCE = re.compile(r"[0-9a-f]{32}")


def staff_ref(vault: Vault, name: str) -> str:
    """Return a member of staff's reference: 32 hexadecimal digits."""
    return hmac.new(vault.derive(_PURPOSE), comparable(name).encode(), hashlib.sha256).hexdigest()[:32]


def enter_staff(connection: Connection, vault: Vault, names: Iterable[str]) -> Mapping[str, str]:
    """Return the reference of each name, and keep the names that are new, sealed."""
    references = {name: staff_ref(vault, name) for name in names}
    known = _sealed(connection, references.values())
    new = {ref: " ".join(name.split()) for name, ref in reversed(references.items()) if ref not in known}
    if new:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        # Another school may enter the same person at this moment. Sorted, so that two can't wait for each other.
        connection.execute(
            insert(STAFF).on_conflict_do_nothing(),
            [
                {"staff_ref": ref, "sealed": vault.seal_for(_PURPOSE, new[ref].encode(), place=ref)}
                for ref in sorted(new)
            ],
        )
    return references


def staff_names(connection: Connection, vault: Vault, refs: Iterable[str]) -> Mapping[str, str]:
    """Return who stands behind each reference; what is no known reference, as it stands.

    Raises BridgeError `sealed-unreadable`.
    """
    names = {ref: ref for ref in refs}
    for ref, sealed in _sealed(connection, names).items():
        names[ref] = vault.open_for(_PURPOSE, sealed, place=ref).decode()
    return names


def _sealed(connection: Connection, refs: Iterable[str]) -> dict[str, bytes]:
    wanted = sorted({ref for ref in refs if _REFERENCE.fullmatch(ref)})
    found: dict[str, bytes] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = STAFF.c.staff_ref.in_(wanted[start : start + _AT_ONCE])
        found |= {row.staff_ref: row.sealed for row in connection.execute(sa.select(STAFF).where(part))}
    return found
