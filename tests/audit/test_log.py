"""The log as its owner uses it, in a folder and in a database."""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.entry import DisclosureIntended, Entry, RunEnded, RunStarted, canonical, parse
from audit.errors import AuditDamagedError, AuditUnavailableError, EntryError
from audit.folder_store import FolderStore
from audit.keys import SigningKey, create_signing_key, load_signing_key
from audit.log import AuditLog, open_log
from audit.tree import EMPTY_ROOT, leaf_hash, root_hash
from audit.verify import verify_log

ORIGIN = "school.example/audit"
Intents = Callable[[int], list[Entry]]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_a_new_log_is_empty_and_says_so(log: AuditLog, location: str, key: SigningKey) -> None:
    checkpoint = log.checkpoint()
    assert (checkpoint.size, checkpoint.root) == (0, EMPTY_ROOT)
    assert list(log.entries()) == []
    verdict = verify_log(location, key.verifier)
    assert verdict.ok
    assert verdict.key_known


def test_what_is_appended_can_be_read_and_is_covered(log: AuditLog, intents: Intents) -> None:
    first, second = intents(3), intents(2)
    log.append(first)
    checkpoint = log.append(second)
    lines = [canonical(entry) for entry in first + second]
    assert list(log.entries()) == lines
    assert (checkpoint.size, checkpoint.root) == (5, root_hash(map(leaf_hash, lines)))
    assert log.checkpoint() == checkpoint
    assert [parse(line) for line in log.entries(1, 4)] == (first + second)[1:4]
    assert list(log.entries(4)) == lines[4:]
    assert list(log.entries(5)) == list(log.entries(2, 2)) == list(log.entries(9, 12)) == []


def test_entries_of_several_bundles_are_read_in_order(log: AuditLog, intents: Intents) -> None:
    lines = [canonical(entry) for entry in intents(600)]
    log.append([parse(line) for line in lines])
    for start, end in [(0, 600), (250, 260), (255, 257), (256, 512), (511, 513), (599, 600)]:
        assert list(log.entries(start, end)) == lines[start:end]


def test_to_append_nothing_changes_nothing(log: AuditLog, intents: Intents) -> None:
    before = log.append(intents(1))
    assert log.append([]) == before == log.checkpoint()


def test_another_opening_sees_and_continues_the_same_log(
    log: AuditLog, location: str, key: SigningKey, intents: Intents
) -> None:
    before = log.append(intents(3))
    again = open_log(location, key, ORIGIN)
    assert again.checkpoint() == before
    after = again.append(intents(300))
    again.close()
    assert log.checkpoint() == after
    assert log.append(intents(1)).size == 304
    assert verify_log(location, key.verifier).ok


