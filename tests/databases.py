"""Fresh databases for tests: migrated once per session, copied for each test."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Column, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

from tasks.database import make_engine

#: Tables whose triggers keep their rows from being changed.
_GUARDED = ("audit_entry", "register_entry", "audit_seal")

DATABASES = ("sqlite", "postgresql")

#: Fills a database that is to be copied.
Filling = Callable[[Engine], None]


class Copies(Protocol):
    """Makes databases that hold what a filling put into the first of its kind."""

    def fresh(self, filling: Filling) -> Iterator[Engine]: ...

    def empty(self) -> Iterator[Engine]: ...

    def close(self) -> None: ...


class SqliteCopies:
    """Copies of a SQLite file."""

    def __init__(self, folder: Path, *, is_durable: bool = False) -> None:
        self._folder = folder
        self._is_durable = is_durable
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
        if not self._is_durable:
            engine.update_execution_options(pilot_synchronous="OFF")
        yield engine
        engine.dispose()
        for rest in self._folder.glob(f"{path.name}*"):
            rest.unlink()

    def empty(self) -> Iterator[Engine]:
        """Give one without even tables, in which a test may do as it likes."""
        engine = make_engine(_sqlite(self._folder / f"empty-{next(self._numbers)}.db"))
        yield engine
        engine.dispose()

    def close(self) -> None:
        """Nothing: pytest clears its folders."""


class PostgresqlCopies:
    """Databases made by `CREATE DATABASE … TEMPLATE`, and put back as they were after each use.

    Making and dropping one waits for the server's disk each time; putting back a few rows does not.
    """

    def __init__(self, server: URL, *, is_durable: bool = False) -> None:
        self._server = server
        self._options = {} if is_durable else {"options": "-c synchronous_commit=off"}
        self._admin = create_engine(server, isolation_level="AUTOCOMMIT")
        self._prefix = f"pilot_test_{os.getpid()}"
        self._numbers = count(1)
        self._templates: dict[Filling, str] = {}
        self._free: dict[Filling, list[Engine]] = {}

    def _do(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))

    def _create(self, template: str = "template1") -> Engine:
        name = f"{self._prefix}_{next(self._numbers)}"
        self._do(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return make_engine(self._server.set(database=name).update_query_dict(self._options))

    def _drop(self, engine: Engine) -> None:
        engine.dispose()
        self._do(f'DROP DATABASE "{engine.url.database}" WITH (FORCE)')

    def _template(self, filling: Filling) -> str:
        if filling not in self._templates:
            engine = self._create()
            filling(engine)
            with engine.begin() as connection:
                connection.execute(text("CREATE SCHEMA pristine"))
                for table in inspect(connection).get_table_names():
                    connection.execute(text(f"CREATE TABLE pristine.{table} AS TABLE {table}"))
            engine.dispose()
            self._templates[filling] = str(engine.url.database)
        return self._templates[filling]

    def fresh(self, filling: Filling) -> Iterator[Engine]:
        """Give a database that nobody else uses meanwhile."""
        free = self._free.setdefault(filling, [])
        engine = free.pop() if free else self._create(self._template(filling))
        yield engine
        engine.dispose()
        if _put_back(engine):
            free.append(engine)
        else:
            self._drop(engine)

    def empty(self) -> Iterator[Engine]:
        """Give one without even tables; it is dropped with all whose names begin with its name."""
        engine = self._create()
        yield engine
        engine.dispose()
        with self._admin.connect() as connection:
            named = text("SELECT datname FROM pg_database WHERE datname LIKE :name || '%'")
            names = connection.execute(named, {"name": engine.url.database}).scalars().all()
        for name in names:
            self._do(f'DROP DATABASE "{name}" WITH (FORCE)')

    def close(self) -> None:
        """Drop all of them."""
        for free in self._free.values():
            for engine in free:
                self._drop(engine)
        for name in self._templates.values():
            self._do(f'DROP DATABASE "{name}" WITH (FORCE)')
        self._admin.dispose()


def _put_back(engine: Engine) -> bool:
    """Give every table the rows it had at first; False where tables have come or gone."""
    # The revision, too: a test may have pretended another one.
    tables = ["alembic_version", *(table.name for table in SQLModel.metadata.sorted_tables)]
    with engine.begin() as connection:
        there = inspect(connection)
        if set(tables) != set(there.get_table_names(schema="pristine")):
            return False
        guarded = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in _GUARDED]
        cleared = [f"DELETE FROM {table}" for table in reversed(tables)]
        filled = [f"INSERT INTO {table} SELECT * FROM pristine.{table}" for table in tables]
        numbered = [
            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'),"
            f" (SELECT coalesce(max(id), 0) + 1 FROM {table.name}), false)"
            for table in SQLModel.metadata.sorted_tables
            if isinstance(table.columns.get("id"), Column)
        ]
        armed = [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in _GUARDED]
        for statement in (*guarded, *cleared, *filled, *numbered, *armed):
            connection.exec_driver_sql(statement)
    return True


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
def copies_of(database: str, folder: Path, *, is_durable: bool = False) -> Iterator[Copies]:
    """Give the maker of databases of that kind.

    One for tests need not survive a power cut; `is_durable`, it waits for the disk as the system's
    own does.
    """
    maker: Copies = (
        SqliteCopies(folder, is_durable=is_durable)
        if database == "sqlite"
        else PostgresqlCopies(postgresql_server(), is_durable=is_durable)
    )
    try:
        yield maker
    finally:
        maker.close()
