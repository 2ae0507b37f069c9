from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_registry.applications.sharing import (
    MEANINGS,
    AccountHolder,
    HeldLink,
    Sharing,
    SharingFinding,
    parents_twice,
    shared_accounts,
)
from journal.wording import Language

SHARED, DIFFERS, TWICE = SharingFinding


def holder(
    last: str = "Ёлкин",
    first: str = "Пётр",
    middle: str | None = "Андреевич",
    *,
    account: str = "pa-1",
    email: str | None = "elkin@example.org",
) -> AccountHolder:
    return AccountHolder(account, last, first, middle, email)


@pytest.mark.parametrize(
    ("second", "finding"),
    [
        (holder(), None),
        (holder("елкин ", "ПЕТР", "андреевич"), None),
        (holder(email="other@example.org"), None),
        (holder("Соколов", "Илья"), SHARED),
        (holder("Соколов", "Илья", account="pa-2"), None),
        (holder("Соколов"), DIFFERS),
        (holder(first="Илья"), DIFFERS),
        (holder(middle="Олегович"), DIFFERS),
        (holder(middle=None), None),
        (holder("", ""), None),
        (holder("Соколов", " "), DIFFERS),
    ],
)
def test_one_account_is_one_person(second: AccountHolder, finding: SharingFinding | None) -> None:
    expected = [] if finding is None else [Sharing(finding, 1, 0)]
    assert shared_accounts([holder(), second]) == expected
    assert shared_accounts([second, holder()]) == expected


def test_every_entry_that_does_not_agree_is_told_once_and_the_problem_before_the_warning() -> None:
    entries = [
        holder("Соколов"),
        holder(),
        holder("Соколов"),
        holder("Тихая", "Анна", "Ильинична"),
        holder("Соколов", "Анна"),
        holder("Тихая", "Анна", "Ильинична"),
    ]
    assert shared_accounts(entries) == [
        Sharing(DIFFERS, 1, 0),
        Sharing(DIFFERS, 2, 1),
        Sharing(SHARED, 3, 0),
        Sharing(SHARED, 4, 1),
        Sharing(SHARED, 5, 0),
    ]


def link(one: AccountHolder, student: str = "1017", *, live: bool = True) -> HeldLink:
    return HeldLink(student, one, live)


@pytest.mark.parametrize(
    ("second", "twice"),
    [
        (link(holder(account="pa-2")), True),
        (link(holder("елкин", "ПЕТР", account="pa-2", email=" Elkin@Example.org")), True),
        (link(holder(middle=None, account="pa-2")), True),
        (link(holder(account="pa-1")), False),
        (link(holder(account="pa-2"), live=False), False),
        (link(holder(account="pa-2"), "1018"), False),
        (link(holder(account="pa-2", email="other@example.org")), False),
        (link(holder(account="pa-2", email=None)), False),
        (link(holder(first="Мария", account="pa-2")), False),
        (link(holder("Соколов", account="pa-2")), False),
        (link(holder(middle="Олегович", account="pa-2")), False),
        (link(holder("", account="pa-2")), False),
        (link(holder(first=".", account="pa-2")), False),
    ],
)
def test_one_parent_has_one_account_to_a_student(second: HeldLink, twice: bool) -> None:
    expected = [Sharing(TWICE, 1, 0)] if twice else []
    assert parents_twice([link(holder()), second]) == expected
    assert parents_twice([second, link(holder())]) == expected


def test_without_an_email_two_accounts_of_one_name_may_be_two_people() -> None:
    nobody = [link(holder(email=email, account=account)) for email, account in ((" ", "pa-1"), (" ", "pa-2"))]
    assert parents_twice(nobody) == []


def test_links_that_tell_nothing_hide_none_after_them() -> None:
    nothing = [link(holder(), live=False), link(holder(email=None)), link(holder(""))]
    assert parents_twice([*nothing, link(holder()), *nothing, link(holder(account="pa-2"))]) == [Sharing(TWICE, 7, 3)]


def test_each_further_account_is_told_once() -> None:
    entries = [link(holder(account=f"pa-{number}")) for number in (1, 2, 1, 3)]
    assert parents_twice(entries) == [Sharing(TWICE, 1, 0), Sharing(TWICE, 2, 1), Sharing(TWICE, 3, 0)]


def test_findings_have_their_words_and_entries_show_no_one() -> None:
    assert set(MEANINGS) == set(SharingFinding)
    assert all(MEANINGS[finding].say(language) for finding in SharingFinding for language in Language)
    assert [finding.is_problem for finding in (SHARED, DIFFERS, TWICE)] == [True, False, True]
    assert "лкин" not in repr([holder(), link(holder())])


HOLDERS = st.builds(
    holder,
    st.sampled_from(["", "Ёлкин", "елкин", "Соколов", "Тихий"]),
    st.sampled_from(["", "Пётр", "петр", "Илья", "Олег"]),
    st.sampled_from([None, "Андреевич", "Олегович"]),
    account=st.sampled_from(["pa-1", "pa-2", "pa-3"]),
    email=st.sampled_from([None, "a@example.org", "A@example.org", "b@example.org"]),
)


def plain(name: str | None) -> str:
    return (name or "").lower().replace("ё", "е")


def differ(one: AccountHolder, other: AccountHolder) -> list[bool]:
    pairs = (
        (one.last_name, other.last_name),
        (one.first_name, other.first_name),
        (one.middle_name, other.middle_name),
    )
    return [plain(a) != "" != plain(b) and plain(a) != plain(b) for a, b in pairs]


@given(st.lists(HOLDERS, max_size=7))
def test_an_entry_is_told_exactly_if_an_earlier_one_gives_its_account_to_someone_else(
    entries: list[AccountHolder],
) -> None:
    expected = []
    for place, entry in enumerate(entries):
        earlier = [
            (other, differ(entry, entries[other]))
            for other in range(place)
            if entries[other].account_id == entry.account_id
        ]
        two_people = [other for other, (last, first, _) in earlier if last and first]
        differing = [other for other, names in earlier if any(names)]
        if two_people:
            expected.append(Sharing(SHARED, place, two_people[0]))
        elif differing:
            expected.append(Sharing(DIFFERS, place, differing[0]))
    assert shared_accounts(entries) == expected


@given(
    st.lists(
        st.builds(
            lambda h, shown, s, live: link(replace(h, documents=frozenset(shown)), s, live=live),
            HOLDERS,
            st.sampled_from(["", "d", "e", "de"]),
            st.sampled_from("12"),
            st.booleans(),
        ),
        max_size=7,
    )
)
def test_a_parent_is_told_twice_exactly_at_a_later_live_link_of_another_account(entries: list[HeldLink]) -> None:
    def twice(a: HeldLink, b: HeldLink) -> bool:
        return (
            a.live
            and b.live
            and a.student_key == b.student_key
            and a.holder.account_id != b.holder.account_id
            and (bool(a.holder.documents & b.holder.documents) or named_alike(a.holder, b.holder))
        )

    def named_alike(a: AccountHolder, b: AccountHolder) -> bool:
        return (
            a.email is not None
            and b.email is not None
            and a.email.lower() == b.email.lower()
            and all([a.last_name, a.first_name, b.last_name, b.first_name])
            and not any(differ(a, b))
        )

    expected = []
    for place, entry in enumerate(entries):
        earlier = [other for other in range(place) if twice(entry, entries[other])]
        expected += [Sharing(TWICE, place, earlier[0])] if earlier else []
    assert parents_twice(entries) == expected
