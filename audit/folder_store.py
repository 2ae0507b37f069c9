"""A log in a folder: one file a resource, in the layout of C2SP tlog-tiles, ready to be served as it is.

Rules. A file is written whole under `.new/`, flushed, then renamed to its place, and the folders on the way are
flushed; so a file in place is complete. The checkpoint is renamed last. Whatever lies beyond the checkpoint's
size was never promised to anybody and goes at the next append. Writers queue on `.lock` (flock), which the
system opens again when a process dies. Folders have mode 0700, files 0600.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audit.durable_files import flush_folder, make_folder, write_flushed
from audit.errors import AuditUnavailableError
from audit.store import COSIGNED, LONGEST_APPEND, Longer, Resources
from audit.tiles import BUNDLES, CHECKPOINT, TILE_WIDTH, Tile, hashes_at, levels, parse_path

LOCK = ".lock"
NEW = ".new"
LOCK_SECONDS = 30.0
_POLL_SECONDS = 0.005


class FolderStore:
    """A log's resources as files under one folder."""

    leaves_unpublished = True

    def __init__(self, folder: Path, lock_seconds: float = LOCK_SECONDS) -> None:
        self._folder = folder
        self._lock_seconds = lock_seconds

    def read(self, path: str) -> bytes | None:
        """Return a resource, None where there is no such file. Raises AuditUnavailableError."""
        with _named(self._folder / path):
            try:
                return (self._folder / path).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def paths(self) -> Iterator[str]:
        """Give the relative path of every file but the lock and the files being written."""
        with _named(self._folder):
            for folder, folders, files in os.walk(self._folder, onerror=_unless_gone):
                here = Path(folder).relative_to(self._folder)
                if here == Path():
                    folders[:] = [name for name in folders if name != NEW]
                    files = [name for name in files if name not in {LOCK, COSIGNED}]  # noqa: PLW2901  neither is the log's
                yield from sorted((here / name).as_posix() for name in files)

    @contextmanager
    def writing(self) -> Iterator["FolderWriter"]:
        """Take the lock, waiting `lock_seconds` at most. Raises AuditUnavailableError."""
        with _named(self._folder):
            make_folder(self._folder / NEW)
            lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._wait_for(lock)
            yield FolderWriter(self)
        finally:
            os.close(lock)

    def _wait_for(self, lock: int) -> None:
        deadline = time.monotonic() + self._lock_seconds
        while True:
            with _named(self._folder):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass
                else:
                    return
            if time.monotonic() >= deadline:
                break
            time.sleep(_POLL_SECONDS)
        raise AuditUnavailableError(
            f"Журнал аудита {self._folder} дольше {self._lock_seconds:.0f} с занят другим процессом. Повторите позже.",
            f"The audit log {self._folder} was busy in another process for {self._lock_seconds:.0f} s. Try later.",
        )

    def prepare(self) -> None:
        """Nothing: folders are made when the first file is."""

    def history(self) -> Iterator[bytes]:
        """Give no earlier checkpoint: a folder keeps the newest only."""
        return iter(())

    def within(self, connection: object) -> None:
        """Return None: a folder takes part in no transaction."""

    def close(self) -> None:
        """Nothing is held between calls."""

    @property
    def folder(self) -> Path:
        """The log's folder."""
        return self._folder


class FolderWriter:
    """The folder while its lock is held."""

    def __init__(self, store: FolderStore) -> None:
        self._store = store
        self._folder = store.folder
        self._new = store.folder / NEW

    def read(self, path: str) -> bytes | None:
        """Return a resource, None where there is no such file."""
        return self._store.read(path)

    def drop_unpublished(self, size: int) -> None:
        """Remove files beyond `size`; an append adds `LONGEST_APPEND` entries at most, so all are near the edge."""
        with _named(self._folder):
            for unfinished in self._new.iterdir():
                unfinished.unlink()
            for level in (BUNDLES, *levels(size + LONGEST_APPEND)):
                for tile in self._beyond(level, hashes_at(level, size)):
                    (self._folder / tile.path).unlink()

    def _beyond(self, level: int, count: int) -> Iterator[Tile]:
        """Give the stored tiles of a level that reach over its first `count` hashes."""
        first, last = (
            Tile(level, number // TILE_WIDTH, TILE_WIDTH).full_path.rpartition("/")
            for number in (count, count + LONGEST_APPEND)
        )
        for folder, least in {last[0]: "", first[0]: first[2]}.items():
            for name in _listing(self._folder / folder):
                if name < least:
                    continue  # the many full tiles before the edge
                below = _listing(self._folder / folder / name) if name.endswith(".p") else [""]
                for width in below:
                    tile = parse_path(f"{folder}/{name}/{width}".rstrip("/"))
                    if tile is not None and tile.first + tile.width > count:
                        yield tile

    def write(self, resources: Resources, longer: Longer | None = None) -> None:
        """Store files, all flushed, then all in place, then their folders flushed."""
        if longer is not None:
            resources = {**resources, longer.path: longer.beginning + longer.added}
        with _named(self._folder):
            staged = {self._stage(data, number): path for number, (path, data) in enumerate(resources.items())}
            folders: set[Path] = set()
            for new, path in staged.items():
                target = self._folder / path
                make_folder(target.parent)
                new.replace(target)
                folders.add(target.parent)
            # Killed before here: files that no checkpoint speaks of.
            for folder in folders:
                flush_folder(folder)

    def _stage(self, data: bytes, number: int) -> Path:
        new = self._new / str(number)
        write_flushed(new, data)
        return new

    def publish(self, checkpoint: bytes, size: int) -> None:  # noqa: ARG002  a folder keeps the newest only
        """Rename the new checkpoint over the old one, durably."""
        with _named(self._folder):
            self._stage(checkpoint, 0).replace(self._folder / CHECKPOINT)
            # Killed before the flush: the old or the new checkpoint stands, and both are true.
            flush_folder(self._folder)

    def keep_beside(self, path: str, content: bytes) -> None:
        """Rename a file that is no part of the log over its former one, durably."""
        with _named(self._folder):
            self._stage(content, 0).replace(self._folder / path)
            flush_folder(self._folder)

    def drop_partials(self, folder: str) -> None:
        """Remove a folder of partial tiles; killed midway, the rest are true prefixes of the full tile."""
        with _named(self._folder), suppress(FileNotFoundError):
            shutil.rmtree(self._folder / folder)


def _listing(folder: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return [path.name for path in folder.iterdir()]
    return []


def _unless_gone(error: OSError) -> None:
    """Pass over a folder of partial tiles that a writer removed while the log was walked through."""
    if not isinstance(error, FileNotFoundError):
        raise error


@contextmanager
def _named(place: Path) -> Iterator[None]:
    """Turn a failure of the file system into the error that closes the way."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise AuditUnavailableError(
            f"Журнал аудита {place} недоступен ({reason}). Проверьте диск и права; без журнала ничего не отправляется.",
            f"The audit log {place} is out of reach ({reason}). Check disk and rights; nothing is sent without it.",
        ) from error
