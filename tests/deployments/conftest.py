"""One Prefect server for all tests of the process layer, and the toy flows' worker on it."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.prefect_server import Instance, end, prefect_server

TOY_WORKER = "tests.deployments.toy_worker"


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A running server in a scratch home."""
    with prefect_server(tmp_path_factory.mktemp("instance")) as running:
        yield running


@pytest.fixture
def worker(instance: Instance) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that a test may end as it likes."""
    with instance.process(TOY_WORKER) as process:
        yield process


@pytest.fixture(scope="module")
def served(instance: Instance) -> Iterator[Instance]:
    """The server with a worker that outlives the test."""
    process = instance.start(TOY_WORKER)
    yield instance
    assert end(process) == 0