@pytest.mark.parametrize("in_database", [False, True], ids=["folder", "sqlite"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sizes=st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_any_sequence_of_appends_gives_the_tree_of_all_entries(
    tmp_path_factory: pytest.TempPathFactory, key: SigningKey, intents: Intents, sizes: list[int], *, in_database: bool
) -> None:
    folder = tmp_path_factory.mktemp("log")
    place = f"sqlite:///{folder}/log.db" if in_database else folder
    log = open_log(place, key, ORIGIN)
    entries: list[Entry] = []
    checkpoints = [log.checkpoint()]
    for size in sizes:
        entries += (more := intents(size))
        checkpoints.append(log.append(more))
        assert checkpoints[-1].root == root_hash(leaf_hash(canonical(entry)) for entry in entries)
    assert [parse(line) for line in log.entries()] == entries
    assert all(log.continues(checkpoint.size, checkpoint.root) for checkpoint in checkpoints)
    assert not any(log.continues(a.size, b.root) for a, b in pairwise(checkpoints))
    log.close()
    verdict = verify_log(place, key.verifier, earlier=checkpoints)
    assert (verdict.problems, verdict.unpublished, verdict.size) == ((), (), sum(sizes))


def test_a_log_with_three_levels_of_tiles(tmp_path: Path, key: SigningKey, started: RunStarted) -> None:
    log = open_log(tmp_path, key, ORIGIN)
    before = log.append([started] * 65_500)
    after = log.append([started] * 400)
    assert (tmp_path / "tile/2/000.p/1").is_file()
    assert log.continues(before.size, before.root)
    assert after.root == root_hash([leaf_hash(canonical(started))] * 65_900)
    assert log.append([started]).size == 65_901
    assert verify_log(tmp_path, key.verifier, earlier=[before, after]).problems == ()


def test_a_long_entry_is_divided(log: AuditLog, make_intent: Callable[..., DisclosureIntended]) -> None:
    entry = make_intent(1, records=1400)
    assert log.append([entry]).size == 2
    parts = [parse(line) for line in log.entries()]
    assert [part.records for part in parts if isinstance(part, DisclosureIntended)] == [
        entry.records[:700],
        entry.records[700:],
    ]


def test_an_append_that_is_refused_leaves_the_log(log: AuditLog, intents: Intents, started: RunStarted) -> None:
    before = log.append(intents(1))
    endless = RunEnded(at=started.at, run="r", school="1", balance={f"w{number}": 1 for number in range(9999)})
    with pytest.raises(EntryError):
        log.append([*intents(1), endless])
    with pytest.raises(ValueError, match="65536"):
        log.append([started] * 65_537)
    assert log.checkpoint() == before


def test_continues_tells_a_cut_and_a_forked_log(
    log: AuditLog, key: SigningKey, intents: Intents, tmp_path: Path
) -> None:
    common = intents(5)
    old = log.append(common)
    assert log.continues(old.size, old.root)
    assert log.continues(0, EMPTY_ROOT)
    assert not log.continues(0, old.root)
    assert not log.continues(old.size + 1, old.root)
    assert not log.continues(old.size - 1, old.root)
    assert not log.continues(-1, old.root)
    fork = open_log(tmp_path / "fork", key, ORIGIN)
    assert fork.append(common).root == old.root
    mine, theirs = log.append(intents(3)), fork.append(intents(3))
    assert log.continues(old.size, old.root)
    assert fork.continues(old.size, old.root)
    assert not log.continues(theirs.size, theirs.root)
    assert not fork.continues(mine.size, mine.root)


def test_a_log_put_back_from_an_older_copy_does_not_continue(tmp_path: Path, key: SigningKey, intents: Intents) -> None:
    folder, copy = tmp_path / "log", tmp_path / "copy"
    log = open_log(folder, key, ORIGIN)
    log.append(intents(10))
    shutil.copytree(folder, copy)
    newest = log.append(intents(10))
    shutil.rmtree(folder)
    copy.rename(folder)
    put_back = open_log(folder, key, ORIGIN)
    assert not put_back.continues(newest.size, newest.root)
    put_back.append(intents(30))
    assert not put_back.continues(newest.size, newest.root)
    assert verify_log(folder, key.verifier).ok
    assert [problem.en for problem in verify_log(folder, key.verifier, earlier=[newest]).problems] == [
        "The log was rewritten: its first 20 entries aren't an earlier checkpoint's."
    ]


def test_the_key_must_be_the_logs(log: AuditLog, location: str, key: SigningKey, intents: Intents) -> None:
    log.append(intents(1))
    successor = load_signing_key(create_signing_key(), ORIGIN)
    with pytest.raises(AuditDamagedError, match="isn't signed with this log's key"):
        open_log(location, successor, ORIGIN)
    with pytest.raises(ValueError, match="under that name"):
        open_log(location, key, "another.example/audit")
    stranger = load_signing_key(create_signing_key(), "another.example/audit")
    with pytest.raises(AuditDamagedError, match="another log's"):
        open_log(location, stranger, "another.example/audit")
    renewed = open_log(location, successor, ORIGIN, former_keys=[key.verifier])
    assert renewed.append(intents(1)).signed_by([successor.verifier]) == successor.verifier
    renewed.close()
    assert verify_log(location, successor.verifier, former_keys=[key.verifier]).ok
    with pytest.raises(AuditDamagedError):
        log.append(intents(1))


def test_a_log_that_lost_its_checkpoint_is_not_begun_anew(tmp_path: Path, key: SigningKey, intents: Intents) -> None:
    log = open_log(tmp_path, key, ORIGIN)
    log.append(intents(3))
    (tmp_path / "checkpoint").unlink()
    before = files(tmp_path)
    for refused in (lambda: log.append(intents(1)), log.checkpoint, lambda: open_log(tmp_path, key, ORIGIN)):
        with pytest.raises(AuditDamagedError, match="There is none"):
            refused()
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "path", ["checkpoint", "tile/entries/001.p/4", "tile/0/001.p/4", "tile/1/000.p/1"], ids=lambda path: path
)
@pytest.mark.parametrize("change", ["flip", "cut", "remove", "extend"])
def test_nothing_is_appended_to_a_damaged_edge(
    tmp_path: Path, key: SigningKey, intents: Intents, path: str, change: str
) -> None:
    log = open_log(tmp_path, key, ORIGIN)
    log.append(intents(260))
    content = (tmp_path / path).read_bytes()
    if change == "remove":
        (tmp_path / path).unlink()
    else:
        changed = {"flip": content[:-5] + bytes([content[-5] ^ 1]) + content[-4:], "cut": content[:-1]}
        (tmp_path / path).write_bytes(changed.get(change, content + b"x"))
    before = files(tmp_path)
    with pytest.raises(AuditDamagedError):
        log.append(intents(1))
    with pytest.raises(AuditDamagedError):
        open_log(tmp_path, key, ORIGIN)
    assert files(tmp_path) == before


def test_partial_tiles_go_when_the_full_one_is_there(tmp_path: Path, key: SigningKey, intents: Intents) -> None:
    log = open_log(tmp_path, key, ORIGIN)
    for size in (100, 100, 55):
        log.append(intents(size))
    assert {path for path in files(tmp_path) if "000.p/" in path and "/entries/" in path} == {
        "tile/entries/000.p/100",
        "tile/entries/000.p/200",
        "tile/entries/000.p/255",
    }
    log.append(intents(1))
    full = {".lock", "checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000"}
    assert set(files(tmp_path)) == full
    log.append(intents(1))
    assert set(files(tmp_path)) == full | {"tile/0/001.p/1", "tile/entries/001.p/1"}


def test_a_folder_that_goes_while_the_log_is_walked_through_is_passed_over(
    tmp_path: Path, key: SigningKey, intents: Intents
) -> None:
    log = open_log(tmp_path, key, ORIGIN)
    log.append(intents(257))
    walk = FolderStore(tmp_path).paths()
    seen: list[str] = []
    while "tile/0/000" not in seen:  # then the folder tile/0/001.p is known, and not yet looked into
        seen.append(next(walk))
    log.append(intents(255))
    assert {"checkpoint", "tile/0/000", "tile/entries/000"} <= {*seen, *walk}


def test_what_lies_beyond_the_checkpoint_goes_and_nothing_else(tmp_path: Path) -> None:
    """At the border of two folders: a log of 999 full tiles and 156 hashes."""
    published = {"tile/0/000", "tile/0/998", "tile/0/999.p/1", "tile/0/999.p/156", "tile/1/002", "tile/1/003.p/231"}
    beyond = {
        "tile/0/999",
        "tile/0/999.p/157",
        "tile/0/x001/000",
        "tile/0/x001/254.p/9",
        "tile/1/003",
        "tile/2/000.p/4",
    }
    both = {path.replace("/0/", "/entries/") for path in published | beyond if "/0/" in path} | published | beyond
    for path in both:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    with FolderStore(tmp_path).writing() as writer:
        writer.drop_unpublished(999 * 256 + 156)
    expected = published | {path.replace("/0/", "/entries/") for path in published if "/0/" in path} | {".lock"}
    assert set(files(tmp_path)) == expected


def test_only_the_owner_may_look(tmp_path: Path, key: SigningKey, intents: Intents) -> None:
    folder = tmp_path / "log"
    open_log(folder, key, ORIGIN).append(intents(2))
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_place_where_nothing_can_be_is_said(tmp_path: Path, key: SigningKey) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AuditUnavailableError, match=r"Not a directory|File exists"):
        open_log(tmp_path / "file", key, ORIGIN)
    for url in ("nonsense://x", "sqlite:////proc/no/such/folder.db"):
        with pytest.raises(AuditUnavailableError):
            open_log(url, key, ORIGIN)


def test_a_full_disk_closes_the_way(
    tmp_path: Path, key: SigningKey, intents: Intents, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path, key, ORIGIN)
    before = log.append(intents(1))

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(AuditUnavailableError, match="No space left on device") as refused:
            log.append(intents(1))
    assert "s-" not in str(refused.value)
    assert log.checkpoint() == before
    assert log.append(intents(1)).size == 2


def test_a_writer_that_waits_too_long_gives_up(tmp_path: Path, key: SigningKey, intents: Intents) -> None:
    open_log(tmp_path, key, ORIGIN)
    impatient = AuditLog(FolderStore(tmp_path, lock_seconds=0.05), key)
    with (tmp_path / ".lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(AuditUnavailableError, match="busy"):
            impatient.append(intents(1))
    assert impatient.append(intents(1)).size == 1
