"""The plan of a run against a row-by-row oracle written from the rules, not from the code."""

from datetime import date

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.plan import plan_records, with_unread
from journal.school import Window
from journal.vocabulary import WithdrawReason

WINDOW = Window(date(2026, 9, 1), date(2027, 8, 31))
IN, OUT = date(2026, 10, 5), date(2026, 5, 5)
TAKES_BACK = frozenset({"lesson-cancelled"})
LIMITED = frozenset({"not-in-pilot"})
WORDS = {
    "consent-withdrawn": WithdrawReason.CONSENT_WITHDRAWN,
    "no-link": WithdrawReason.LINK_ENDED,
    "not-in-pilot": WithdrawReason.OUT_OF_SCOPE,
}
REASONS = st.sampled_from([None, *WORDS])


def stamp(day: date) -> pd.Timestamp:
    return pd.Timestamp(day).as_unit("s")


def records_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    columns = ["source_key", "student_key", "kind", "date", "permitted", "reason", "digest"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"source_key": "str", "student_key": "str", "permitted": bool, "reason": object})


def ledger_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    columns = [
        "source_key", "student_key", "record_id", "kind", "date", "revision",
        "held", "digest", "rejected_digest", "discarded", "permitted", "reason",
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    frame["date"] = pd.to_datetime(frame["date"]).astype("datetime64[s]")
    texts, flags, objects = ("source_key", "student_key"), ("held", "discarded", "permitted"), ("reason", "digest")
    return frame.astype({**dict.fromkeys(texts, "str"), **dict.fromkeys(flags, bool), **dict.fromkeys(objects, object)})


def aside_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["source_key", "student_key", "reason"])
    return frame.astype({"source_key": "str", "student_key": "str", "reason": "str"})


def make_plan(records, aside, ledger, window=WINDOW):
    return plan_records(
        records_frame(records),
        aside_frame(aside),
        ledger_frame(ledger),
        window,
        withdraw_reason=lambda reason: WORDS[reason],
        limited_reasons=LIMITED,
        takes_back=TAKES_BACK,
    )


def a_record(key: str, student: str, reason: str | None, digest: bytes) -> dict[str, object]:
    return {
        "source_key": key, "student_key": student, "kind": "current", "date": stamp(IN),
        "permitted": reason is None, "reason": reason, "digest": digest,
    }  # fmt: skip


def a_holding(
    key: str,
    student: str,
    day: date,
    held: bool,
    digest: bytes | None,
    rejected: bytes | None,
    reason: str | None,
    discarded: bool = False,
) -> dict[str, object]:
    return {
        "source_key": key, "student_key": student, "record_id": f"r-{key}-{student}", "kind": "current",
        "date": stamp(day), "revision": 1, "held": held, "digest": digest, "rejected_digest": rejected,
        "discarded": discarded, "permitted": reason is None, "reason": reason,
    }  # fmt: skip


KEYS = [f"mark:{n}" for n in range(5)]
STUDENTS = ["1", "2"]
DIGESTS = [b"a" * 16, b"b" * 16]


@st.composite
def worlds(draw: st.DrawFn):
    """A school's rows (each key at most once, as a record or set aside) and a ledger."""
    records, aside, ledger = [], [], []
    for key in KEYS:
        fate = draw(st.sampled_from(["absent", "record", "aside"]))
        student = draw(st.sampled_from(STUDENTS))
        if fate == "record":
            records.append(a_record(key, student, draw(REASONS), draw(st.sampled_from(DIGESTS))))
        elif fate == "aside":
            reason = draw(st.sampled_from(["unknown-mark-type", "lesson-cancelled"]))
            aside.append({"source_key": key, "student_key": draw(st.sampled_from([student, None])), "reason": reason})
        for holder in STUDENTS:
            if draw(st.booleans()):
                held = draw(st.booleans())
                ledger.append(
                    a_holding(
                        key,
                        holder,
                        draw(st.sampled_from([IN, OUT])),
                        held,
                        draw(st.sampled_from(DIGESTS)) if held else None,
                        draw(st.sampled_from([None, *DIGESTS])),
                        draw(REASONS),
                        draw(st.booleans()),
                    )
                )
    return records, aside, ledger


def word(reason: str) -> tuple[str, bool]:
    return str(WORDS[reason]), reason not in LIMITED


