"""Fixtures of all tests: a fresh database, and one with the programme and its parties."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine
from sqlmodel import Session

from notifications.settings import MailSettings
from notifications.smtp import Sender
from tasks.database import transaction
from tasks.migration import upgrade
from tests.builders import World, fill_world, make_world
from tests.databases import DATABASES, Copies, NoPostgresqlError, copies_of, postgresql_server
from tests.smtp_server import SmtpServer

#: Up to which part of the others the files that start whole systems are spread.
_SPREAD = 0.7


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that start whole systems among the others, none of them at the end.

    They are few, last minutes and mostly wait: at the end they would keep two processors half idle,
    at the same time they would keep each other waiting.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    systems = [file for file in files if any(map(_is_system, files[file]))]
    others = [file for file in files if file not in systems]
    places = {file: place for place, file in enumerate(others)}
    step = _SPREAD * len(others) / max(len(systems), 1)
    places |= {file: number * step - 0.5 for number, file in enumerate(systems)}
    items[:] = [item for file in sorted(files, key=places.__getitem__) for item in files[file]]


def _is_system(item: pytest.Item) -> bool:
    return item.get_closest_marker("system") is not None


@contextmanager
def _where_there_is_postgresql() -> Iterator[None]:
    """Skip what needs PostgreSQL where it may be missing; fail where it must be there (CI)."""
    try:
        yield
    except NoPostgresqlError as error:
        if error.is_wanted:
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgresql() -> URL:
    """The PostgreSQL server to test on."""
    with _where_there_is_postgresql():
        return postgresql_server()


#: Gives the maker of databases of one kind, the same one each time.
Makers = Callable[[str], Copies]


@pytest.fixture(scope="session")
def makers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Makers]:
    """What makes fresh databases: each kind when it is first asked for, and kept to the end."""
    with ExitStack() as stack:

        @cache
        def maker(database: str) -> Copies:
            with _where_there_is_postgresql():
                return stack.enter_context(copies_of(database, tmp_path_factory.mktemp(database)))

        yield maker


@pytest.fixture(scope="session", params=DATABASES)
def copies(request: pytest.FixtureRequest, makers: Makers) -> Copies:
    """The maker of fresh databases, of each kind in turn."""
    return makers(request.param)


def _migrate(engine: Engine) -> None:
    upgrade(engine)


@pytest.fixture
def engine(copies: Copies) -> Iterator[Engine]:
    """A migrated database that holds nothing."""
    yield from copies.fresh(_migrate)


@pytest.fixture
def postgresql_engine(makers: Makers) -> Iterator[Engine]:
    """The same on PostgreSQL, for what is about it alone."""
    yield from makers("postgresql").fresh(_migrate)


@pytest.fixture
def world(copies: Copies) -> Iterator[World]:
    """The programme with its invented parties, and no case yet."""
    for engine in copies.fresh(fill_world):
        yield make_world(engine)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody but its bearer trusts: (certificate, key)."""
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=mail.test"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(directory / "key.pem"), "-out", str(directory / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return directory / "certificate.pem", directory / "key.pem"


@pytest.fixture
def outside(engine: Engine) -> Callable[[], AbstractContextManager[Session]]:
    """`with outside() as session:` on a database that holds nothing."""
    return partial(transaction, engine)


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    """A real mail server that takes everything, unless it is told not to."""
    with SmtpServer() as server:
        yield server


@pytest.fixture
def sender(mail_server: SmtpServer) -> Iterator[Sender]:
    """Who sends to it."""
    sender = Sender(MailSettings(catch_port=mail_server.port))
    yield sender
    sender.close()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see none of the settings of the machine they run on."""
    monkeypatch.delenv("PILOT_TODAY", raising=False)
