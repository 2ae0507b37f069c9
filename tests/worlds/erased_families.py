"""Families whose children share a parent's account, and an attacker who is after those of them that were erased.

Real: registry, delivery with its intents, audit log, erasing. Of each family the first child's consent is withdrawn,
taken back and erased; a brother or sister, with the same account, stays and is sent on. Each child has another number
of records. Some parents also applied on paper for a child that nobody found.
The attacker (`Attacker`) has the log, every cell of the database, the installation's keys, the living children's own
keys, all acts of destruction (name and number), and knows everybody's names, birth dates, addresses and account ids.
Not known: the erased children's keys, and what the portal and the school's journal remember, which are others' books.
"""

import hashlib
import hmac
import itertools
import json
import os
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import sqlalchemy as sa
from worlds.memory_world import CODE, MOSCOW, START, MemoryWorld, Row

from audit.entry import ConsentEvent, Erasure
from consent_registry.acts import Actor, withdraw
from consent_registry.applications import desk
from consent_registry.applications.claims import claim_of
from consent_registry.applications.closing import ClosingReason
from consent_registry.applications.receiving import PaperApplication, enter_on_paper
from consent_registry.applications.references import new_reference
from consent_registry.fact_store import CaseEvent
from consent_registry.register.file import COLUMNS, RegisterRow
from consent_registry.register.registration import import_register
from consent_registry.sealed.erasure_rules import Why, obstacles
from consent_registry.tables import CASE
from database import METADATA, reading, writing
from delivery.erasing import compact, destroy_student, look
from delivery.tables import RECORD, STUDENT_REF
from flows.steps import sync_school
from journal.records import PersonName
from journal.school import StudentIdentity
from journal.vocabulary import Relation

LAST = ("Ёлкин", "Ветлужский", "Соколов", "Тихонравов", "Щукарёв", "Оболенцев", "Кузнечихин")
FIRST = ("Пётр", "Илья", "Матвей", "Фёдор", "Лукьян", "Тимофей", "Ермолай", "Савелий", "Прохор")
IDS = ("student", "link", "case", "consent", "account", "record", "account_digest", "mark", "erasure")
"""Fields that say whom an entry is about. A run and a batch are a whole school's."""

_DIGEST = re.compile("[0-9a-f]{64}")

Logged = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Child:
    """One child: what everybody may know."""

    identity: StudentIdentity
    account: str
    records: int

    @property
    def key(self) -> str:
        return self.identity.student_key


