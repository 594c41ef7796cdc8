"""One instance for the tests that only use it; those that break things start their own."""

from collections.abc import Iterator

import pytest

from tests.system.instance import Instance


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A demonstration on the embedded default, up and running."""
    yield from _running(Instance(tmp_path_factory.mktemp("instance")))


@pytest.fixture
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance of one's own, to be broken."""
    yield from _running(Instance(tmp_path_factory.mktemp("fragile")))


def _running(instance: Instance) -> Iterator[Instance]:
    instance.start()
    try:
        yield instance
    finally:
        assert instance.stop() == 0
        instance.close()
