"""After a thousand erasures whoever tries all names, birth dates and ids against all that is left finds nobody.

The attacker has every byte of the database's files, the audit log, and even the installation's own keys; tries each
candidate as it is, and each digest of it that is common or that the bridge itself ever made. The same attack finds
every student before the erasures, so it has teeth.
"""

import hashlib
import hmac
import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from fakes.bridge_database import bridge_database
from fakes.postgresql import postgresql
from sqlalchemy.engine import Engine

from audit.entry import DisclosureIntended, Erasure, Ground, LinkIntended, RecordAction
from audit.keys import create_signing_key, load_signing_key
from audit.log import AuditLog, open_log
from audit.verify import verify_log
from consent_registry.acts import Actor, withdraw
from consent_registry.applications import desk
from consent_registry.applications.claims import claim_of, document_digest
from consent_registry.applications.closing import ClosingReason
from consent_registry.applications.receiving import PaperApplication, enter_on_paper
from consent_registry.applications.references import new_reference
from consent_registry.fact_store import case_facts
from consent_registry.register.file import RegisterRow
from consent_registry.register.registration import import_register
from consent_registry.sealed import lookup
from consent_registry.sealed.erasure_rules import Why, obstacles
from consent_registry.sealed.scans import store_scan
from consent_registry.sealed.vault import Vault
from consent_registry.tables import CASE, ERASURE, STUDENT_KEY
from database import METADATA, reading, writing
from delivery.erasing import FROM_LOG, compact, destroy_student, look, replay
from delivery.ledger import student_refs
from delivery.roster import encode_roster
from delivery.tables import LINK_STATE, RECORD, ROSTER_SNAPSHOT
from journal.records import PersonName
from journal.school import Enrolment, RosterEntry, StudentIdentity
from journal.vocabulary import Relation

CODE, ORIGIN = "0252", "school.example/audit"
MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
MANY = 1000
LAST = ("Ёлкин", "Ветлужский", "Соколов", "Тихонравов", "Щукарёв", "Оболенцев", "Кузнечихин", "Переславцев")
FIRST = ("Пётр", "Илья", "Матвей", "Фёдор", "Лукьян", "Тимофей", "Ермолай", "Савелий", "Прохор", "Захар")
MIDDLE = ("Андреевич", "Ильич", "Олегович", "Петрович")
PDF = b"%PDF-1.4\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        with bridge_database(f"sqlite:///{tmp_path}/state/bridge.db") as opened:
            yield opened
        return
    with postgresql() as url, bridge_database(url) as opened:
        yield opened


@dataclass
class Place:
    """A school with consents, all withdrawn and taken back, and the log of what was disclosed."""

    engine: Engine
    vault: Vault
    log: AuditLog
    folder: Path
    students: list[StudentIdentity]

    def attack(self) -> set[str]:
        """Return the students of whom anything is found, in any form."""
        cells, raw = set(_cells(self.engine)), b"".join(_files(self.engine, self.folder))
        logged = [json.loads(line) for line in self.log.entries()]
        cells |= {leaf for entry in logged for leaf in _leaves(entry)}
        windows = {raw[at : at + 8] for at in range(len(raw) - 7)}
        windows |= {raw[at : at + 16] for at in range(len(raw) - 15) if _HEX.fullmatch(raw, at, at + 16)}
        return {
            student.student_key
            for student in self.students
            if any(_is_found(guess, cells, raw, windows) for guess in self.guesses(student))
        }

    def guesses(self, student: StudentIdentity) -> Iterator[tuple[str, bytes]]:
        """Give all that may be tried for one student: in clear, hashed, and with the keys that the bridge still has."""
        born = student.birth_date
        assert born is not None
        names = (student.last_name, student.first_name, student.middle_name or "")
        texts = [
            student.student_key, f"{CODE}:{student.student_key}", f"pa-{student.student_key}",
            " ".join(names), " ".join(names[:2]), f"{' '.join(names)} {born}", f"{' '.join(names)} {born:%d.%m.%Y}",
            f"{names[0]}\n{names[1]}\n{born}".lower().replace("ё", "е"), f"{names[0]};{names[1]};{born}",
            f"mail-{student.student_key}@example.org", f"40 {student.student_key}",
        ]  # fmt: skip
        keys = [self.vault.derive(p) for p in ("recorded-by", "staff", "document", f"content:{CODE}", "erasure")]
        keys += [self.vault.derive(f"lookup:{purpose}") for purpose in lookup.Purpose]
        for text in texts:
            yield text, b""
            data = text.encode()
            for name in ("sha256", "sha1", "md5"):
                yield "", hashlib.new(name, data).digest()
            yield "", hashlib.blake2b(data, digest_size=16).digest()
            for key in keys:
                yield "", hmac.new(key, data, hashlib.sha256).digest()
                yield "", hashlib.blake2b(data, key=key, digest_size=16).digest()
        known_by = (names[0], names[1], born)
        yield "", lookup.digest(self.vault, lookup.Purpose.STUDENT, known_by)
        yield "", lookup.digest(self.vault, lookup.Purpose.EMAIL, f"mail-{student.student_key}@example.org")
        yield "", document_digest(self.vault, f"40 {student.student_key}")