@dataclass
class Families(MemoryWorld):
    """So many families, as described above."""

    many: int = 12
    erased: list[Child] = field(default_factory=list)
    living: list[Child] = field(default_factory=list)
    acts: dict[str, Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.batch_records = 500
        chance = random.Random(self.many)  # noqa: S311  made-up birth dates
        numbers = itertools.count(100_000)
        for family in range(self.many):
            # Every fifth child has no brother or sister; all others leave one behind, with the same account.
            for place, children in enumerate((self.erased, self.living)[: 1 if family % 5 == 4 else 2]):
                number = next(numbers)
                born = date(2010, 9, 1) + timedelta(days=chance.randrange(2500))
                last, first = LAST[family % len(LAST)], FIRST[(family // len(LAST) + place * 3) % len(FIRST)]
                identity = StudentIdentity(str(number), last, first, "Ильич", born)
                children.append(Child(identity, f"pa-{50_000 + family * 7}", 1 + (number * 5) % 23))
                self.birth_dates[str(number)] = born

    def new_id(self) -> str:
        return os.urandom(16).hex()

    def _identities(self) -> list[StudentIdentity]:
        return [child.identity for child in (*self.erased, *self.living)]

    def _told(self, events: Iterable[CaseEvent]) -> None:
        """Log what was recorded, as the commands do."""
        told = [
            ConsentEvent(
                at=self.now, school=CODE, case=one.case_ref, event=one.event, valid_at=one.valid_at, by_digest="0" * 64
            )
            for one in events
        ]
        self.log.append(told)

    def live(self) -> None:
        """Consents, records sent, consents withdrawn, records taken back, the others sent on."""
        everybody = [*self.erased, *self.living]
        rows = [RegisterRow(number, _row(child)) for number, child in enumerate(everybody, 2)]
        with writing(self.engine) as connection:
            done = import_register(
                connection, rows, identities=lambda _: self._identities(), vault=self.vault, new_id=self.new_id,
                now=self.now, by="test", timezone=MOSCOW,
            )  # fmt: skip
        self._told(done.events)
        self._apply_in_vain()
        for child in everybody:
            for number in range(child.records):
                day = date(2026, 9, 2) + timedelta(days=number)
                self.rows[f"{child.key}-{number}"] = Row(child.key, "5", day)
        for child in self.erased[::5]:
            self.rows[f"{child.key}-bad"] = Row(child.key, "?", date(2026, 9, 2), bad="undecodable-text")
        assert sync_school(self.bridge(), CODE).failure is None
        self.now += timedelta(minutes=5)
        for child in self.erased:
            self.now += timedelta(seconds=1)
            with writing(self.engine) as connection:
                actor = Actor("test", self.now, MOSCOW)
                event = withdraw(connection, CODE, child.key, child.account, at=self.now, actor=actor)
            self._told([event] if event else [])
        for child in self.living:
            self.rows[f"{child.key}-0"] = Row(child.key, "4", date(2026, 9, 2))
        assert sync_school(self.bridge(), CODE).failure is None
        self.now += timedelta(minutes=5)

    def _apply_in_vain(self) -> None:
        """Let every third parent apply for a child whom nobody finds: another child's name, and a wrong one."""
        for child in self.erased[::3]:
            person = PersonName(child.identity.last_name, "Мирон", "Ильич")
            unknown = PersonName("Никтов", child.identity.first_name, None)
            claim = claim_of(
                person, unknown, date(2013, 1, 2), email=f"mail-{child.account}@example.org", student_class="5А"
            )
            paper = PaperApplication(child.account, Relation.PARENT, "2025-09", self.now, claim)
            actor = Actor("test", self.now, MOSCOW)
            with writing(self.engine) as connection:
                event = enter_on_paper(
                    connection, CODE, paper, vault=self.vault, new_reference=lambda: new_reference(os.urandom),
                    actor=actor,
                )  # fmt: skip
                shown = desk.Document("паспорт", f"40 {child.account}")
                desk.identify(connection, event.case_ref, shown, at=None, vault=self.vault, actor=actor)
                reason = ClosingReason.STUDENT_NOT_FOUND
                desk.reject(connection, event.case_ref, reason, at=None, actor=actor, vault=self.vault)
            self._told([event])

    def erase(self) -> None:
        """Erase the first child of each family, and give each an act with its number."""
        for child in self.erased:
            with writing(self.engine) as connection:
                found = look(connection, self.vault, CODE, child.key, now=self.now, timezone=MOSCOW)
                assert obstacles(found.standing, Why.WITHDRAWAL) == []
                counts = destroy_student(connection, self.vault, found.held)
            number = self.new_id()
            self.acts[number] = child
            told = [
                Erasure(
                    at=self.now, school=CODE, erasure=number, why="withdrawal", mark=mark, by_digest="0" * 64,
                    counts={name: 1 for name, count in counts.items() if count} if first else None,
                )
                for first, mark in zip([True, *[False] * 99], found.held.marks, strict=False)
            ]  # fmt: skip
            self.log.append(told)
        compact(self.engine)

    def logged(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.entries()]

    def account_ids(self) -> dict[str, str]:
        """Return the account behind each reference, as long as it can be told."""
        with reading(self.engine) as connection:
            return dict(connection.execute(sa.select(CASE.c.account_ref, CASE.c.account_id)).all())

    def truth(self) -> dict[str, set[str]]:
        """Return by which ids the log speaks of each child: asked before the erasure, for the judge alone."""
        with reading(self.engine) as connection:
            told: defaultdict[str, set[str]] = defaultdict(set)
            for row in connection.execute(sa.select(CASE.c.student_key, CASE.c.link_id, CASE.c.account_ref)):
                told[row.student_key] |= {row.link_id, row.account_ref}
            for table, column in ((STUDENT_REF, STUDENT_REF.c.student_ref), (RECORD, RECORD.c.record_id)):
                for row in connection.execute(sa.select(table.c.student_key, column)):
                    told[row[0]].add(row[1])
        return dict(told)


def _row(child: Child) -> dict[str, object]:
    who, day = child.identity, START - timedelta(days=9)
    return dict.fromkeys(COLUMNS, "") | {
        "school": CODE, "student_id": child.key, "account_id": child.account, "student_last_name": who.last_name,
        "student_first_name": who.first_name, "student_middle_name": who.middle_name,
        "student_birth_date": who.birth_date, "parent_last_name": who.last_name, "parent_first_name": "Мирон",
        "parent_middle_name": "Ильич", "email": f"mail-{child.account}@example.org", "relation": "parent",
        "submitted_at": day, "identified_at": day, "identified_by": "Секретарь 1", "document_kind": "паспорт",
        "consent_text_version": "2025-09", "consent_signed_on": day.date(), "registered_at": day,
        "registered_by": "Завуч 2", "in_force_from": date(2026, 9, 1), "records_from": date(2026, 9, 1),
    }  # fmt: skip


@dataclass
class Attacker:
    """Tries to tie any entry of the log to an erased child. `truth` only judges whether a hit is one."""

    world: Families
    truth: Mapping[str, set[str]]

    def finds(self, logged: Logged) -> set[str]:
        """Return the children of whom any entry was found, in any of the ways."""
        of_whom: defaultdict[str, set[str]] = defaultdict(set)  # what stands in entries about whom
        for entry in logged:
            ids = set(_ids(entry))
            for child in self._about(ids):
                for one in ids:
                    of_whom[one].add(child)
        ways = (self._by_guessing, self._through_rows, self._through_others, self._by_counts)
        found: set[str] = set()
        for way in ways:
            found |= way(logged, of_whom)
        return found & {child.key for child in self.world.erased}

    def _about(self, ids: set[str]) -> set[str]:
        return {child for one in ids for child in self._whose.get(one, ())}

    def __post_init__(self) -> None:
        self._whose: defaultdict[str, set[str]] = defaultdict(set)
        for child, ids in self.truth.items():
            for one in ids:
                self._whose[one].add(child)

    def _own_keys(self) -> list[bytes]:
        """Return the installation's keys for every purpose."""
        purposes = ("recorded-by", "looked-account", "account", "staff", "document", "erasure", "student:account")
        return [self.world.vault.derive(one) for one in purposes]

    def _keys_of_living(self) -> Iterator[bytes]:
        """Give the living children's keys and what comes of them."""
        vault = self.world.vault
        with reading(self.world.engine) as connection:
            keys = vault.student_keys(connection, CODE, [child.key for child in self.world.living])
        for own in keys.values():
            yield own.key
            yield from (own.derive(one) for one in ("account", "erasure", ""))

    def _by_guessing(self, _logged: Logged, of_whom: Mapping[str, set[str]]) -> set[str]:
        """Try what is known of each, in clear, hashed, and keyed; the account by the living children's keys too."""
        own, living, found = self._own_keys(), list(self._keys_of_living()), set()
        digests = {bytes.fromhex(one): one for one in of_whom if _DIGEST.fullmatch(one)}
        for child in self.world.erased:
            known = child.identity
            names = f"{known.last_name} {known.first_name}"
            texts = [
                child.account, f"{CODE}:{child.account}", child.key, f"{CODE}:{child.key}", names,
                f"{names} {known.middle_name}", f"{names} {known.birth_date}", f"{known.birth_date}",
                f"{known.last_name}\n{known.first_name}\n{known.birth_date}".lower().replace("ё", "е"),
                f"mail-{child.account}@example.org", f"{child.account}:{child.key}", f"{child.key}:{child.account}",
            ]  # fmt: skip
            for text in texts:
                data = text.encode()
                keys = own + living if child.account in text else own
                plain = (hashlib.new(name, data).hexdigest() for name in ("sha256", "sha1", "md5"))
                keyed = (hmac.digest(key, data, "sha256") for key in keys)
                hits = [text, *plain, *(digests[one] for one in keyed if one in digests)]
                if any(child.key in of_whom.get(one, ()) for one in hits):
                    found.add(child.key)
        return found

    def _through_rows(self, _logged: Logged, of_whom: Mapping[str, set[str]]) -> set[str]:
        """Look for any id of the log in a cell of the database."""
        with reading(self.world.engine) as connection:
            cells = cells_of(connection)
        return {child for cell in cells for child in of_whom.get(cell, ())}

    def _through_others(self, logged: Logged, of_whom: Mapping[str, set[str]]) -> set[str]:
        """Go from an entry about a living child, by any id that says whom it is about, to another's."""
        living = {child.key for child in self.world.living}
        theirs = {one for entry in logged for one in _ids(entry) if self._about(set(_ids(entry))) & living}
        return {child for one in theirs for child in of_whom.get(one, ())}

    def _by_counts(self, logged: Logged, _of_whom: Mapping[str, set[str]]) -> set[str]:
        """Take the number of records that an erasure tells, and look for who alone has so many."""
        records: defaultdict[str, set[str]] = defaultdict(set)
        for entry in logged:
            if entry["kind"] == "disclosure-intended":
                records[str(entry["student"])] |= {one["record"] for one in entry["records"]}  # type: ignore[attr-defined]
        by_number: defaultdict[int, set[str]] = defaultdict(set)
        for reference, sent in records.items():
            by_number[len(sent)].add(reference)
        found = set()
        for entry in logged:
            number = dict(entry.get("counts") or {}).get("records", 0)  # type: ignore[call-overload]
            if entry["kind"] == "erasure" and number > 1 and len(by_number[number]) == 1:
                whose = self.world.acts[str(entry["erasure"])].key
                found |= {whose} & self._about(by_number[number])
        return found


def cells_of(connection: sa.Connection) -> set[str]:
    """Return every value of every table, those inside JSON too."""
    return {
        leaf
        for table in METADATA.sorted_tables
        for row in connection.execute(sa.select(table))
        for cell in row
        for leaf in _leaves(cell)
    }


def _ids(entry: object, name: str = "") -> Iterator[str]:
    """Give the values of an entry's fields that say whom it is about, those of its grounds and records too."""
    if isinstance(entry, dict):
        for field_name, value in entry.items():
            yield from _ids(value, field_name)
    elif isinstance(entry, list):
        for one in entry:
            yield from _ids(one, name)
    elif name in IDS:
        yield str(entry)


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from (str(key), *_leaves(one))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
    elif not isinstance(value, bytes):
        yield str(value)
