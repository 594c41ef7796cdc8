"""Fresh databases for tests: migrated once per session, copied for each test."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from tasks.database import make_engine

DATABASES = ("sqlite", "postgresql")

#: Fills a database that is to be copied.
Filling = Callable[[Engine], None]


class Copies(Protocol):
    """Makes databases that hold what a filling put into the first of its kind."""

    def fresh(self, filling: Filling) -> Iterator[Engine]: ...

    def close(self) -> None: ...


class SqliteCopies:
    """Copies of a SQLite file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._templates: dict[Filling, Path] = {}

    def _template(self, filling: Filling) -> Path:
        if filling not in self._templates:
            path = self._folder / f"template-{len(self._templates)}.db"
            engine = make_engine(_sqlite(path))
            filling(engine)
            with engine.connect() as connection:
                # One file holds everything: the copy needs no write-ahead log beside it.
                connection.connection.driver_connection.execute(  # type: ignore[union-attr]
                    "PRAGMA wal_checkpoint(TRUNCATE)"
                )
            engine.dispose()
            self._templates[filling] = path
        return self._templates[filling]

    def fresh(self, filling: Filling) -> Iterator[Engine]:
        """Give a copy; it is deleted afterwards."""
        path = self._folder / f"{next(self._numbers)}.db"
        shutil.copyfile(self._template(filling), path)
        engine = make_engine(_sqlite(path))
        yield engine
        engine.dispose()
        for rest in self._folder.glob(f"{path.name}*"):
            rest.unlink()

    def close(self) -> None:
        """Nothing: pytest clears its folders."""


class PostgresqlCopies:
    """Copies by `CREATE DATABASE … TEMPLATE`."""

    def __init__(self, server: URL) -> None:
        self._server = server
        self._admin = create_engine(server, isolation_level="AUTOCOMMIT")
        self._prefix = f"pilot_test_{os.getpid()}"
        self._numbers = count(1)
        self._templates: dict[Filling, str] = {}

    def _do(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))

    def _engine(self, name: str) -> Engine:
        # A test database need not survive a power cut.
        options = {"options": "-c synchronous_commit=off"}
        return make_engine(self._server.set(database=name).update_query_dict(options))

    def _template(self, filling: Filling) -> str:
        if filling not in self._templates:
            name = f"{self._prefix}_template_{len(self._templates)}"
            self._do(f'CREATE DATABASE "{name}"')
            self._templates[filling] = name
            engine = self._engine(name)
            filling(engine)
            engine.dispose()
        return self._templates[filling]

    def fresh(self, filling: Filling) -> Iterator[Engine]:
        """Give a copy; it is dropped afterwards."""
        template = self._template(filling)
        name = f"{self._prefix}_{next(self._numbers)}"
        self._do(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        engine = self._engine(name)
        yield engine
        engine.dispose()
        self._do(f'DROP DATABASE "{name}" WITH (FORCE)')

    def close(self) -> None:
        """Drop the templates."""
        for name in self._templates.values():
            self._do(f'DROP DATABASE "{name}" WITH (FORCE)')
        self._admin.dispose()


def _sqlite(path: Path) -> URL:
    return URL.create("sqlite", database=str(path))


class NoPostgresqlError(RuntimeError):
    """There is no PostgreSQL to test on; `is_wanted` when there should be one."""

    def __init__(self, url: URL, why: object, *, is_wanted: bool) -> None:
        self.is_wanted = is_wanted
        super().__init__(f"no PostgreSQL at {url.host}:{url.port} (PILOT_TEST_POSTGRES_URL): {why}")


def postgresql_server() -> URL:
    """Return the server to test on, or raise `NoPostgresqlError`."""
    given = os.environ.get("PILOT_TEST_POSTGRES_URL")
    url = make_url(given or "postgresql://postgres@127.0.0.1:5432/postgres")
    url = url.set(drivername="postgresql+psycopg")
    probe = create_engine(url, connect_args={"connect_timeout": 3})
    try:
        with probe.connect():
            return url
    except OperationalError as error:
        is_wanted = bool(given) or os.environ.get("CI") == "true"
        raise NoPostgresqlError(url, error.orig, is_wanted=is_wanted) from error
    finally:
        probe.dispose()


@contextmanager
def copies_of(database: str, folder: Path) -> Iterator[Copies]:
    """Give the maker of databases of that kind."""
    maker: Copies = (
        SqliteCopies(folder) if database == "sqlite" else PostgresqlCopies(postgresql_server())
    )
    try:
        yield maker
    finally:
        maker.close()
