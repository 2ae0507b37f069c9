"""Whose database is this? Asked of the database itself, before anything of it is read.

Rule. A database that names schools and not the configured one is refused; one that names none is taken at
the operator's word.
"""

from connectors.school import refusals
from connectors.school.snapshot import Snapshot
from mappings.profile import Profile
from mappings.raw import SCHOOL
from mappings.texts import lines


def school_codes(snapshot: Snapshot, profile: Profile) -> tuple[str, ...]:
    """Return the codes of the schools that the database says it belongs to; U+FFFD for one that can't be read."""
    codes = lines(snapshot.read(SCHOOL, profile)["code"].to_numpy(object), profile.reading)
    return tuple("\ufffd" if code is None else str(code) for code in codes.values.tolist())


def check_code(snapshot: Snapshot, profile: Profile, code: str) -> None:
    """Refuse a database that belongs to other schools than `code`: BridgeError `school-code-differs`."""
    codes = school_codes(snapshot, profile)
    if codes and code not in codes:
        raise refusals.code_differs(code)
