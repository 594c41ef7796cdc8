"""`python -m deployments.prefect_server`: Prefect's own server, made to hold on SQLite.

Prefect 3.8.8 opens its SQLite transactions with BEGIN DEFERRED, reads, and writes later. Where
another transaction has committed in between, SQLite refuses the write at once ("database is
locked": waiting could not help), and twenty answers at the same moment took a minute and failed in
part. BEGIN IMMEDIATE takes the write lock first and waits its turn.

A statement that fails leaves its cursor to the garbage collector, which may come by in the thread
of the event loop. It then waits for the connection, which by now waits for the write lock, whose
holder waits for the event loop: the server stood still for the whole of SQLite's patience, a
minute, and again at the next failure. A failed cursor is closed where it failed instead.

On PostgreSQL nothing changes.
"""

import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

from deployments.prefect_environment import enter_prefect_environment
from deployments.settings import Settings
from models.rules.errors import PilotError


def begin_immediately() -> None:
    """Make every SQLite transaction of the Prefect server in this process take its lock first."""
    from prefect.server.database.configurations import SQLITE_BEGIN_MODE, AioSqliteConfiguration

    @asynccontextmanager
    async def begin_transaction(
        self: AioSqliteConfiguration,
        session: AsyncSession,
        with_for_update: bool = True,
    ) -> AsyncIterator[AsyncSessionTransaction]:
        async with session.begin() as transaction:
            # For this connection alone: set for longer, it would also make the sessions that are
            # opened meanwhile, to read, wait for a lock that this one holds.
            token = SQLITE_BEGIN_MODE.set("IMMEDIATE")
            try:
                await session.connection()
            finally:
                SQLITE_BEGIN_MODE.reset(token)
            yield transaction

    # A name that is gone would be created silently here: `tests/deployments` runs a burst.
    AioSqliteConfiguration.begin_transaction = begin_transaction  # type: ignore[method-assign]


class _Cursor(sqlite3.Cursor):
    """A cursor that lets go of a statement that failed, in the thread of its connection."""

    def execute(self, *arguments: Any) -> Self:
        try:
            return super().execute(*arguments)
        except sqlite3.Error:
            self.close()
            raise

    def executemany(self, *arguments: Any) -> Self:
        try:
            return super().executemany(*arguments)
        except sqlite3.Error:
            self.close()
            raise


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


def close_failed_cursors(engine: type[Engine] | Engine = Engine) -> None:
    """Leave no failed cursor on SQLite to the garbage collector: of `engine`, by default of all."""

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        if dialect.name == "sqlite":
            options["factory"] = _Connection


def main() -> int:
    """Run the server until it is told to stop; return the exit status."""
    try:
        settings = Settings.read()
    except PilotError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    enter_prefect_environment(settings)
    begin_immediately()
    close_failed_cursors()

    from prefect.cli import app

    sys.argv = ["prefect", "server", "start"]
    app()
    return 0


if __name__ == "__main__":
    sys.exit(main())
