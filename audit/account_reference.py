"""How the log names an account: by a commitment that only the student's own key can open.

Rules. A reference is HMAC-SHA256 over the account's id, keyed by the student's *account key*, 32 bytes that are derived
from the student's own key and used for nothing else. So one account has another reference for each student, nobody
who lacks the key can compute a reference or try ids out, and with the key's destruction nobody can for ever. Whoever
is given the account key checks that a reference is of an account (`audit.verify_evidence` does, on its own).
Deliberately not here: where account keys come from (`consent_registry.sealed.account_refs`).
"""

import hashlib
import hmac

ACCOUNT_KEY_BYTES = 32


def account_reference(account_key: bytes, account: str) -> str:
    """Return the reference of an account: 64 hexadecimal digits. Raises ValueError for a key of another length."""
    if len(account_key) != ACCOUNT_KEY_BYTES:
        raise ValueError("an account key has 32 bytes")
    return hmac.new(account_key, account.encode(), hashlib.sha256).hexdigest()
