"""Verification: one changed byte anywhere is found, and it is said where."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.cosigning import cosign, cosigner_key, with_lines
from audit.entry import Entry, KeyEvent, RunStarted, canonical
from audit.errors import AuditDamagedError
from audit.folder_store import FolderStore
from audit.keys import SigningKey, create_signing_key, load_signing_key
from audit.log import open_log
from audit.note import Checkpoint
from audit.store import COSIGNED
from audit.tiles import join_entries
from audit.tree import leaf_hash, root_hash
from audit.verify import LONGEST_REPORT, Verdict, verify_log

ORIGIN = "school.example/audit"
Intents = Callable[[int], list[Entry]]


@pytest.fixture
def folder(tmp_path: Path, key: SigningKey, started: RunStarted) -> Path:
    """A log of 5 short entries, with the partial tiles of its three appends."""
    log = open_log(tmp_path / "log", key, ORIGIN)
    for count in (1, 2, 2):
        log.append([started] * count)
    return tmp_path / "log"


@pytest.fixture
def long_folder(tmp_path: Path, key: SigningKey, intents: Intents) -> Path:
    """A log of 600 entries: two full tiles, one partial, a second level."""
    log = open_log(tmp_path / "long", key, ORIGIN)
    log.append(intents(400))
    log.append(intents(200))
    return tmp_path / "long"


def stored(folder: Path) -> list[str]:
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if path != ".lock")


def english(verdict: Verdict) -> str:
    return "\n".join(problem.en for problem in verdict.problems)


def test_an_untouched_log_is_whole(folder: Path, long_folder: Path, key: SigningKey) -> None:
    for log, size in ((folder, 5), (long_folder, 600)):
        verdict = verify_log(log, key.verifier)
        assert verdict == Verdict(
            ok=True,
            size=size,
            root=verdict.root,
            problems=(),
            key_known=True,
            origin=ORIGIN,
            unpublished=(),
        )
        without_key = verify_log(str(log), None)
        assert without_key.ok
        assert not without_key.key_known


def test_every_changed_byte_is_found_and_its_file_is_named(folder: Path, key: SigningKey) -> None:
    for path in stored(folder):
        content = (folder / path).read_bytes()
        for at in range(len(content)):
            changed = bytearray(content)
            changed[at] ^= 1 << (at % 8)
            (folder / path).write_bytes(changed)
            verdict = verify_log(folder, key.verifier)
            assert not verdict.ok, (path, at)
            assert any(path in problem.en and path in problem.ru for problem in verdict.problems), (path, at)
        (folder / path).write_bytes(content)
    assert verify_log(folder, key.verifier).ok


def test_without_the_key_every_changed_byte_but_the_signatures_is_found(folder: Path) -> None:
    signature = (folder / "checkpoint").read_bytes().index("—".encode())
    for path in stored(folder):
        content = (folder / path).read_bytes()
        for at in range(signature if path == "checkpoint" else len(content)):
            if path == "checkpoint" and content[:at].count(b"\n") == 0:
                continue  # the origin is a name: only the signature speaks for it
            changed = bytearray(content)
            changed[at] ^= 1 << (at % 8)
            (folder / path).write_bytes(changed)
            assert not verify_log(folder, None).ok, (path, at)
        (folder / path).write_bytes(content)


@pytest.mark.parametrize("change", ["remove", "cut", "extend", "another entry", "empty"])
def test_a_file_that_is_gone_or_of_another_length_is_found(long_folder: Path, key: SigningKey, change: str) -> None:
    for path in stored(long_folder):
        if path in {"tile/entries/001.p/144", "tile/0/001.p/144", "tile/1/000.p/1"} and change == "remove":
            continue  # a partial tile that has grown since may be removed
        content = (long_folder / path).read_bytes()
        if change == "remove":
            (long_folder / path).unlink()
        else:
            changed = {
                "cut": content[:-1],
                "extend": content + b"\x00",
                "another entry": content + b"\x00\x00",
                "empty": b"",
            }[change]
            (long_folder / path).write_bytes(changed)
        verdict = verify_log(long_folder, key.verifier)
        assert not verdict.ok, path
        assert path in english(verdict)
        (long_folder / path).write_bytes(content)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("tile/entries/000", r"tile/entries/000: entries 3 \(from zero\)"),
        ("tile/entries/002.p/88", r"tile/entries/002.p/88: entries 515 \(from zero\)"),
        ("tile/0/000", "The file tile/0/000 was changed: its hashes 3 "),
        ("tile/0/002.p/88", "The file tile/0/002.p/88 was changed: its hashes 515 "),
        ("tile/1/000.p/2", "The file tile/1/000.p/2 was changed: its hashes 1 "),
    ],
)
def test_the_damaged_one_of_two_differing_files_is_named(
    long_folder: Path, key: SigningKey, path: str, said: str
) -> None:
    content = bytearray((long_folder / path).read_bytes())
    content[_inside_the_fourth(path, content)] ^= 1
    (long_folder / path).write_bytes(content)
    verdict = verify_log(long_folder, key.verifier)
    assert len(verdict.problems) == (2 if "entries" in path else 1)
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(english(verdict))


def _inside_the_fourth(path: str, content: bytearray) -> int:
    """Where the entry or hash number 3 of a file stands (number 1 of a short one)."""
    if "/entries/" not in path:
        return 3 * 32 + 5 if len(content) > 3 * 32 else 32 + 5
    at = 0
    for _ in range(3):
        at += 2 + int.from_bytes(content[at : at + 2], "big")
    return at + 40


def test_entries_and_their_hashes_changed_together_are_found_above(long_folder: Path, key: SigningKey) -> None:
    """Whoever rewrites an entry and its leaf must rewrite the tile above, then the root, then the signature."""
    bundle = long_folder / "tile/entries/000"
    content = bundle.read_bytes().replace(b'"basis":"consent"', b'"basis":"another"', 1)
    bundle.write_bytes(content)
    tile = long_folder / "tile/0/000"
    length = int.from_bytes(content[:2], "big")
    tile.write_bytes(leaf_hash(content[2 : 2 + length]) + tile.read_bytes()[32:])
    verdict = verify_log(long_folder, key.verifier)
    assert "The file tile/1/000.p/2: its hashes 0 aren't those of the files below." in english(verdict)
    assert "The entries give another root than the one signed" in english(verdict)


def test_a_log_signed_by_another_key_or_for_another_origin_is_refused(
    folder: Path, key: SigningKey, started: RunStarted, tmp_path: Path
) -> None:
    other = load_signing_key(create_signing_key(), ORIGIN)
    verdict = verify_log(folder, other.verifier)
    assert not verdict.ok
    assert not verdict.key_known
    assert "no true signature" in english(verdict)
    elsewhere = load_signing_key(create_signing_key(), "another.example/audit")
    open_log(tmp_path / "elsewhere", elsewhere, "another.example/audit").append([started])
    assert "another log's" in english(verify_log(tmp_path / "elsewhere", key.verifier))


def test_a_log_rewritten_by_its_own_key_is_found_by_an_earlier_checkpoint(
    folder: Path, key: SigningKey, intents: Intents, tmp_path: Path
) -> None:
    log = open_log(folder, key, ORIGIN)
    earlier = [log.checkpoint(), log.append(intents(2))]
    forged = open_log(tmp_path / "forged", key, ORIGIN)
    forged.append(intents(10))
    verdict = verify_log(tmp_path / "forged", key.verifier, earlier=earlier)
    assert english(verify_log(tmp_path / "forged", key.verifier)) == ""
    assert "its first 5 entries aren't" in english(verdict)
    assert "its first 7 entries aren't" in english(verdict)
    short = open_log(tmp_path / "short", key, ORIGIN)
    short.append(intents(1))
    assert "The log was cut: an earlier checkpoint speaks of 7 entries, now there are 1." in english(
        verify_log(tmp_path / "short", key.verifier, earlier=earlier)
    )
    empty = Checkpoint(ORIGIN, 0, b"\x00" * 32, b"")
    assert "its first 0 entries" in english(verify_log(folder, key.verifier, earlier=[empty]))


@pytest.mark.parametrize(
    "line",
    [b'{"kind":"mark","v":1,"value":"5"}', b'{"v":1, "kind":"run-started"}', "Ёлкина".encode(), b""],
)
def test_a_signed_line_that_is_no_entry_is_found(tmp_path: Path, key: SigningKey, line: bytes) -> None:
    open_log(tmp_path, key, ORIGIN)
    store = FolderStore(tmp_path)
    leaf = leaf_hash(line)
    with store.writing() as writer:
        writer.write({"tile/entries/000.p/1": join_entries([line]), "tile/0/000.p/1": leaf})
        writer.publish(Checkpoint.sign(ORIGIN, 1, root_hash([leaf]), key).note, 1)
    (problem,) = verify_log(tmp_path, key.verifier).problems
    assert problem.en.startswith("Entry 0 (tile/entries/000.p/1): This is no audit entry")


def test_strangers_are_named_and_an_unpublished_end_is_no_damage(folder: Path, key: SigningKey) -> None:
    for path in ("tile/0/003", "tile/0/000.p/9", "tile/entries/000", "tile/7/000.p/1"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"left by an append that did not end")
    verdict = verify_log(folder, key.verifier)
    assert verdict.ok
    assert sorted(verdict.unpublished) == ["tile/0/000.p/9", "tile/0/003", "tile/7/000.p/1", "tile/entries/000"]
    for path in ("note.txt", "tile/0/readme", "tile/0/000.p/3.bak"):
        (folder / path).write_bytes(b"")
    verdict = verify_log(folder, key.verifier)
    assert {problem.en for problem in verdict.problems} == {
        f"The file {path} is no part of a log." for path in ("note.txt", "tile/0/readme", "tile/0/000.p/3.bak")
    }


def test_what_witnesses_cosigned_is_verified_where_it_is_kept_beside_the_log(
    folder: Path, key: SigningKey, intents: Intents
) -> None:
    witness = load_signing_key(create_signing_key(), "witness.example/w")
    known = [cosigner_key(witness)]
    log = open_log(folder, key, ORIGIN)
    note = log.checkpoint().note
    log.append(intents(3))
    beside = folder / COSIGNED
    beside.write_bytes(with_lines(note, [cosign(note, witness, 1_800_000_000)]))
    verdict = verify_log(folder, key.verifier, witnesses=known)
    assert (verdict.problems, verdict.size) == ((), 8)
    assert (verdict.witnesses, verdict.witnessed) == (("witness.example/w",), 5)
    assert (verify_log(folder, key.verifier).witnesses, verify_log(folder, None).ok) == ((), True)
    content = beside.read_bytes()
    for at in range(len(content)):
        beside.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        changed = verify_log(folder, key.verifier, witnesses=known)
        assert not changed.ok or changed.witnesses == (), at
    forged = Checkpoint.sign(ORIGIN, 5, b"\x01" * 32, key).note
    beside.write_bytes(with_lines(forged, [cosign(forged, witness, 1_800_000_000)]))
    assert "its first 5 entries aren't an earlier" in english(verify_log(folder, key.verifier, witnesses=known))


def test_a_bundle_and_its_tile_both_gone_are_said_once_each(long_folder: Path, key: SigningKey) -> None:
    (long_folder / "tile/entries/001").unlink()
    (long_folder / "tile/0/001").unlink()
    verdict = verify_log(long_folder, key.verifier)
    assert [problem.en for problem in verdict.problems[:2]] == [
        "The file tile/0/001 is missing.",
        "The file tile/entries/001 is missing.",
    ]
    assert "another root" not in english(verdict)


def test_the_report_ends_somewhere(tmp_path: Path, key: SigningKey, started: RunStarted) -> None:
    open_log(tmp_path, key, ORIGIN).append([started] * 600)
    endless = Checkpoint.sign(ORIGIN, 10**15, root_hash([]), key)
    (tmp_path / "checkpoint").write_bytes(endless.note)
    verdict = verify_log(tmp_path, key.verifier)
    assert not verdict.ok
    assert len(verdict.problems) == LONGEST_REPORT + 1
    assert "the verification stopped" in verdict.problems[-1].en


def test_no_log_is_no_verdict_of_wholeness(tmp_path: Path, key: SigningKey) -> None:
    assert not verify_log(tmp_path / "nothing", key.verifier).ok
    assert not verify_log(f"sqlite:///{tmp_path / 'nothing.db'}", key.verifier).ok
    assert not (tmp_path / "nothing").exists()
    assert not (tmp_path / "nothing.db").exists()
    (tmp_path / "file").write_text("x")
    assert not verify_log(tmp_path / "file", key.verifier).ok
    (tmp_path / "checkpoint").mkdir()
    assert "Is a directory" in english(verify_log(tmp_path, key.verifier))


def test_progress_is_told_up_to_the_last_entry(long_folder: Path, key: SigningKey) -> None:
    told: list[tuple[int, int]] = []
    verify_log(long_folder, key.verifier, progress=lambda done, of: told.append((done, of)))
    assert told == [(256, 600), (512, 600), (600, 600)]


def test_verification_loads_nothing_heavy_and_writes_nothing(long_folder: Path, key: SigningKey) -> None:
    program = (
        "import json, sys\n"
        "from audit.note import VerifierKey\n"
        "from audit.verify import verify_log\n"
        "verdict = verify_log(sys.argv[1], VerifierKey.parse(sys.argv[2]))\n"
        "print(json.dumps([verdict.ok, verdict.size, sorted({name.partition('.')[0] for name in sys.modules})]))\n"
    )
    before = {path: path.stat().st_mtime_ns for path in (long_folder, *long_folder.rglob("*"))}
    done = subprocess.run(
        [sys.executable, "-c", program, str(long_folder), key.verifier.vkey],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    ok, size, modules = json.loads(done.stdout)
    assert (ok, size) == (True, 600)
    assert not {"sqlalchemy", "prefect", "pandas", "lxml", "zeep", "journal", "database"} & set(modules)
    assert {path: path.stat().st_mtime_ns for path in (long_folder, *long_folder.rglob("*"))} == before


class TestDatabase:
    """The same promises where the log is rows."""

    @pytest.fixture
    def file(self, tmp_path: Path, key: SigningKey, intents: Intents) -> Path:
        file = tmp_path / "audit.db"
        log = open_log(f"sqlite:///{file}", key, ORIGIN)
        for count in (1, 2, 300):
            log.append(intents(count))
        log.close()
        return file

    @staticmethod
    def change(file: Path, statement: str) -> None:
        connection = sqlite3.connect(file)
        assert connection.execute(statement).rowcount > 0
        connection.commit()
        connection.close()

    def test_whole(self, file: Path, key: SigningKey) -> None:
        content = file.read_bytes()
        verdict = verify_log(f"sqlite:///{file}", key.verifier)
        assert (verdict.ok, verdict.size, verdict.key_known) == (True, 303, True)
        assert file.read_bytes() == content

    @pytest.mark.parametrize(
        ("statement", "said"),
        [
            ("DELETE FROM audit_resource WHERE path = 'tile/0/000'", "The file tile/0/000 is missing"),
            ("DELETE FROM audit_resource WHERE path = 'tile/entries/001.p/47'", "tile/entries/001.p/47 is missing"),
            ("UPDATE audit_resource SET content = CAST(content || x'00' AS BLOB)", "tile/0/000 has a wrong length"),
            ("UPDATE audit_resource SET path = 'x' WHERE path = 'tile/1/000.p/1'", "x is no part of a log"),
            ("DELETE FROM audit_checkpoint WHERE size = 303", "stands beyond the last checkpoint"),
            ("DELETE FROM audit_checkpoint", "There is no audit log here"),
            (
                "UPDATE audit_checkpoint SET note = x'00' WHERE size = 1",
                "holds under the size 1 what isn't its checkpoint",
            ),
            ("UPDATE audit_checkpoint SET note = 'text' WHERE size = 1", "under the size 1 what isn't its checkpoint"),
            ("UPDATE audit_checkpoint SET size = 2 WHERE size = 1", "under the size 2 what isn't its checkpoint"),
            (
                "UPDATE audit_checkpoint SET note = CAST(note || x'00' AS BLOB) WHERE size = 1",
                "an earlier checkpoint: This is no ",
            ),
            ("UPDATE audit_resource SET content = 'text' WHERE path = 'tile/0/000'", "holds no bytes as tile/0/000"),
            ("UPDATE audit_checkpoint SET size = 999 WHERE size = 3", "under the size 999 what isn't its checkpoint"),
        ],
    )
    def test_damage(self, file: Path, key: SigningKey, statement: str, said: str) -> None:
        self.change(file, statement)
        assert said in english(verify_log(f"sqlite:///{file}", key.verifier))

    def test_deleted_old_checkpoints_hide_nothing_and_it_says_how_many_it_found(
        self, file: Path, key: SigningKey
    ) -> None:
        url = f"sqlite:///{file}"
        whole = verify_log(url, key.verifier)
        elsewhere = Checkpoint.parse(self.note(file, 3))
        self.change(file, "DELETE FROM audit_checkpoint WHERE size < 303")
        left = verify_log(url, key.verifier, earlier=[elsewhere])
        assert (whole.kept, whole.compared, left.kept, left.compared) == (3, 3, 0, 1)
        assert (left.ok, left.root) == (True, whole.root)
        # What an old one would have told, the newest tells as well.
        self.change(
            file, "UPDATE audit_resource SET content = zeroblob(length(content)) WHERE path = 'tile/entries/000'"
        )
        assert not verify_log(url, key.verifier).ok

    def note(self, file: Path, size: int) -> bytes:
        connection = sqlite3.connect(file)
        (note,) = connection.execute("SELECT note FROM audit_checkpoint WHERE size = ?", (size,)).fetchone()
        connection.close()
        return bytes(note)

    @pytest.mark.parametrize("size", [3, 303])
    def test_a_checkpoint_that_its_key_signed_twice(self, file: Path, key: SigningKey, size: int) -> None:
        note = self.note(file, size)
        doubled = (note + note.splitlines(keepends=True)[-1]).hex()
        self.change(file, f"UPDATE audit_checkpoint SET note = x'{doubled}' WHERE size = {size}")  # noqa: S608  as above
        assert "This is no signed note" in english(verify_log(f"sqlite:///{file}", key.verifier))
        if size == 303:
            with pytest.raises(AuditDamagedError):
                open_log(f"sqlite:///{file}", key, ORIGIN)

    def test_an_earlier_checkpoint_that_does_not_fit(self, file: Path, key: SigningKey) -> None:
        other = Checkpoint.sign(ORIGIN, 3, b"\x01" * 32, key).note.hex()
        self.change(file, f"UPDATE audit_checkpoint SET note = x'{other}' WHERE size = 3")  # noqa: S608  a test's own note
        assert "its first 3 entries aren't" in english(verify_log(f"sqlite:///{file}", key.verifier))

    def test_an_earlier_checkpoint_that_another_key_signed(self, file: Path, key: SigningKey) -> None:
        url = f"sqlite:///{file}"
        log = open_log(url, key, ORIGIN)
        (root,) = {log.checkpoint().root}
        log.close()
        connection = sqlite3.connect(file)
        (note,) = connection.execute("SELECT note FROM audit_checkpoint WHERE size = 3").fetchone()
        connection.close()
        former = load_signing_key(create_signing_key(), ORIGIN)
        same = Checkpoint.parse(note)
        resigned = Checkpoint.sign(ORIGIN, 3, same.root, former).note.hex()
        self.change(file, f"UPDATE audit_checkpoint SET note = x'{resigned}' WHERE size = 3")  # noqa: S608  a test's own note
        said = "an earlier checkpoint (entries: 3): no true signature by the log's key"
        assert said in english(verify_log(url, key.verifier))
        verdict = verify_log(url, key.verifier, former_keys=[former.verifier])
        assert (verdict.problems, verdict.root) == ((), root)
        log = open_log(url, key, ORIGIN)
        at = datetime(2026, 12, 1, tzinfo=UTC)
        log.append([KeyEvent(at=at, event="revoked", purpose="signing", key=former.verifier.key_id.hex())])
        log.close()
        assert verify_log(url, key.verifier).problems == (), "a key that was revoked, as the log says"

    def test_rows_and_files_hold_the_same_log(
        self, file: Path, key: SigningKey, intents: Intents, tmp_path: Path
    ) -> None:
        """The table's paths are the folder's; the last bundle's rows are pieces, which stand one after the other."""
        log = open_log(f"sqlite:///{file}", key, ORIGIN)
        log.append(intents(4))
        log.close()
        connection = sqlite3.connect(file)
        rows = dict(connection.execute("SELECT path, content FROM audit_resource").fetchall())
        (note,) = connection.execute("SELECT note FROM audit_checkpoint ORDER BY size DESC").fetchone()
        connection.close()
        pieces = sorted(path for path in rows if path.startswith("tile/entries/001.p/"))
        assert pieces == ["tile/entries/001.p/47", "tile/entries/001.p/51"]
        rows[pieces[1]] = rows[pieces[0]] + rows[pieces[1]]
        for path, content in [*rows.items(), ("checkpoint", note)]:
            (tmp_path / "copy" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "copy" / path).write_bytes(content)
        verdict = verify_log(tmp_path / "copy", key.verifier)
        assert (verdict.problems, verdict.size) == ((), 307)


def test_a_copy_verifies_like_the_log(long_folder: Path, tmp_path: Path, key: SigningKey, intents: Intents) -> None:
    shutil.copytree(long_folder, tmp_path / "copy")
    assert verify_log(tmp_path / "copy", key.verifier).ok
    more = open_log(tmp_path / "copy", key, ORIGIN)
    assert more.append(intents(1)).size == 601
    assert canonical(intents(1)[0]) not in list(more.entries())
