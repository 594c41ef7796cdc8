"""`python -m deployments.prefect_server`: Prefect's own server, made to hold on SQLite.

Prefect 3.8.8 opens its SQLite transactions with BEGIN DEFERRED, reads, and writes later. Where
another transaction has committed in between, SQLite refuses the write at once ("database is
locked": waiting could not help), and twenty answers at the same moment took a minute and failed in
part. BEGIN IMMEDIATE takes the write lock first and waits its turn. On PostgreSQL nothing changes.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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


def main() -> int:
    """Run the server until it is told to stop; return the exit status."""
    try:
        settings = Settings.read()
    except PilotError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    enter_prefect_environment(settings)
    begin_immediately()

    from prefect.cli import app

    sys.argv = ["prefect", "server", "start"]
    app()
    return 0


if __name__ == "__main__":
    sys.exit(main())
