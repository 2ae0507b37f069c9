"""Where the tree's hashes and the entries stand: the resources of C2SP tlog-tiles, as relative paths.

Rules. A tile holds up to 256 hashes of one level; level 0 are leaf hashes, a hash of level l + 1 is the root
over one full tile of level l. An entry bundle holds the entries under one level-0 tile, each behind its length
as a big-endian uint16. The path of a partial tile or bundle ends in `.p/<width>`. Pure; knows no file system.
Source: C2SP tlog-tiles, sections Merkle Tree, Partial Tiles and Log entries.
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from audit.errors import AuditDamagedError
from audit.tree import HASH_BYTES, Node, root_hash

TILE_WIDTH = 256
TILE_HEIGHT = 8
LARGEST_ENTRY = 0xFFFF
CHECKPOINT = "checkpoint"
BUNDLES = -1

_LENGTH = struct.Struct(">H")
_INDEX = r"(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
_PATH = re.compile(rf"tile/(?P<level>entries|0|[1-9][0-9]?)/{_INDEX}(?:\.p/(?P<width>[1-9][0-9]{{0,2}}))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One tile, or (`level` BUNDLES) one entry bundle; `width` is 1 to 256 hashes or entries."""

    level: int
    index: int
    width: int

    @property
    def first(self) -> int:
        """The number of the first hash within the level (of the first entry for a bundle)."""
        return self.index * TILE_WIDTH

    @property
    def full(self) -> bool:
        """Whether nothing can be added any more."""
        return self.width == TILE_WIDTH

    @property
    def path(self) -> str:
        """The resource's path within the log."""
        return self.full_path if self.full else f"{self.partials}/{self.width}"

    @property
    def full_path(self) -> str:
        """The path that the tile has when it is full."""
        parts = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            parts.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        return f"tile/{'entries' if self.level == BUNDLES else self.level}/{'/'.join(parts)}"

    @property
    def partials(self) -> str:
        """The folder of the tile's partial forms."""
        return f"{self.full_path}.p"


def parse_path(path: str) -> Tile | None:
    """Return the tile that a relative path names, None when the path is no tile's own path."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level = BUNDLES if match["level"] == "entries" else int(match["level"])
    index = int("".join(part.removeprefix("x") for part in match["index"].split("/")))
    tile = Tile(level, index, int(match["width"] or TILE_WIDTH))
    return tile if tile.path == path else None


def hashes_at(level: int, size: int) -> int:
    """Return how many hashes (entries for BUNDLES) a log of `size` entries has at a level."""
    return size if level == BUNDLES else size >> (TILE_HEIGHT * level)


def edge(level: int, size: int) -> Tile | None:
    """Return the partial tile at the right edge of a level, None when the level ends in a full tile or is empty."""
    count = hashes_at(level, size)
    return Tile(level, count // TILE_WIDTH, count % TILE_WIDTH) if count % TILE_WIDTH else None


def tiles_at(level: int, size: int, start: int = 0) -> Iterator[Tile]:
    """Give the tiles of a level in a log of `size` entries, from the one that holds hash number `start`."""
    count = hashes_at(level, size)
    for index in range(start // TILE_WIDTH, -(-count // TILE_WIDTH)):
        yield Tile(level, index, min(TILE_WIDTH, count - index * TILE_WIDTH))


def levels(size: int) -> range:
    """Return the levels that a log of `size` entries has tiles at."""
    top = 0
    while hashes_at(top, size):
        top += 1
    return range(top)


def split_hashes(data: bytes) -> list[bytes]:
    """Return a tile's hashes one by one."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def join_entries(entries: Iterable[bytes]) -> bytes:
    """Return the bundle of these entries; each is at most `LARGEST_ENTRY` bytes long."""
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def split_entries(bundle: bytes) -> list[bytes]:
    """Return a bundle's entries. Raises ValueError when the lengths don't add up."""
    entries: list[bytes] = []
    at, end = 0, len(bundle)
    while at < end - 1:
        start = at + _LENGTH.size
        at = start + (bundle[at] << 8 | bundle[at + 1])  # the length, as `_LENGTH` packs it
        entries.append(bundle[start:at])
    if at != end:
        msg = "an entry or a length is cut off"
        raise ValueError(msg)
    return entries


def read_tile(read: Callable[[str], bytes | None], tile: Tile) -> bytes | None:
    """Return the bytes of a tile: its own, or the full tile's beginning where the partial form was removed.

    A partial form goes once the full one is published, so a reader who is late finds the full one.
    """
    data = read(tile.path)
    if data is not None or tile.full:
        return data
    data = read(tile.full_path)
    if data is None:
        return None
    if tile.level != BUNDLES:
        return data[: tile.width * HASH_BYTES]
    try:
        return join_entries(split_entries(data)[: tile.width])
    except ValueError:
        return data  # whoever divides it says that it is damaged


def node_reader(read: Callable[[str], bytes | None], size: int) -> Node:
    """Return the tree's `node` function over the stored tiles of a log of `size` entries.

    The function raises AuditDamagedError when a tile is missing or has a wrong length.
    """
    known: dict[Tile, list[bytes]] = {}

    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        start = index << height
        number = start // TILE_WIDTH
        width = min(TILE_WIDTH, hashes_at(tile_level, size) - number * TILE_WIDTH)
        tile = Tile(tile_level, number, width)
        if tile not in known:
            known[tile] = whole_tile(read, tile)
        within = start % TILE_WIDTH
        return root_hash(known[tile][within : within + (1 << height)])

    return node


def whole_tile(read: Callable[[str], bytes | None], tile: Tile) -> list[bytes]:
    """Return a tile's hashes. Raises AuditDamagedError when it is missing or has a wrong length."""
    data = read_tile(read, tile)
    if data is None:
        raise AuditDamagedError(
            f"В журнале аудита нет файла {tile.path}. Восстановите журнал из копии.",
            f"The audit log lacks the file {tile.path}. Restore the log from a copy.",
        )
    if len(data) != tile.width * HASH_BYTES:
        raise AuditDamagedError(
            f"Файл {tile.path} журнала аудита имеет не ту длину. Восстановите журнал из копии.",
            f"The audit log's file {tile.path} has a wrong length. Restore the log from a copy.",
        )
    return split_hashes(data)


def whole_bundle(read: Callable[[str], bytes | None], tile: Tile) -> list[bytes]:
    """Return a bundle's entries. Raises AuditDamagedError when it is missing or can't be divided."""
    return divided(read_tile(read, tile), tile)


def divided(data: bytes | None, tile: Tile) -> list[bytes]:
    """Return the entries in a bundle's bytes. Raises AuditDamagedError when there are none or not so many."""
    entries: list[bytes] = []
    if data is not None:
        try:
            entries = split_entries(data)
        except ValueError:
            entries = []
    if len(entries) != tile.width:
        raise AuditDamagedError(
            f"Файл {tile.path} журнала аудита отсутствует или повреждён. Восстановите журнал из копии.",
            f"The audit log's file {tile.path} is missing or damaged. Restore the log from a copy.",
        )
    return entries
