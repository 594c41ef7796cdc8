"""Test support: the world as the database that this process is told to use."""

from collections.abc import Iterator

import pytest

from tasks.database import engine
from tests.builders import FIRST_DAY, World


def database_of(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Have the world's database, on the world's first day, be this process's own."""
    address = world.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("PILOT_DATABASE_URL", address)
    monkeypatch.setenv("PILOT_TODAY", FIRST_DAY.isoformat())
    yield world
    engine().dispose()
