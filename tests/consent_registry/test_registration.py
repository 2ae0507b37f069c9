from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from consent_registry.acts import ConsentTerms, give_consent, register_consents
from consent_registry.decision import Grant, Refusal, ground
from consent_registry.fact_store import states
from consent_registry.facts import FactKind
from consent_registry.reasons import Reason
from consent_registry.register.file import RegisterProblemsError
from consent_registry.sealed.vault import Vault
from consent_registry.tables import CASE, FACT, STUDENT_KEY
from database import reading, writing
from journal.school import Enrolment, RosterEntry
from journal.vocabulary import ALL_KINDS, RecordKind
from journal.wording import BridgeError, Language

if TYPE_CHECKING:
    from conftest import Registry

Cells = dict[str, object]
STUDENT = RosterEntry("1017", date(2014, 3, 9), (Enrolment(date(2020, 9, 1), None, "5А"),))


def count(registry: "Registry", table: sa.Table) -> int:
    with reading(registry.engine) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def recorded(registry: "Registry") -> list[tuple[str, Mapping[str, object]]]:
    with reading(registry.engine) as connection:
        rows = connection.execute(sa.select(FACT.c.kind, FACT.c.detail).order_by(FACT.c.fact_id))
        return [(row.kind, row.detail) for row in rows]


def outcome(registry: "Registry") -> Grant | Reason:
    now = ground(registry.only, STUDENT, registry.now, registry.now.date())
    return now.reason if isinstance(now, Refusal) else now


def refused(registry: "Registry", *rows: Cells) -> list[tuple[int, str]]:
    before = count(registry, CASE), count(registry, FACT), count(registry, STUDENT_KEY)
    with pytest.raises(RegisterProblemsError) as caught:
        registry.take(*rows)
    assert (count(registry, CASE), count(registry, FACT), count(registry, STUDENT_KEY)) == before
    return [(problem.row, problem.column) for problem in caught.value.problems]


def test_a_row_that_went_the_whole_way_becomes_a_link_in_force(registry: "Registry", row: Cells) -> None:
    summary = registry.take(row)
    assert (summary.new, summary.changed, summary.unchanged, summary.warnings) == (1, 0, 0, ())
    state = registry.only
    assert (state.school, state.student_key, state.account_id) == ("0252", "1017", "pa-55810")
    assert state.identified_at == datetime(2026, 9, 3, 12, 40, tzinfo=UTC)
    assert state.registered_at == datetime(2026, 9, 4, 6, 0, tzinfo=UTC)
    assert state.kinds == ALL_KINDS
    assert isinstance(outcome(registry), Grant)
    assert [(event.event, event.case_ref) for event in summary.events] == [
        (kind, state.link_id) for kind in ("application", "identification", "consent", "registration")
    ]


def test_the_same_register_again_changes_nothing_though_it_is_written_otherwise(
    registry: "Registry", row: Cells
) -> None:
    registry.take(row | {"kinds": "period current"})
    before = count(registry, FACT), registry.only
    summary = registry.take(row | {"kinds": " current  period ", "registered_at": "2026-09-04T06:00:00Z"})
    assert (summary.new, summary.changed, summary.unchanged, summary.events) == (0, 0, 1, ())
    assert (count(registry, FACT), registry.only) == before


