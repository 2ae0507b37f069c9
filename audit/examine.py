"""Looks at a log's entries bundle by bundle: hashes them, holds them against their tile and against the forms.

Rules. What a bundle and the tile over it say is found from these two alone, so bundles may be looked at in any
order and in several processes; findings are given in the log's order. At no time are more than a few bundles in
memory. A long log is divided over the processors that this process may use: each gets a program of its own (a fork
would copy the locks of other threads), which opens the store anew, and reads only.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from audit.entry import KeyEvent, parse
from audit.errors import AuditError, AuditUnavailableError, EntryError, Problem
from audit.form import surely_entry
from audit.location import open_store
from audit.tiles import BUNDLES, TILE_WIDTH, Tile, read_tile, split_entries, split_hashes, tiles_at
from audit.tree import EMPTY_ROOT, HASH_BYTES, root_hash

SHORTEST_DIVIDED = 1 << 16
_AT_ONCE = 16
_KEY_EVENT = f'"kind":"{KeyEvent.kind}"'.encode()
_PROGRAM = "import sys; from audit.examine import examine_for; examine_for(int(sys.argv[1]))"

Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Examined:
    """What one bundle and its tile gave.

    `leaves`, 32 bytes each, are hashed from the entries or, where those are lost, taken from the tile; `differing`
    are the numbers of entries whose hashes aren't the tile's; `keys` the ids of signing keys that entries speak of.
    `lost`: neither of the two gives the leaves, so no root can be told.
    """

    bundle: Tile
    leaves: bytes
    root: bytes
    differing: tuple[int, ...] = ()
    problems: tuple[Problem, ...] = ()
    keys: frozenset[str] = frozenset()
    lost: bool = False


def examine_log(location: str | Path, read: Read, size: int, processes: int | None = None) -> Iterator[Examined]:
    """Give what every bundle of a log of `size` entries says, in order.

    `read` is that of the store at `location`, used where the work isn't divided. Raises AuditUnavailableError.
    """
    if processes is None:
        processes = len(os.sched_getaffinity(0)) if size >= SHORTEST_DIVIDED else 1
    if processes == 1 or not sys.executable:
        return (examine(read, bundle) for bundle in tiles_at(BUNDLES, size))
    return _divided(location, size, processes)


def examine(read: Read, bundle: Tile) -> Examined:
    """Look at one bundle and the tile over it. Raises AuditUnavailableError."""
    tile = Tile(0, bundle.index, bundle.width)
    problems: list[Problem] = []
    hashes = read_hashes(read, tile, problems)
    entries = _entries(read, bundle, problems)
    if entries is None:
        leaves = EMPTY_ROOT * bundle.width if hashes is None else hashes
        return Examined(bundle, leaves, root_hash(split_hashes(leaves)), problems=tuple(problems), lost=hashes is None)
    hashed = [sha256(b"\x00" + entry).digest() for entry in entries]
    leaves = b"".join(hashed)
    differing = differences(tile, hashes, hashed) if hashes is not None and hashes != leaves else ()
    for number in [number for number, entry in enumerate(entries) if not surely_entry(entry)]:
        if bundle.first + number not in differing:
            problems += _misfit(bundle.first + number, entries[number], bundle)
    return Examined(bundle, leaves, root_hash(hashed), differing, tuple(problems), _signing_keys(entries))


def differences(tile: Tile, stored: bytes, computed: Sequence[bytes]) -> tuple[int, ...]:
    """Return the numbers, within the level, of a tile's stored hashes that aren't the computed ones."""
    pairs = enumerate(zip(split_hashes(stored), computed, strict=True), tile.first)
    return tuple(number for number, (left, right) in pairs if left != right)


def read_hashes(read: Read, tile: Tile, problems: list[Problem]) -> bytes | None:
    """Return a tile's bytes; None, and a problem more, when it is missing or has a wrong length."""
    data = read_tile(read, tile)
    if data is None:
        problems.append(_missing(tile))
        return None
    if len(data) != tile.width * HASH_BYTES:
        problems.append(
            Problem(f"Файл {tile.path} не той длины.", f"The file {tile.path} has a wrong length."),
        )
        return None
    return data