_HEX = re.compile(rb"[0-9a-f]{16}")


def _is_found(guess: tuple[str, bytes], cells: set[str], raw: bytes, windows: set[bytes]) -> bool:
    text, digest = guess
    if text:
        # Short digits stand anywhere among random ones; as the value of a field, or a name, they say something.
        return text in cells or (not text.isascii() and text.encode() in raw)
    return digest[:8] in windows or digest.hex()[:16].encode() in windows


def _cells(engine: Engine) -> Iterator[str]:
    """Give every value of every table, those inside JSON too."""
    with reading(engine) as connection:
        for table in METADATA.sorted_tables:
            for row in connection.execute(sa.select(table)):
                for cell in row:
                    yield from _leaves(cell)


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from (str(key), *_leaves(one))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
    elif not isinstance(value, bytes):
        yield str(value)


def _files(engine: Engine, folder: Path) -> Iterator[bytes]:
    """Give the bytes of the database's files and of the log's; PostgreSQL's own log is recycled in its time."""
    state = folder / "state"
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            ours = connection.scalar(sa.text("SELECT oid FROM pg_database WHERE datname = current_database()"))
        state = Path(str(engine.url.query["host"])) / "data" / "base" / str(ours)
    for path in sorted([*(folder / "audit").rglob("*"), *state.rglob("*")]):
        # Catalogues that PostgreSQL made for the cluster and never changed since say nothing of ours.
        if path.is_file() and path.stat().st_mtime > _STARTED:
            yield path.read_bytes()


_STARTED = datetime.now(UTC).timestamp()


