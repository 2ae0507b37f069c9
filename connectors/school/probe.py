"""Looks whether a school's database can be read, without reading it: for `dnevnik check`.

Rules. A failure is a value here, not an exception: the check goes on with the next school. Every query of the
profile is run as far as its first row, in the same kind of snapshot as a real reading.
"""

from dataclasses import dataclass
from datetime import date

from connectors.school.open import open_snapshot
from connectors.school.ownership import school_codes
from connectors.school.refusals import code_differs
from connectors.school.snapshot import Snapshot
from connectors.school.source import SchoolSource
from journal.school import Window
from journal.wording import BridgeError
from mappings.profile import Profile
from mappings.raw import ALL_TABLES, RawTable

_ONE_DAY = Window(date(2000, 1, 1), date(2000, 1, 1))


@dataclass(frozen=True, slots=True)
class SchoolProbe:
    """What was found of one school's database.

    `reachable` is whether it could be opened; `product` names the database and its version; `read_only` is
    whether the database itself forbids writing in the snapshot; `code_found` is whether it names the school
    (None where it names no school at all); `problems` are what keeps it from being read, none when all is well.
    """

    school: str
    reachable: bool
    product: str | None = None
    read_only: bool = False
    code_found: bool | None = None
    problems: tuple[BridgeError, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether a reading would go through."""
        return self.reachable and not self.problems


def probe(source: SchoolSource, profile: Profile, code: str) -> SchoolProbe:
    """Open the school's database and try each of the profile's queries. Raises nothing but bugs."""
    try:
        snapshot = open_snapshot(source, code)
    except BridgeError as error:
        return SchoolProbe(code, reachable=False, problems=(error,))
    with snapshot:
        problems = [problem for table in ALL_TABLES if (problem := _tried(snapshot, profile, table))]
        codes: tuple[str, ...] = ()
        if not problems:
            codes = school_codes(snapshot, profile)
            problems += [code_differs(code)] if codes and code not in codes else []
    return SchoolProbe(
        school=code,
        reachable=True,
        product=snapshot.facts.product,
        read_only=snapshot.facts.read_only,
        code_found=code in codes if codes else None,
        problems=tuple(problems),
    )


def _tried(snapshot: Snapshot, profile: Profile, table: RawTable) -> BridgeError | None:
    try:
        snapshot.first_rows(table, profile, _ONE_DAY)
    except BridgeError as error:
        return error
    return None
