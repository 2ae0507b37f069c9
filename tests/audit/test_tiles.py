"""Where resources stand: the examples of the tlog-tiles specification, and one path for each tile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import AuditDamagedError
from audit.tiles import (
    BUNDLES,
    Tile,
    edge,
    join_entries,
    levels,
    parse_path,
    read_tile,
    split_entries,
    tiles_at,
    whole_bundle,
    whole_tile,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 999, 256), "tile/0/999"),
        (Tile(0, 1000, 256), "tile/0/x001/000"),
        (Tile(1, 1234067, 256), "tile/1/x001/x234/067"),
        (Tile(BUNDLES, 273, 112), "tile/entries/273.p/112"),
        (Tile(63, 1234067, 1), "tile/63/x001/x234/067.p/1"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@given(level=st.integers(BUNDLES, 63), index=st.integers(0, 10**12), width=st.integers(1, 256))
def test_a_path_names_its_tile(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p",
        "tile/entries/000/",
        "tile/100/000",
        "tile/0/٠٠٠",
        "tile/data/000",
        "checkpoint",
        "../tile/0/000",
    ],
)
def test_another_spelling_names_no_tile(path: str) -> None:
    assert parse_path(path) is None


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    assert list(levels(70_000)) == [0, 1, 2]
    bottom = list(tiles_at(0, 70_000))
    assert [tile.width for tile in bottom] == [256] * 273 + [112]
    assert [tile.width for tile in tiles_at(1, 70_000)] == [256, 17]
    assert [tile.width for tile in tiles_at(2, 70_000)] == [1]
    assert edge(0, 70_000) == bottom[-1]
    assert [tile.path for level in levels(256) for tile in tiles_at(level, 256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert edge(0, 256) is None
    assert list(levels(0)) == []


def test_tiles_from_the_one_that_holds_a_number() -> None:
    assert [tile.index for tile in tiles_at(BUNDLES, 600, 256)] == [1, 2]
    assert [tile.index for tile in tiles_at(BUNDLES, 600, 255)] == [0, 1, 2]
    assert list(tiles_at(BUNDLES, 600, 999)) == []


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_divides_into_its_entries(entries: list[bytes]) -> None:
    assert split_entries(join_entries(entries)) == entries


@pytest.mark.parametrize("bundle", [b"\x00", b"\x00\x01", b"\x00\x02a", b"\x00\x00\x00"])
def test_a_bundle_that_is_cut_off_is_refused(bundle: bytes) -> None:
    with pytest.raises(ValueError, match="cut off"):
        split_entries(bundle)


def test_a_late_reader_finds_the_beginning_of_the_full_tile() -> None:
    full = {"tile/0/000": bytes(range(256)) * 32, "tile/entries/000": join_entries([b"a", b"b", b"c"])}
    assert read_tile(full.get, Tile(0, 0, 3)) == full["tile/0/000"][:96]
    assert read_tile(full.get, Tile(BUNDLES, 0, 2)) == join_entries([b"a", b"b"])
    assert read_tile(full.get, Tile(0, 1, 3)) is None
    assert read_tile({"tile/entries/000": b"\x00"}.get, Tile(BUNDLES, 0, 2)) == b"\x00"


def test_a_tile_that_is_missing_or_of_a_wrong_length_is_damage() -> None:
    for stored in ({}, {"tile/0/000.p/2": b"short"}):
        with pytest.raises(AuditDamagedError, match=r"tile/0/000\.p/2"):
            whole_tile(stored.get, Tile(0, 0, 2))
    for bundle in ({}, {"tile/entries/000.p/2": b"\x00"}, {"tile/entries/000.p/2": join_entries([b"one"])}):
        with pytest.raises(AuditDamagedError, match=r"tile/entries/000\.p/2"):
            whole_bundle(bundle.get, Tile(BUNDLES, 0, 2))
