"""After erasures nothing leads from an erased child to an entry, for whoever knows the brothers and sisters too.

What elimination still tells is measured, so that FORMAT.md says no less. The same attack finds every child before the
erasure. And it finds those that a weaker way of naming accounts betrays: their ids in clear, a digest under the
installation's key, one key for a family.
"""

import hmac
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from worlds.erased_families import CODE, MOSCOW, Attacker, Child, Families, Logged, cells_of

from consent_registry.acts import Actor, withdraw
from consent_registry.sealed.account_refs import account_key
from consent_registry.sealed.erasure import belongings
from consent_registry.sealed.remaining import Staying, remaining
from database import reading, writing
from delivery.tables import RUN

FEW = 15
MANY = 1000 if os.environ.get("DNEVNIK_SOAK") == "1" else FEW


@pytest.fixture(params=[FEW], ids=["few"])
def families(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Families]:
    made = Families(tmp_path, many=request.param)
    made.live()
    yield made
    made.log.close()
    made.engine.dispose()


def with_accounts(logged: Logged, named: Callable[[str], str]) -> Logged:
    """The same log, had it named accounts in another way."""

    def renamed(value: object, name: str = "") -> object:
        if isinstance(value, dict):
            return {key: renamed(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [renamed(one, name) for one in value]
        return named(str(value)) if name == "account" else value

    return [renamed(entry) for entry in logged]  # type: ignore[misc]


@pytest.mark.timeout(3600 if MANY > FEW else 280)
@pytest.mark.parametrize("families", [MANY], indirect=True, ids=[f"{MANY} families"])
def test_after_the_erasures_nobody_is_found_and_before_them_everybody(families: Families) -> None:
    attacker = Attacker(families, families.truth())
    everybody = {child.key for child in families.erased}
    assert len(families.living) == MANY - MANY // 5
    assert attacker.finds(families.logged()) == everybody
    accounts = families.account_ids()
    with reading(families.engine) as connection:
        first = families.vault.student_keys(connection, CODE, [child.key for child in families.living])
    of_family = {child.account: account_key(first[child.key]) for child in families.living}
    families.erase()
    logged = families.logged()
    assert attacker.finds(logged) == set()

    shared = {child.key for child in families.erased if child.account in of_family}
    weaker: list[tuple[Callable[[str], str], set[str]]] = [
        (lambda one: accounts[one], everybody),
        (lambda one: _digest(families.vault.derive("account"), accounts[one]), everybody),
        (lambda one: _digest(of_family.get(accounts[one], os.urandom(32)), accounts[one]), shared),
    ]
    for named, betrayed in weaker:
        assert attacker.finds(with_accounts(logged, named)) == betrayed


def _digest(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()


def test_a_number_of_records_in_the_erasures_entry_would_lead_to_its_child(families: Families) -> None:
    attacker = Attacker(families, families.truth())
    families.erase()
    logged = families.logged()
    numbers = {number: child.records for number, child in families.acts.items()}
    told = [
        {**entry, "counts": {"records": numbers[str(entry["erasure"])]}} if entry["kind"] == "erasure" else entry
        for entry in logged
    ]
    assert attacker.finds(logged) == set()
    assert attacker.finds(told)


def heaps(families: Families) -> list[set[int]]:
    """Set aside whom the database knows; return the numbers of the entries that are left, a heap a student.

    A link goes with the student in whose ground or message it stands, an event with its link.
    """
    with reading(families.engine) as connection:
        known = cells_of(connection)
    of_link: dict[str, str] = {}
    about: list[set[str]] = []
    for entry in families.logged():
        student = entry.get("student")
        links = {one["link"] for one in entry.get("grounds", ())} | ({entry["link"]} if "link" in entry else set())
        links |= {entry["case"]} if "case" in entry else set()
        of_link |= dict.fromkeys(links, student) if student else {}
        about.append({str(one) for one in (student, *links) if one})
    found: dict[str, set[int]] = {}
    for number, ids in enumerate(about):
        left = {of_link.get(one, one) for one in ids if one not in known}
        for whose in left if ids and not ids & known else ():
            found.setdefault(whose, set()).add(number)
    return list(found.values())


def entries_of(families: Families, ids: set[str]) -> set[int]:
    return {
        number
        for number, entry in enumerate(families.logged())
        if ids & {entry.get("student"), entry.get("link"), entry.get("case")}
    }


@pytest.mark.parametrize("several", [1, 4])
def test_elimination_finds_an_erased_child_and_of_several_which_entries_are_of_one(
    families: Families, several: int
) -> None:
    """What FORMAT.md admits: the only erased child of a school is found whole, of several each is a heap."""
    truth = families.truth()
    assert heaps(families) == []
    families.erased = [child for place, child in enumerate(families.erased) if place % 3][:several]
    families.erase()
    left = heaps(families)
    assert sorted(map(sorted, left)) == sorted(sorted(entries_of(families, truth[one.key])) for one in families.erased)
    assert min(map(len, left)) > 5


def test_no_row_names_an_erased_child_by_the_schools_own_id(families: Families) -> None:
    """What was set aside in a run is listed by the school's ids, in the run's balance too."""
    erased = {child.key for child in families.erased}
    listed = {child.key for child in families.erased[::5]}
    with reading(families.engine) as connection:
        assert cells_of(connection) & erased == erased
        balances = str(connection.scalars(sa.select(RUN.c.balance)).all())
    assert listed <= {key for key in erased if key in balances}
    families.erase()
    with reading(families.engine) as connection:
        cells = cells_of(connection)
    assert cells & erased == set()
    assert {child.key for child in families.living} <= cells


def test_what_stays_of_a_parent_is_told_by_its_ground(families: Families) -> None:
    """A brother's or sister's consent; what was applied for in vain goes with the last case of the account."""

    def stays(child: Child) -> list[tuple[Staying, ...]]:
        with reading(families.engine) as connection:
            held = belongings(connection, families.vault, CODE, child.key)
            found = remaining(connection, families.vault, held, now=families.now, timezone=MOSCOW)
        assert all(one.account == child.account for one in found)
        assert child.account not in repr(found)
        return [one.grounds for one in found]

    in_vain, shared, alone, both = (families.erased[place] for place in (3, 1, 4, 9))
    assert in_vain.account in {child.account for child in families.living}
    assert stays(in_vain) == [(Staying.CONSENT, Staying.CLOSED_APPLICATION)]
    assert stays(shared) == [(Staying.CONSENT,)]
    assert (stays(alone), stays(both)) == ([], [])
    sister = next(child for child in families.living if child.account == shared.account)
    with writing(families.engine) as connection:
        actor = Actor("test", families.now, MOSCOW)
        withdraw(connection, CODE, sister.key, sister.account, at=families.now, actor=actor)
    assert stays(shared) == [(Staying.ENDED,)]


def test_the_accounts_of_the_erased_are_nowhere_unless_a_living_child_has_them(families: Families) -> None:
    families.erase()
    living = {child.account for child in families.living}
    files = b"".join(path.read_bytes() for path in sorted(families.folder.rglob("*")) if path.is_file())
    for child in families.erased:
        assert (child.account.encode() in files) is (child.account in living)
