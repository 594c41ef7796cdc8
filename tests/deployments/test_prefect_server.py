"""What our entry point adds to Prefect's server on SQLite."""

import asyncio
import gc
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from deployments.prefect_server import close_failed_cursors

PATIENCE_SECONDS = 12


def test_a_statement_that_failed_never_holds_up_the_event_loop(tmp_path: Path) -> None:
    file = tmp_path / "prefect.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        other.execute("INSERT INTO t VALUES (1)")

        blocked = asyncio.run(seconds_blocked(file, other))

    assert blocked < PATIENCE_SECONDS / 2


async def seconds_blocked(file: Path, other: sqlite3.Connection) -> float:
    """Return how long the loop stands still when it clears up after a failure.

    Meanwhile the connection on which the statement failed waits for a lock that `other` holds.
    """
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{file}",
        connect_args={"timeout": PATIENCE_SECONDS, "isolation_level": None},
    )
    close_failed_cursors(engine.sync_engine)
    async with engine.connect() as connection:
        with pytest.raises(IntegrityError) as failure:
            await connection.execute(text("INSERT INTO t VALUES (1)"))
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(connection.execute(text("INSERT INTO t VALUES (2)")))
        await asyncio.sleep(0.5)

        began = monotonic()
        del failure
        gc.collect()
        blocked = monotonic() - began

        other.execute("ROLLBACK")
        await waiting
    await engine.dispose()
    return blocked
