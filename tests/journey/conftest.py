"""Installations on real parts, keys made once a session."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from worlds.real_world import RealWorld, authority, build


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def make_world(tmp_path: Path, keys: Path) -> Iterator[Callable[..., RealWorld]]:
    made: list[RealWorld] = []

    def make(**choices: object) -> RealWorld:
        world = build(tmp_path, keys, **choices)
        made.append(world)
        return world

    yield make
    for world in made:
        world.server.stop()
