"""Fixtures: the world as the database of this process."""

from collections.abc import Iterator

import pytest

from tests.builders import World
from tests.present import database_of


@pytest.fixture
def here(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The world, on the database that this process is told to use."""
    yield from database_of(world, monkeypatch)