def oracle(records, aside, ledger):  # noqa: C901
    """The rules of the plan, one row at a time, over dictionaries."""
    told = {(row["source_key"], row["student_key"]): row for row in ledger}
    publish, withdraw, unchanged, rejected, discarded = set(), {}, 0, 0, 0
    for record in records:
        known = told.get((record["source_key"], record["student_key"]))
        if record["permitted"]:
            if known and known["held"] and known["digest"] == record["digest"]:
                unchanged += 1
            elif known and known["rejected_digest"] == record["digest"]:
                rejected += not known["discarded"]
                discarded += known["discarded"]
            else:
                publish.add((record["source_key"], record["student_key"]))
        elif known and known["held"]:
            withdraw[known["record_id"]] = word(record["reason"])
    read = {(record["source_key"], record["student_key"]) for record in records}
    for row in ledger:
        if not row["held"] or (row["source_key"], row["student_key"]) in read:
            continue
        if not row["permitted"]:
            withdraw[row["record_id"]] = word(row["reason"])
            continue
        bad = [a for a in aside if a["source_key"] == row["source_key"]]
        bad = [a for a in bad if a["student_key"] in {None, row["student_key"]}]
        if bad:
            if bad[0]["reason"] in TAKES_BACK:
                withdraw[row["record_id"]] = ("out-of-scope", False)
        elif WINDOW.first <= row["date"].date() <= WINDOW.last:
            withdraw[row["record_id"]] = ("deleted", False)
    return publish, withdraw, unchanged, rejected, discarded


@settings(max_examples=400, deadline=None)
@given(worlds())
def test_the_plan_is_the_oracles(world) -> None:
    records, aside, ledger = world
    plan = make_plan(records, aside, ledger)
    publish, withdraw, unchanged, rejected, discarded = oracle(records, aside, ledger)
    assert set(zip(plan.publish["source_key"], plan.publish["student_key"], strict=True)) == publish
    found = {row.record_id: (row.reason, row.lawful) for row in plan.withdraw.itertuples(index=False)}
    assert found == withdraw
    assert len(plan.withdraw) == len(withdraw)
    assert (plan.unchanged, plan.rejected_before) == (unchanged, rejected)
    assert plan.withheld.get("discarded", 0) == discarded
    fates = len(plan.publish) + plan.unchanged + plan.rejected_before
    assert plan.read == fates + sum(plan.withheld.values()) + sum(plan.set_aside.values())
    assert plan.holdings == sum(row["held"] for row in ledger)


def test_a_bad_row_never_looks_like_a_deleted_one() -> None:
    held = a_holding("mark:1", "1", IN, True, DIGESTS[0], None, None)
    aside = {"source_key": "mark:1", "student_key": None, "reason": "unknown-mark-type"}
    assert make_plan([], [aside], [held]).withdraw.empty
    assert list(make_plan([], [], [held]).withdraw["reason"]) == ["deleted"]


def test_a_sweep_deletes_nothing_and_takes_back_what_lost_its_ground() -> None:
    stays = a_holding("mark:1", "1", IN, True, DIGESTS[0], None, None)
    goes = a_holding("mark:2", "1", IN, True, DIGESTS[0], None, "consent-withdrawn")
    plan = make_plan([], [], [stays, goes], window=None)
    assert list(plan.withdraw["record_id"]) == ["r-mark:2-1"]
    assert plan.limited_withdrawals == 0


def test_only_records_that_are_held_already_are_changes() -> None:
    held = [a_holding("mark:2", "1", IN, True, DIGESTS[0], None, None)]
    assert make_plan([a_record("mark:1", "1", None, DIGESTS[0])], [], held).changes == 0
    assert make_plan([a_record("mark:2", "1", None, DIGESTS[1])], [], held).changes == 1


def test_records_of_journals_that_were_not_read_go_only_for_want_of_a_ground() -> None:
    read = make_plan([a_record("m1", "s", None, b"a")], [], [])
    stays = a_holding("m2", "s", IN, True, b"a", None, None)
    goes = a_holding("m3", "t", IN, True, b"a", None, "consent-withdrawn")
    both = with_unread(read, make_plan([], [], [stays, goes], None))
    assert both.withdraw["record_id"].tolist() == ["r-m3-t"]
    assert (len(both.publish), both.read, both.holdings) == (1, 1, None)
    alone = with_unread(read, None)
    assert (len(alone.withdraw), len(alone.publish), alone.holdings) == (0, 1, None)