def place_with(engine: Engine, folder: Path, many: int) -> Place:
    chance = random.Random(11)  # noqa: S311  made-up birth dates
    students = [
        StudentIdentity(
            str(100_200 + number),
            LAST[number % len(LAST)] + "ова" * (number // 400),
            FIRST[number // len(LAST) % len(FIRST)],
            MIDDLE[number % len(MIDDLE)],
            date(2010, 1, 1) + timedelta(days=chance.randrange(2500)),
        )
        for number in range(many)
    ]
    key = load_signing_key(create_signing_key(), ORIGIN)
    vault, log = Vault(os.urandom(32), root=os.urandom(32)), open_log(folder / "audit", key, ORIGIN)
    made = Place(engine, vault, log, folder, students)
    ids = (os.urandom(16).hex() for _ in count())
    with writing(engine) as connection:
        import_register(
            connection, [RegisterRow(number, _row(one)) for number, one in enumerate(students, 2)],
            identities=lambda _: students, vault=made.vault, new_id=lambda: next(ids), now=NOW, by="operator",
            timezone=MOSCOW,
        )  # fmt: skip
        _ledger(connection, made, ids)
        actor = Actor("operator", NOW + timedelta(minutes=1), MOSCOW)
        for number, one in enumerate(students):
            if number % 10 == 0:
                _applied(connection, made, one, actor)
            withdraw(connection, CODE, one.student_key, f"pa-{one.student_key}", at=actor.now, actor=actor)
    _disclose(made, ids)
    return made


def _row(one: StudentIdentity) -> dict[str, object]:
    day = datetime(2026, 9, 2, 10, tzinfo=MOSCOW)
    return {
        "school": CODE, "student_id": one.student_key, "account_id": f"pa-{one.student_key}",
        "student_last_name": one.last_name, "student_first_name": one.first_name,
        "student_middle_name": one.middle_name, "student_birth_date": one.birth_date,
        "parent_last_name": one.last_name, "parent_first_name": "Мирон", "parent_middle_name": "Ильич",
        "email": f"mail-{one.student_key}@example.org", "relation": "parent", "submitted_at": day,
        "identified_at": day, "identified_by": "Секретарь 1", "document_kind": "паспорт", "authority_document": "",
        "consent_text_version": "2025-09", "consent_signed_on": day.date(), "registered_at": day,
        "registered_by": "Завуч 2", "in_force_from": day.date(), "in_force_to": None, "records_from": day.date(),
        "records_to": None, "kinds": "", "withdrawn_at": None, "restricted_from": None, "restricted_to": None,
    }  # fmt: skip


def _ledger(connection: sa.Connection, made: Place, ids: Iterator[str]) -> None:
    keys = [one.student_key for one in made.students]
    student_refs(connection, CODE, keys, lambda: next(ids))
    common = {"school": CODE, "kind": "current", "date": date(2026, 9, 9), "revision": 2, "held": False}
    connection.execute(
        RECORD.insert(),
        [
            common | {"record_id": next(ids), "source_key": f"{key}-{n}", "student_key": key, "digest": os.urandom(16)}
            for key in keys
            for n in range(3)
        ],
    )
    links = connection.execute(sa.select(CASE.c.link_id, CASE.c.student_key)).all()
    told = {"school": CODE, "revision": 2, "active": False, "pending": False, "terms_digest": os.urandom(16)}
    connection.execute(LINK_STATE.insert(), [told | {"link_id": link, "student_key": key} for link, key in links])
    entries = {
        one.student_key: RosterEntry(one.student_key, one.birth_date, (Enrolment(date(2025, 9, 1), None, "5А"),))
        for one in made.students
    }
    sealed = made.vault.seal_for(f"roster:{CODE}", encode_roster(entries))
    connection.execute(ROSTER_SNAPSHOT.insert().values(school=CODE, read_at=NOW, sealed=sealed))


def _applied(connection: sa.Connection, made: Place, one: StudentIdentity, actor: Actor) -> None:
    """An application on paper that came to nothing, and a scan of the consent."""
    person = PersonName(one.last_name, one.first_name, one.middle_name)
    assert one.birth_date is not None
    claim = claim_of(person, person, one.birth_date, email=f"mail-{one.student_key}@example.org", student_class="5А")
    paper = PaperApplication(f"pa-{one.student_key}", Relation.PARENT, "2025-09", NOW, claim)
    event = enter_on_paper(
        connection, CODE, paper, vault=made.vault, new_reference=lambda: new_reference(os.urandom), actor=actor
    )
    shown = desk.Document("паспорт", f"40 {one.student_key}")
    desk.identify(connection, event.case_ref, shown, at=None, vault=made.vault, actor=actor)
    desk.reject(connection, event.case_ref, ClosingReason.STUDENT_NOT_FOUND, at=None, actor=actor, vault=made.vault)
    (case,) = case_facts(connection, CODE, [one.student_key])
    content = PDF.replace(b"obj\nendobj", f"obj{one.last_name}\nendobj".encode())
    store_scan(
        connection, made.vault, CODE, one.student_key, case.key.case_id, content,
        new_id=lambda: os.urandom(16).hex(), now=actor.now,
    )  # fmt: skip


def _disclose(made: Place, ids: Iterator[str]) -> None:
    with reading(made.engine) as connection:
        refs = student_refs(connection, CODE, [one.student_key for one in made.students], lambda: "none")
        links = dict(connection.execute(sa.select(CASE.c.student_key, CASE.c.link_id)).all())
        accounts = dict(connection.execute(sa.select(CASE.c.student_key, CASE.c.account_ref)).all())
        records = connection.execute(sa.select(RECORD.c.student_key, RECORD.c.record_id)).all()
    run = next(ids)
    made.log.append(
        [
            DisclosureIntended(
                at=NOW, run=run, school=CODE, batch="5f" * 32, student=refs[key],
                records=tuple(RecordAction(record, 1, "publish") for owner, record in records if owner == key),
                grounds=(Ground(links[key], next(ids), accounts[key]),), request_digest="5f" * 32,
                basis="written-consent", software="dnevnik-bridge/0.1.0",
            )
            for key in links
        ]
        + [
            LinkIntended(at=NOW, run=run, school=CODE, link=link, revision=1, action="end", student=refs[key])
            for key, link in links.items()
        ]
    )  # fmt: skip


def erase_all(made: Place) -> list[Erasure]:
    """Erase every student, one transaction each; returns what the log was told."""
    told: list[Erasure] = []
    for one in made.students:
        with writing(made.engine) as connection:
            found = look(connection, made.vault, CODE, one.student_key, now=NOW + timedelta(hours=1), timezone=MOSCOW)
            assert obstacles(found.standing, Why.WITHDRAWAL) == []
            counts = destroy_student(connection, made.vault, found.held)
        assert counts["cases"] == counts["references"] == counts["links"] == 1
        number = os.urandom(16).hex()
        told += [
            Erasure(at=NOW, school=CODE, erasure=number, why="withdrawal", mark=mark, by_digest="0" * 64)
            for mark in found.held.marks
        ]
    made.log.append(told)
    return told


@pytest.mark.timeout(280)
def test_after_a_thousand_erasures_a_dictionary_finds_nobody(engine: Engine, tmp_path: Path) -> None:
    made = place_with(engine, tmp_path, MANY)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")  # as the server does by itself: its samples must hold nothing either
    assert made.attack() == {one.student_key for one in made.students}
    told = erase_all(made)
    assert len(told) == MANY + MANY // 10
    compact(engine)
    assert made.attack() == set()
    verdict = verify_log(tmp_path / "audit", None)
    assert verdict.ok
    assert verdict.size == 2 * MANY + len(told)


def test_what_is_erased_again_from_a_backup_is_what_the_log_names(engine: Engine, tmp_path: Path) -> None:
    """One of five is erased in the log alone, as if this database were older: that one goes, the others stay."""
    made = place_with(engine, tmp_path, 5)
    with reading(engine) as connection:
        found = look(connection, made.vault, CODE, "100202", now=NOW + timedelta(hours=1), timezone=MOSCOW)
    mark = found.held.marks[0]
    told = Erasure(at=NOW, school=CODE, erasure="e-1", why="order", mark=mark, by_digest="0" * 64, counts={"cases": 1})
    made.log.append([told, replace(told, mark="00" * 32, counts=None)])  # one that had two keys
    begun = made.log.checkpoint().size - 2
    assert replay(engine, made.vault, made.log, ORIGIN) == 1
    assert made.attack() == {one.student_key for one in made.students} - {"100202"}
    assert replay(engine, made.vault, made.log, ORIGIN) == 0
    # Its papers have to be kept, so the list has it again, once, with what the log tells of it.
    with reading(engine) as connection:
        (row,) = connection.execute(sa.select(ERASURE)).all()
    assert (row.erasure_id, row.school, row.why, row.state) == ("e-1", CODE, "order", FROM_LOG)
    assert (row.destroyed_at, row.log_size, row.counts) == (NOW, begun, {"cases": 1})
    assert (row.student_key, row.sealed, row.marks) == (None, None, [])


def test_an_erasure_that_the_list_has_is_left_as_it_is(engine: Engine, tmp_path: Path) -> None:
    made = place_with(engine, tmp_path, 2)
    kept = {
        "erasure_id": "e-1", "school": CODE, "student_key": "100201", "why": "term", "state": "begun", "begun_at": NOW,
        "log_size": 0, "marks": ["ab" * 32], "counts": {}, "sealed": b"x",
    }  # fmt: skip
    with writing(engine) as connection:
        connection.execute(ERASURE.insert().values(**kept))
    told = Erasure(at=NOW, school=CODE, erasure="e-1", why="term", mark="ab" * 32, by_digest="0" * 64)
    made.log.append([told, replace(told, erasure="e-2")])
    assert replay(engine, made.vault, made.log, ORIGIN) == 0
    with reading(engine) as connection:
        rows = {row.erasure_id: (row.state, row.student_key) for row in connection.execute(sa.select(ERASURE))}
    assert rows == {"e-1": ("begun", "100201"), "e-2": (FROM_LOG, None)}


def test_a_fact_goes_only_with_its_owner(engine: Engine, tmp_path: Path) -> None:
    place_with(engine, tmp_path, 2)
    for table in ("registry_fact", "application_step"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), writing(engine) as connection:
            connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608  own names


def test_nothing_of_changed_rows_stays_in_the_file(tmp_path: Path) -> None:
    """A value that was replaced while nobody asked for zeros stands on its page until the file is rewritten."""
    marker = b"canary-of-a-changed-row-0123456789"
    with bridge_database(f"sqlite:///{tmp_path}/state/bridge.db") as engine:
        values = {"school": CODE, "student_key": "1", "wrapped_key": marker * 3, "master": None}
        with writing(engine) as connection:
            connection.exec_driver_sql("PRAGMA secure_delete=OFF")
            connection.execute(STUDENT_KEY.insert(), [values | {"student_key": str(n)} for n in range(50)])
        with writing(engine) as connection:
            connection.exec_driver_sql("PRAGMA secure_delete=OFF")
            connection.execute(STUDENT_KEY.update().values(wrapped_key=b"x"))
        files = [path for path in (tmp_path / "state").iterdir() if path.is_file()]
        assert any(marker in path.read_bytes() for path in files)
        compact(engine)
        assert not any(marker in path.read_bytes() for path in (tmp_path / "state").iterdir())
