"""Fixtures of all tests: a fresh database, and one with the programme and its parties."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import Engine

from tasks.migration import upgrade
from tests.builders import World, fill_world, make_world
from tests.databases import DATABASES, Copies, NoPostgresqlError, copies_of


@contextmanager
def copies_for_tests(database: str, folders: pytest.TempPathFactory) -> Iterator[Copies]:
    """Give the maker; without PostgreSQL the tests on it are skipped, where that is allowed."""
    with ExitStack() as stack:
        try:
            maker = stack.enter_context(copies_of(database, folders.mktemp(database)))
        except NoPostgresqlError as error:
            if error.is_wanted:
                pytest.fail(str(error))
            pytest.skip(str(error))
        yield maker


@pytest.fixture(scope="session", params=DATABASES)
def copies(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Copies]:
    """The maker of fresh databases, of each kind in turn."""
    with copies_for_tests(request.param, tmp_path_factory) as maker:
        yield maker


def _migrate(engine: Engine) -> None:
    upgrade(engine)


@pytest.fixture
def engine(copies: Copies) -> Iterator[Engine]:
    """A migrated database that holds nothing."""
    yield from copies.fresh(_migrate)


@pytest.fixture
def world(copies: Copies) -> Iterator[World]:
    """The programme with its invented parties, and no case yet."""
    for engine in copies.fresh(fill_world):
        yield make_world(engine)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see none of the settings of the machine they run on."""
    monkeypatch.delenv("PILOT_TODAY", raising=False)
