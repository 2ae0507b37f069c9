"""The codes of a school that its profile says nothing of, with their counts. Pure; they are never guessed."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mappings.facts import NO_KIND, kinds_of
from mappings.keys import as_integers
from mappings.profile import CodeMeaning, Profile
from mappings.raw import ABSENCES, MARKS, PERIOD_MARKS, PERIODS, SPOILT, RawJournal, RawTable


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A code that the profile says nothing of: where it stands, and how often."""

    table: str
    code: str
    count: int


def unmapped(raw: RawJournal, profile: Profile) -> tuple[Unmapped, ...]:
    """Return the codes that `codes.toml` lacks, table by table, the most frequent first."""
    codes = profile.codes
    keys = as_integers(raw, profile.encoding)
    wanted: tuple[tuple[RawTable, str, str, tuple[CodeMeaning, ...]], ...] = (
        (MARKS, "type_id", "type", codes.marks),
        (ABSENCES, "type_id", "type", codes.absences),
        (PERIOD_MARKS, "type_id", "type", codes.period_marks),
        (PERIODS, "kind", "period-kind", codes.periods),
    )
    found: list[Unmapped] = []
    for table, column, domain, meanings in wanted:
        numbers = keys.raw[table.name][column].to_numpy(np.int64)
        unknown = (kinds_of(numbers, meanings, keys.texts.get(domain)) == NO_KIND) & (numbers > SPOILT)
        counted = Counter(keys.text_of(domain, numbers[unknown]).tolist())
        found += [Unmapped(table.name, code, count) for code, count in counted.most_common()]
    return tuple(found)