def _entries(read: Read, bundle: Tile, problems: list[Problem]) -> list[bytes] | None:
    """Return a bundle's entries; None, and a problem more, when they can't be told apart."""
    data = read_tile(read, bundle)
    if data is None:
        problems.append(_missing(bundle))
        return None
    try:
        entries = split_entries(data)
    except ValueError:
        entries = []
    if len(entries) != bundle.width:
        problems.append(
            Problem(
                f"Файл {bundle.path} повреждён: он не делится на записи ({bundle.width}).",
                f"The file {bundle.path} is damaged: it can't be divided into its {bundle.width} entries.",
            )
        )
        return None
    return entries


def _missing(tile: Tile) -> Problem:
    return Problem(f"Нет файла {tile.path}.", f"The file {tile.path} is missing.")


def _misfit(number: int, entry: bytes, bundle: Tile) -> Iterator[Problem]:
    """Give the problem of an entry that is in none of the forms that entries have."""
    try:
        parse(entry)
    except EntryError as error:
        yield Problem(f"Запись {number} ({bundle.path}): {error.ru}", f"Entry {number} ({bundle.path}): {error.en}")


def _signing_keys(entries: Sequence[bytes]) -> frozenset[str]:
    """Return the ids of the signing keys that these entries say were made, replaced or revoked."""
    told = [entry for entry in entries if _KEY_EVENT in entry]
    keys = set()
    for entry in told:
        with suppress(EntryError):  # said already
            event = parse(entry)
            if isinstance(event, KeyEvent) and event.purpose == "signing":
                keys.add(event.key)
    return frozenset(keys)


def _divided(location: str | Path, size: int, processes: int) -> Iterator[Examined]:
    """Give the findings of several processes, which take turns by `_AT_ONCE` bundles."""
    workers: list[tuple[subprocess.Popen[bytes], Connection]] = []
    try:
        for turn in range(processes):
            workers.append(_worker())
            workers[-1][1].send((location, size, turn, processes))
        for number in range(-(-size // (TILE_WIDTH * _AT_ONCE))):
            yield from _received(workers[number % processes][1])
    finally:
        for process, pipe in workers:
            pipe.close()
            process.terminate()
        for process, _ in workers:
            process.wait()


def _worker() -> tuple[subprocess.Popen[bytes], Connection]:
    """Start a process that waits to be told its share; the location, which may hold a password, goes by the pipe."""
    mine, its = Pipe()
    with its:  # closed here, or the end of the worker would never be seen
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        process = subprocess.Popen(  # noqa: S603  this very Python, and a program of ours
            [sys.executable, "-P", "-c", _PROGRAM, str(its.fileno())], pass_fds=[its.fileno()], env=environment
        )
    return process, mine


def _received(pipe: Connection) -> list[Examined]:
    """Return what a worker sent next. Raises what the worker met."""
    try:
        sent: list[Examined] | AuditError = pipe.recv()
    except (EOFError, ConnectionError):
        sent = AuditUnavailableError(
            "Проверка журнала аудита прервалась: один из её процессов завершён системой. Повторите проверку.",
            "The audit log's verification broke off: the system ended one of its processes. Verify again.",
        )
    if isinstance(sent, AuditError):
        raise sent
    return sent


def examine_for(descriptor: int) -> None:
    """Do one worker's share and send what it gave, in a process of its own; a full pipe keeps it from running ahead."""
    pipe = Connection(descriptor)
    with suppress(ConnectionError):  # enough was found
        location, size, turn, processes = pipe.recv()
        try:
            store = open_store(location)
            for first in range(turn * _AT_ONCE * TILE_WIDTH, size, processes * _AT_ONCE * TILE_WIDTH):
                bundles = islice(tiles_at(BUNDLES, size, first), _AT_ONCE)
                pipe.send([examine(store.read, bundle) for bundle in bundles])
            store.close()
        except AuditError as error:
            pipe.send(error)
