"""One instance for the tests that only use it; those that break things start their own."""

from collections.abc import Iterator

import pytest

from tests.smtp_server import SmtpServer
from tests.system.instance import Instance, running


@pytest.fixture(scope="session")
def outside() -> Iterator[SmtpServer]:
    """A mail server that stands for the world: an instance that catches must never reach it."""
    with SmtpServer() as server:
        yield server


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory, outside: SmtpServer) -> Iterator[Instance]:
    """A demonstration on the embedded default, up and running.

    Whatever name a mail server might be set by, it is: catching must not be argued with.
    """
    hostile = {
        f"PILOT_MAIL_{name}": value
        for name, value in {
            "MODE": "catch",
            **dict.fromkeys(("HOST", "SERVER", "SMTP_HOST", "CATCH_HOST"), "localhost"),
            **dict.fromkeys(("PORT", "SMTP_PORT", "CATCH_PORT"), str(outside.port)),
            "USER": "someone@example.com",
            "PASSWORD": "geheim",
            "SECURITY": "starttls",
        }.items()
    }
    home = tmp_path_factory.mktemp("instance")
    with running(Instance(home, **hostile)) as started:
        yield started


@pytest.fixture
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance of one's own, to be broken."""
    with running(Instance(tmp_path_factory.mktemp("fragile"))) as started:
        yield started