def test_a_changed_consent_is_a_new_consent_and_the_old_one_stays_on_record(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    first, then = registry.only, registry.now
    summary = registry.take(row | {"kinds": "current period", "in_force_to": "2027-08-31"})
    assert (summary.changed, [event.event for event in summary.events]) == (1, ["consent", "registration"])
    second = registry.only
    assert second.kinds == {RecordKind.CURRENT, RecordKind.PERIOD}
    assert second.in_force_to == date(2027, 8, 31)
    assert second.consent_ref != first.consent_ref
    assert second.link_id == first.link_id
    assert registry.states(known_at=then) == [first]


def test_a_stage_is_reached_and_taken_back_by_the_register(registry: "Registry", row: Cells) -> None:
    applied = row | {"registered_at": "", "registered_by": ""}
    registry.take(applied)
    assert outcome(registry) is Reason.NOT_REGISTERED
    registry.take(row)
    assert isinstance(outcome(registry), Grant)
    registry.take(applied)
    assert outcome(registry) is Reason.NOT_REGISTERED
    registry.take(row | {"restricted_from": "2026-10-01"})
    assert outcome(registry) is Reason.RESTRICTED
    registry.take(row)
    assert isinstance(outcome(registry), Grant)
    registry.take(row | {"consent_signed_on": "", "consent_text_version": ""})
    assert outcome(registry) is Reason.CONSENT_MISSING


def test_one_problem_and_nothing_is_stored(registry: "Registry", row: Cells) -> None:
    rows = [
        row,
        row | {"account_id": "pa-2", "student_id": "9999"},
        row | {"account_id": "pa-3", "school": "0999"},
        row | {"account_id": "pa-55810"},
    ]
    assert refused(registry, *rows) == [(3, "student_id"), (4, "school"), (5, "account_id")]


@pytest.mark.parametrize(
    ("names", "key"),
    [
        (("елкина", "МАРИЯ", "", "2014-03-09"), "1017"),
        (("Ёлкина", "Мария", "петровна", "2014-03-09"), "1017"),
        (("Е\u0308лкина", "Мария", "", "2014-03-09"), "1017"),  # Ё in two code points
        (("Иванов", "Петр", "Ильич", "2013-01-02"), "1019"),
        (("Иванов", "Петр", "", "2013-01-02"), None),  # two of this name
        (("Ёлкина", "Мария", "Ивановна", "2014-03-09"), None),
        (("Ёлкина", "Мария", "", "2014-03-10"), None),
        (("Тихая", "Анна", "", "2014-03-09"), None),  # the school has no birth date
    ],
)
def test_names_and_birth_date_must_name_exactly_one_student(
    registry: "Registry", row: Cells, names: tuple[str, str, str, str], key: str | None
) -> None:
    columns = ("student_last_name", "student_first_name", "student_middle_name", "student_birth_date")
    unnamed = row | {"student_id": ""} | dict(zip(columns, names, strict=True))
    if key is None:
        assert refused(registry, unnamed) == [(2, "student_id")]
    else:
        registry.take(unnamed)
        assert registry.only.student_key == key


def test_an_id_and_a_name_of_two_students_is_refused(registry: "Registry", row: Cells) -> None:
    assert refused(registry, row | {"student_id": "1018"}) == [(2, "student_id")]


@pytest.mark.parametrize(
    ("column", "value"), [("student_last_name", "Берёзкина"), ("student_birth_date", "2014-09-03")]
)
def test_a_name_or_date_that_differs_from_the_schools_is_told(
    registry: "Registry", row: Cells, column: str, value: str
) -> None:
    summary = registry.take(row | {column: value})
    assert [(warning.row, warning.column) for warning in summary.warnings] == [(2, column)]
    other = row | {"account_id": "pa-2", "email": "other@example.org"}
    assert registry.take(other | {"student_last_name": "", "student_birth_date": ""}).warnings == ()


def test_the_same_link_by_id_and_by_name_is_one_link_twice(registry: "Registry", row: Cells) -> None:
    assert refused(registry, row, row | {"student_id": ""}) == [(3, "account_id")]


def test_schools_are_apart(registry: "Registry", row: Cells) -> None:
    summary = registry.take(row, row | {"school": "0253"})
    assert summary.new == 2
    assert [state.school for state in registry.states("0253")] == ["0253"]
    assert registry.only.school == "0252"


def test_names_are_sealed_and_a_correction_is_recorded_without_them(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    summary = registry.take(row | {"email": "new@example.org", "authority_document": "решение опеки"})
    assert (summary.changed, [event.event for event in summary.events]) == (1, ["people"])
    assert recorded(registry)[-1] == ("people", {"changed": ["authority_document", "email"]})
    assert registry.take(row | {"email": "new@example.org", "authority_document": "решение опеки"}).unchanged == 1
    with reading(registry.engine) as connection:
        rows = [tuple(line) for table in (CASE, FACT, STUDENT_KEY) for line in connection.execute(sa.select(table))]
        sealed = connection.scalar(sa.select(CASE.c.sealed)) or b""
        own = registry.vault.student_keys(connection, "0252", ["1017"])["1017"]
    for personal in ("лкин", "example.org", "2014-03-09", "опеки", "паспорт"):
        assert personal not in str(rows)
        assert personal.encode() not in b"".join(cell for line in rows for cell in line if isinstance(cell, bytes))
    assert "new@example.org" in own.open(sealed).decode()


def test_a_row_for_a_student_whose_data_were_destroyed_is_refused(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    with writing(registry.engine) as connection:
        connection.execute(STUDENT_KEY.delete())
    assert refused(registry, row) == [(2, "student_id")]
    assert isinstance(outcome(registry), Grant)  # facts without names are still read
    with reading(registry.engine) as connection:
        assert registry.vault.student_keys(connection, "0252", ["1017"]) == {}


def test_another_master_key_opens_nothing(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    registry.vault = Vault(bytes(32))
    with pytest.raises(BridgeError) as caught:
        registry.take(row)
    assert caught.value.code == "sealed-unreadable"


def test_reads_take_students_and_a_moment(registry: "Registry", row: Cells) -> None:
    others = [row | {"account_id": f"pa-{number}", "student_id": "1017"} for number in range(3)]
    second = row | {"student_id": "1018", "student_last_name": "", "student_birth_date": ""}
    registry.take(*others, second)
    then = registry.now
    registry.take(row)
    with reading(registry.engine) as connection:
        assert len(states(connection, "0252", student_keys=["1017"], at=registry.now)) == 4
        assert (
            len(states(connection, "0252", student_keys=[str(key) for key in range(1000, 2001)], at=registry.now)) == 5
        )
        assert states(connection, "0252", student_keys=[], at=registry.now) == []
        early = {state.account_id: state.registered_at for state in states(connection, "0252", at=then, known_at=then)}
        assert states(connection, "0252", at=then, known_at=then - timedelta(hours=1), student_keys=["1018"]) == []
    assert len(early) == 4


# Withdrawals


def test_a_withdrawal_ends_the_ground_at_once_and_is_entered_once(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    event = registry.withdraw()
    assert event is not None
    assert (event.event, event.case_ref, event.valid_at) == ("withdrawal", registry.only.link_id, registry.now)
    assert outcome(registry) is Reason.CONSENT_WITHDRAWN
    facts = count(registry, FACT)
    assert registry.withdraw() is None
    assert count(registry, FACT) == facts


def test_a_withdrawal_may_be_back_dated_never_dated_ahead(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    with pytest.raises(BridgeError) as caught:
        registry.withdraw(registry.now + timedelta(hours=1))
    assert caught.value.code == "withdrawal-ahead"
    with pytest.raises(ValueError, match="time zone"):
        registry.withdraw(datetime(2026, 11, 1))  # noqa: DTZ001  a naive moment is what is refused
    early = registry.now - timedelta(days=99)
    assert registry.withdraw(registry.now - timedelta(days=1)) is not None
    assert registry.withdraw(early) is not None
    assert registry.only.withdrawn_at == early
    assert registry.withdraw(registry.now - timedelta(days=1)) is None


def test_an_unknown_link_is_named_with_the_remedy(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    with pytest.raises(BridgeError) as caught:
        registry.withdraw(student="1018")
    assert caught.value.code == "link-unknown"
    assert "1018" in caught.value.say(Language.RU)


@pytest.mark.parametrize("back", [timedelta(0), timedelta(days=300)], ids=["today", "before the registration"])
def test_a_register_that_does_not_know_of_a_withdrawal_does_not_undo_it(
    registry: "Registry", row: Cells, back: timedelta
) -> None:
    registry.take(row)
    registry.withdraw(registry.now - back)
    assert registry.take(row).unchanged == 1
    assert outcome(registry) is Reason.CONSENT_WITHDRAWN
    assert registry.take(row | {"email": "new@example.org", "kinds": "current"}).changed == 1
    assert registry.take(row | {"registered_at": "2026-11-30T09:00:00+03:00"}).changed == 1
    assert outcome(registry) in {Reason.CONSENT_WITHDRAWN, Reason.NOT_REGISTERED}
    assert registry.only.withdrawn_at is not None


def test_a_register_that_learns_of_a_persons_withdrawal_neither_moves_nor_later_lifts_it(
    registry: "Registry", row: Cells
) -> None:
    registry.take(row)
    at = datetime(2026, 11, 10, 9, 0, tzinfo=UTC)
    registry.withdraw(at)
    assert registry.take(row | {"withdrawn_at": "2027-01-01T00:00:00Z"}).unchanged == 1
    assert registry.take(row | {"withdrawn_at": at.isoformat()}).unchanged == 1
    earlier = row | {"withdrawn_at": "2026-11-09T09:00:00Z"}
    assert registry.take(earlier).changed == 1
    assert registry.only.withdrawn_at == at - timedelta(days=1)
    assert registry.take(earlier).unchanged == 1
    assert registry.take(row).unchanged == 1
    assert outcome(registry) is Reason.CONSENT_WITHDRAWN


def test_a_withdrawal_that_came_with_a_register_goes_with_it_and_that_is_told(registry: "Registry", row: Cells) -> None:
    registry.take(row | {"withdrawn_at": "2026-11-02T08:00:00+03:00"})
    assert outcome(registry) is Reason.CONSENT_WITHDRAWN
    summary = registry.take(row)
    assert [(warning.row, warning.column) for warning in summary.warnings] == [(2, "withdrawn_at")]
    assert isinstance(outcome(registry), Grant)


@pytest.mark.parametrize(
    ("signed", "registered", "lifted"),
    [
        ("2026-11-20", "2026-11-20T12:30:00+03:00", True),
        ("2026-11-19", "2026-11-20T12:30:00+03:00", False),  # signed before the withdrawal
        ("2026-11-20", "2026-11-20T11:00:00+03:00", False),  # registered before the withdrawal
        ("2026-09-03", "2026-11-20T12:30:00+03:00", False),  # the old consent registered again
        ("2026-11-20", "2026-09-04T09:00:00+03:00", False),  # a new consent, not registered
        ("2026-11-20", "", False),
        ("", "2026-11-20T12:30:00+03:00", False),
    ],
)
def test_only_a_new_consent_registered_anew_follows_a_withdrawal(
    registry: "Registry", row: Cells, signed: str, registered: str, lifted: bool
) -> None:
    registry.take(row)
    registry.withdraw()  # at 12:02 in Moscow
    summary = registry.take(row | {"consent_signed_on": signed, "registered_at": registered})
    assert (registry.only.withdrawn_at is None) == lifted
    assert [warning.column for warning in summary.warnings if warning.column == "withdrawn_at"] == (
        ["withdrawn_at"] if lifted else []
    )
    kinds = [kind for kind, _ in recorded(registry)]
    changed = signed != row["consent_signed_on"]
    assert kinds.count(FactKind.WITHDRAWAL) == 1 + (changed and not lifted)  # it goes over to the changed consent


def test_a_registration_that_was_held_already_lifts_no_back_dated_withdrawal(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    registry.withdraw(datetime(2026, 9, 1, tzinfo=UTC))  # before the registration
    registry.take(row | {"consent_signed_on": "2026-11-20"})
    assert outcome(registry) is Reason.CONSENT_WITHDRAWN


def test_the_day_of_a_withdrawal_is_the_day_where_the_link_is_registered(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    registry.withdraw(datetime(2026, 11, 18, 22, 30, tzinfo=UTC))  # half past one on the 19th in Moscow
    again = row | {"registered_at": "2026-11-20T12:00:00+03:00"}
    registry.take(again | {"consent_signed_on": "2026-11-18"})
    assert outcome(registry) is Reason.CONSENT_WITHDRAWN
    registry.take(again | {"consent_signed_on": "2026-11-19", "registered_at": "2026-11-20T12:00:01+03:00"})
    assert isinstance(outcome(registry), Grant)


def test_facts_can_neither_be_changed_nor_deleted(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    for act in (FACT.update().values(kind="consent"), FACT.delete()):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"), writing(registry.engine) as connection:
            connection.execute(act)
    assert count(registry, FACT) == 4


# What a person entered, and the same register again


def consented(registry: "Registry", signed: date) -> None:
    registry.now += timedelta(minutes=1)
    with writing(registry.engine) as connection:
        terms = ConsentTerms("2025-09", signed, signed, date(2026, 9, 1), kinds=frozenset({RecordKind.CURRENT}))
        account = "pa-55810"
        ids = iter([f"person-{signed}"])
        give_consent(connection, "0252", "1017", account, terms, actor=registry.actor, new_id=lambda: next(ids))


def test_the_same_register_again_does_not_undo_what_a_person_entered_since(registry: "Registry", row: Cells) -> None:
    registry.take(row)
    consented(registry, date(2026, 11, 20))
    assert registry.only.kinds == {RecordKind.CURRENT}
    facts = count(registry, FACT)
    assert registry.take(row).unchanged == 1
    assert (count(registry, FACT), registry.only.kinds) == (facts, {RecordKind.CURRENT})
    # a register that knows of it, and one that says something new
    assert registry.take(row | {"kinds": "current", "consent_signed_on": "2026-11-20", "in_force_from": "2026-11-20"})
    assert registry.only.consent_ref == "person-2026-11-20"
    registry.take(row | {"kinds": "period", "consent_signed_on": "2026-11-20", "in_force_from": "2026-11-20"})
    assert registry.only.kinds == {RecordKind.PERIOD}


def test_a_register_that_goes_back_to_its_former_consent_corrects_the_one_between(
    registry: "Registry", row: Cells
) -> None:
    registry.take(row)
    registry.take(row | {"kinds": "current", "consent_signed_on": "2026-11-01"})
    assert registry.take(row).changed == 1
    assert registry.only.kinds == ALL_KINDS


@pytest.mark.parametrize("registered_at", ["2026-11-21T10:00:00+03:00", ""])
def test_a_register_moves_the_registration_of_its_own_consent_alone(
    registry: "Registry", row: Cells, registered_at: str
) -> None:
    registry.take(row | {"registered_at": "", "registered_by": ""})
    consented(registry, date(2026, 11, 20))
    with writing(registry.engine) as connection:
        register_consents(connection, "0252", "1017", "pa-55810", two_persons=False, actor=registry.actor)
    registered = registry.only.registered_at
    registry.take(row | {"registered_at": registered_at, "registered_by": "А. Б. Секретарь" if registered_at else ""})
    assert registry.only.consent_ref == "person-2026-11-20"
    assert registry.only.registered_at == registered
    assert isinstance(outcome(registry), Grant)


@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(minutes=-1)])
def test_a_changed_consent_and_a_withdrawal_beside_a_persons_leave_one_withdrawal(
    registry: "Registry", row: Cells, later: timedelta
) -> None:
    registry.take(row)
    withdrawn = registry.now - timedelta(hours=1)
    registry.withdraw(at=withdrawn)
    changed = row | {"kinds": "current", "withdrawn_at": (withdrawn + later).isoformat()}
    registry.take(changed)
    assert registry.only.withdrawn_at == min(withdrawn, withdrawn + later)
    facts = count(registry, FACT)
    # a register that no longer knows of it takes nothing back: it is the person's
    assert registry.take(changed | {"withdrawn_at": ""}).unchanged == 1
    assert count(registry, FACT) == facts
