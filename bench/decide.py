"""Figure 4: deciding on a million records, against the bare pandas merge of records and grants.

The merge alone decides nothing: it only lays each record beside its student's grants, the least with which a script
could start, in the fewest columns. The second rival goes on to the end: masks of kind and days, any grant of a record.
`decide` says besides why a record is withheld, from refusals and pilot groups. All three permit the very same records,
or the measurement fails. The frame is typed as a reading's (`journal.frames.RECORDS`).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from rounds import by_turns, ratio, told

from consent_registry.decision import EVERYONE, Grant, Refusal, decide
from consent_registry.pilot.admission import Pilot
from consent_registry.reasons import Reason
from journal.school import Enrolment, RosterEntry
from journal.vocabulary import ALL_KINDS, RecordKind

RECORDS, GRANTS = 1_000_000, 2_000
ROUNDS = 15
SEED = 1
FIRST_DAY, DAYS = date(2026, 9, 1), 80
TODAY = FIRST_DAY + timedelta(days=DAYS)
CLASSES = [f"{year}{letter}" for year in range(1, 12) for letter in "АБВГ"]
KINDS = [str(kind) for kind in RecordKind]
BIT = {kind: 1 << place for place, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class Scene:
    """A school: its records, what the registry says of each link, its students, and who takes part."""

    words: str
    records: pd.DataFrame
    grounds: Sequence[Grant | Refusal]
    roster: Mapping[str, RosterEntry]
    pilot: Pilot = EVERYONE


def entry(student: int) -> RosterEntry:
    """Return a student of some class."""
    stay = Enrolment(date(2020, 9, 1), None, CLASSES[student % len(CLASSES)])
    return RosterEntry(str(student), date(2014, 3, 9), (stay,))


def grant(student: int, link: int, kinds: frozenset[RecordKind], first: date, last: date | None) -> Grant:
    """Return a link with a ground."""
    names = f"account-{link}", f"link-{link}", f"consent-{link}", "2026-09"
    return Grant("0252", str(student), *names, kinds, FIRST_DAY, None, first, last)


def records_of(students: int) -> pd.DataFrame:
    """Return a million records of so many students, of all kinds and days; `row` counts them."""
    chance = np.random.default_rng(SEED)
    days = np.datetime64(FIRST_DAY, "s") + chance.integers(0, DAYS, RECORDS).astype("timedelta64[D]")
    kinds = np.array(KINDS, dtype=object)[chance.integers(0, len(KINDS), RECORDS)]
    return pd.DataFrame(
        {
            "student_key": pd.Series(chance.integers(0, students, RECORDS)).astype("str"),
            "kind": pd.Series(kinds, dtype="str"),
            "date": days.astype("datetime64[s]"),
        }
    )


def one_link() -> Scene:
    """Every student has one parent who consented to everything."""
    grounds = [grant(student, student, ALL_KINDS, FIRST_DAY, None) for student in range(GRANTS)]
    roster = {str(student): entry(student) for student in range(GRANTS)}
    return Scene("one link a student", records_of(GRANTS), grounds, roster)


def several_links() -> Scene:
    """As schools are: one to three links a student, narrowed consents, refusals, students without any link; a pilot."""
    links = [*([3] * 300), *([2] * 400), *([1] * 300), *([0] * 200)]  # as many grants, of 1,200 students
    grounds: list[Grant | Refusal] = []
    for student, number in enumerate(links):
        for _ in range(number):
            link = len(grounds)
            kinds = ALL_KINDS if link % 3 else frozenset({RecordKind.CURRENT, RecordKind.PERIOD})
            first = FIRST_DAY + timedelta(days=link % 40)
            grounds.append(grant(student, link, kinds, first, None if link % 4 else first + timedelta(days=30)))
        if student % 4 == 0:
            names = f"account-{student}-b", f"link-{student}-b"
            grounds.append(Refusal("0252", str(student), *names, Reason.CONSENT_WITHDRAWN))
    roster = {str(student): entry(student) for student in range(len(links))}
    pilot = Pilot(frozenset(CLASSES[4:]))
    return Scene("up to three links a student, refusals, a pilot", records_of(len(links)), grounds, roster, pilot)


def grants_frame(grounds: Sequence[Grant | Refusal]) -> pd.DataFrame:
    """Return the grants as a script would hold them: kinds as bits, an open end as a day far ahead."""
    grants = [one for one in grounds if isinstance(one, Grant)]
    return pd.DataFrame(
        {
            "student_key": pd.Series([one.student_key for one in grants], dtype="str"),
            "kinds": np.array([sum(BIT[kind] for kind in one.kinds) for one in grants]),
            "records_from": np.array([one.records_from for one in grants], dtype="datetime64[s]"),
            "records_to": np.array([one.records_to or date(9999, 12, 31) for one in grants], dtype="datetime64[s]"),
        }
    )


def timed(work: Callable[[], object]) -> Callable[[], Mapping[str, float]]:
    """Return what measures one turn of a side; what it made is thrown away after."""

    def turn() -> Mapping[str, float]:
        start = time.perf_counter()
        made = work()
        seconds = time.perf_counter() - start
        del made
        return {"ms": seconds * 1000}

    return turn


def measure(scene: Scene) -> None:
    """Measure the three sides on one school, and print."""
    grants = grants_frame(scene.grounds)
    several = bool(grants["student_key"].duplicated().any())
    records = scene.records.assign(row=np.arange(RECORDS)) if several else scene.records

    def merge() -> pd.DataFrame:
        return records.merge(grants, on="student_key", how="left")

    def merge_and_masks() -> pd.Series:
        beside = merge()
        kind_fits = (beside["kinds"].fillna(0).astype("int64") & beside["kind"].map(BIT)) != 0
        fits = kind_fits & (beside["records_from"] <= beside["date"]) & (beside["date"] <= beside["records_to"])
        return fits.groupby(beside["row"]).any() if several else fits

    def bridge() -> pd.DataFrame:
        return decide(scene.records, scene.grounds, scene.roster, today=TODAY, pilot=scene.pilot)

    inside = {key: scene.pilot.admits(one.classes_on(TODAY), TODAY) for key, one in scene.roster.items()}
    decided = bridge()
    plain = merge_and_masks().to_numpy() & scene.records["student_key"].map(inside).to_numpy()
    if not np.array_equal(plain, decided["permitted"].to_numpy()):
        raise RuntimeError("the sides permit different records")

    sides = {"merge": merge, "masks": merge_and_masks, "bridge": bridge}
    measured = by_turns({name: timed(side) for name, side in sides.items()}, ROUNDS)
    permitted, reasons = int(decided["permitted"].sum()), decided["reason"].nunique()
    print(
        f"   {scene.words}: {len(grants):,} grants, {permitted:,} records permitted, {reasons} reasons for the others"
    )
    print(f"      bare merge                  {told(measured['merge'], 'ms')} ms")
    print(f"      merge, masks, any           {told(measured['masks'], 'ms')} ms")
    print(f"      bridge, with reasons        {told(measured['bridge'], 'ms')} ms")
    print(f"      bridge / bare merge         {ratio(measured['bridge'], measured['merge'], 'ms')}")
    print(f"      bridge / merge, masks, any  {ratio(measured['bridge'], measured['masks'], 'ms')}", flush=True)


def main() -> None:
    """Measure and print."""
    print(f"4. deciding on {RECORDS:,} records; {ROUNDS} rounds")
    for scene in (one_link(), several_links()):
        measure(scene)


if __name__ == "__main__":
    main()
