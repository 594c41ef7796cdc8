"""Fixtures: the world as the database of this process, and a Prefect server beside it."""

from collections.abc import Iterator

import pytest
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from deployments.registration import register
from flows import DEPLOYMENTS
from tests.builders import World
from tests.outbox import Clock
from tests.prefect_server import Instance, prefect_server
from tests.present import database_of


@pytest.fixture
def here(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The world, on the database that this process is told to use."""
    yield from database_of(world, monkeypatch)


@pytest.fixture
def clock() -> Clock:
    """A machine clock that a test moves."""
    return Clock()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A running Prefect server that knows our flows, and no worker that executes them."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as running:
        with temporary_settings({PREFECT_API_URL: running.api_url}):
            register(DEPLOYMENTS)
        yield running


@pytest.fixture
def prefect(server: Instance) -> Iterator[Instance]:
    """The server, without runs, as the one that this process talks to."""
    settings = {PREFECT_API_URL: server.api_url, PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(settings):
        yield server
    with server.client() as client:
        for run in client.read_flow_runs(sort=FlowRunSort.ID_DESC, limit=200):
            client.delete_flow_run(run.id)
