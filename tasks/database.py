"""The database of this instance: where it is, and transactions on it."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlmodel import Session, create_engine

from models.rules.errors import PilotError

#: SQLite waits this long for another writer; a transaction here takes milliseconds.
_BUSY_MILLISECONDS = 30_000
#: What SQLite may keep in memory, in KiB: all of a pilot of some thousand cases.
_CACHE_KIB = 65_536

#: Begins a transaction: its work is committed at the end, or wholly undone on any error.
Transactions = Callable[[], AbstractContextManager[Session]]
#: The same for what is one statement on PostgreSQL, and nothing else.
Statements = Callable[[], AbstractContextManager[Connection]]


class DatabaseUrlError(PilotError):
    """`PILOT_DATABASE_URL` cannot be used."""

    def __init__(self, why: str) -> None:
        """Say why, never repeating the address: it may hold a password."""
        super().__init__(
            f"环境变量 PILOT_DATABASE_URL 不可用：{why}；"
            "应形如 postgresql://用户@主机:5432/库名，不设置则使用内置 SQLite"
        )


class DatabaseSettings(BaseSettings):
    """Where the database is: PostgreSQL by address, else SQLite under the home."""

    model_config = SettingsConfigDict(env_prefix="PILOT_", extra="ignore")

    home: Path = Path("var")
    database_url: SecretStr | None = None

    def url(self) -> URL:
        """Return the address; `DatabaseUrlError` when it is of no use."""
        given = self.database_url.get_secret_value() if self.database_url else ""
        if not given:
            return URL.create("sqlite", database=str(self.home.expanduser().resolve() / "pilot.db"))
        try:
            url = make_url(given)
        except ArgumentError:
            raise DatabaseUrlError("格式不对") from None
        if url.get_backend_name() == "postgresql":
            return url.set(drivername="postgresql+psycopg")
        if url.get_backend_name() == "sqlite":
            return url
        raise DatabaseUrlError("只支持 PostgreSQL 与 SQLite")


def make_engine(url: URL) -> Engine:
    """Return an engine on `url`, with what makes SQLite safe for several processes."""
    if url.get_backend_name() != "sqlite":
        engine = create_engine(url, pool_pre_ping=True)
        event.listen(engine, "connect", _without_jit)
        return engine
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_MILLISECONDS / 1000})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, record: Any) -> None:
        # The driver must not begin transactions by itself: we begin them below.
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            "foreign_keys = ON",
            f"busy_timeout = {_BUSY_MILLISECONDS}",
            f"cache_size = -{_CACHE_KIB}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        _synchronise(connection, options.get("pilot_synchronous", "FULL"))
        # A writer takes the lock at once: upgrading a reader fails when another has written.
        connection.exec_driver_sql("BEGIN" if options.get("pilot_reads") else "BEGIN IMMEDIATE")

    return engine


def _without_jit(connection: Any, record: Any) -> None:
    """Keep PostgreSQL from compiling: a sweep of a million items takes one second, and that two."""
    connection.execute("SET jit = off")
    connection.commit()


def _synchronise(connection: Connection, how: str) -> None:
    """Have SQLite's commits wait for the disk, or not; asked only where that changes."""
    if connection.info.get("synchronous") != how:
        connection.exec_driver_sql(f"PRAGMA synchronous = {how}")
        connection.info["synchronous"] = how


@cache
def _engine(url: URL) -> Engine:
    return make_engine(url)


@cache
def _url(home: str | None, given: str | None, directory: str) -> URL:
    """Return the address that the settings give, read anew only when they have changed.

    Every transaction asks for it, and to read the settings takes as long as a small transaction.
    """
    return DatabaseSettings().url()


def engine() -> Engine:
    """Return the engine of this instance, made once per process and address."""
    told = os.environ.get("PILOT_HOME"), os.environ.get("PILOT_DATABASE_URL")
    return _engine(_url(*told, os.getcwd()))


@contextmanager
def transaction(on: Engine | Connection | None = None) -> Iterator[Session]:
    """Give a session whose work is committed at the end, or wholly undone on any error."""
    with Session(on or engine(), expire_on_commit=False) as session, session.begin():
        yield session


@dataclass(frozen=True, kw_only=True)
class Unsynced:
    """Work that is simply done again where it is lost, on one connection, one after the other."""

    transaction: Transactions
    #: PostgreSQL commits a statement by itself; to begin and to commit take longer than most do.
    statement: Statements


@contextmanager
def unsynced(on: Engine | None = None) -> Iterator[Unsynced]:
    """Keep a connection whose commits do not wait for the disk.

    What is committed outlives this process whatever ends it; a power cut may undo the last moments.
    An answer waits for the disk; what the dispatcher notes need not: the mail goes out once more,
    under the same Message-ID. Waiting for the disk takes longer than all the rest of a mail, and so
    would a connection for each.
    """
    bound = (on or engine()).execution_options(pilot_synchronous="NORMAL")
    with bound.connect() as kept:
        if bound.dialect.name == "sqlite":
            yield Unsynced(transaction=partial(transaction, kept), statement=partial(_begun, kept))
            return
        kept.exec_driver_sql("SET synchronous_commit = off")
        kept.commit()

        @contextmanager
        def statement() -> Iterator[Connection]:
            kept.execution_options(isolation_level="AUTOCOMMIT")
            try:
                with kept.begin():
                    yield kept
            finally:
                kept.execution_options(isolation_level=kept.default_isolation_level)

        try:
            yield Unsynced(transaction=partial(transaction, kept), statement=statement)
        finally:  # somebody else has the connection next
            kept.exec_driver_sql("RESET synchronous_commit")
            kept.commit()


@contextmanager
def _begun(connection: Connection) -> Iterator[Connection]:
    with connection.begin():
        yield connection


@contextmanager
def reading(on: Engine | None = None) -> Iterator[Session]:
    """Give a session for looking things up; whatever is changed in it is undone.

    It sees the database as it stood when it first looked: a chain and the end of it that the case
    keeps, say, agree even while answers come in. SQLite's readers always do.
    """
    bound = (on or engine()).execution_options(pilot_reads=True)
    if bound.dialect.name == "postgresql":
        bound = bound.execution_options(isolation_level="REPEATABLE READ")
    with Session(bound, expire_on_commit=False) as session:
        yield session
