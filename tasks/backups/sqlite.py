"""The embedded database: copied page by page, replaced in one transaction."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, cast

from sqlalchemy import URL, Connection, Engine

from tasks.backups.manifest import Kind
from tasks.backups.refusals import DatabaseDamagedError, DatabaseInUseError
from tasks.database import make_engine

_PAGES: Final = 1000
#: A transaction of ours takes milliseconds; whoever holds the lock this long will not let go.
_WAIT_SECONDS: Final = 30.0
_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED: Final = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


class SqliteDatabase:
    """A SQLite file with its write-ahead log."""

    kind: Kind = "sqlite"
    member = "database.sqlite"

    def __init__(self, on: Engine) -> None:
        """Work on the file of that engine."""
        self.file = Path(on.url.database or "")
        self._engine = on

    def version(self) -> int:
        """Return the major version of SQLite."""
        return sqlite3.sqlite_version_info[0]

    def is_empty(self) -> bool:
        """Return whether there is no file, or nothing in it; raises for a damaged one."""
        if not self.file.exists():
            return True
        with closing(self._open(self.file)) as connection:
            try:
                found = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except sqlite3.DatabaseError as error:
                raise_if_damaged(error)
                raise
        return bool(found[0] == 0)

    def copy(self, reader: Connection, to: Path) -> None:
        """Copy the pages that the open transaction of `reader` sees.

        That transaction keeps the copy from starting over at every write in between, and in WAL
        mode a reader never makes a writer wait.
        """
        source = cast(sqlite3.Connection, reader.connection.driver_connection)
        with closing(sqlite3.connect(to)) as target:
            source.backup(target, pages=_PAGES)

    @contextmanager
    def scratch(self, copy: Path, name: str) -> Iterator[Engine]:
        """Give the copy itself: nobody else knows of it. It needs no `name`."""
        engine = make_engine(URL.create("sqlite", database=str(copy)))
        try:
            yield engine
        finally:
            engine.dispose()

    def unsound(self, scratch: Engine) -> list[str]:
        """Return what SQLite's own checks find."""
        with scratch.connect() as connection:
            found = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check(10)")]
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        faults = [f"数据库结构：{each}" for each in found if each != "ok"]
        return faults + [f"表 {row[0]} 第 {row[1]} 行所指的 {row[2]} 不存在" for row in orphans]

    def replace(self, scratch: Engine, stamp: str, last_look: Callable[[], None]) -> str | None:
        """Write all pages of `scratch` over this database in one transaction of it.

        Not by renaming the file: a log left beside it would be replayed into the new one, and a
        program that has the old one open would go on writing into a file without a name. So the
        old or the new content is there whenever the power goes, and whoever waits sees the new.
        """
        del stamp  # nothing old is kept: the caller has made a backup of it
        self._engine.dispose()
        scratch.dispose()
        with (
            closing(self._open(Path(scratch.url.database or ""))) as source,
            closing(self._open(self.file)) as target,
        ):
            until = time.monotonic() + _WAIT_SECONDS

            def give_up(status: int, _left: int, _all: int) -> None:
                if status in _BUSY and time.monotonic() > until:
                    raise DatabaseInUseError

            last_look()
            source.backup(target, progress=give_up)
            # Without it the log would stay as large as the database.
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return None

    @contextmanager
    def watched(self) -> Iterator[Callable[[], None]]:
        """Give a function that raises `DatabaseInUseError` once anybody has written since."""
        with closing(self._open(self.file)) as connection:

            def version() -> int:
                return int(connection.execute("PRAGMA data_version").fetchone()[0])

            before = version()

            def last_look() -> None:
                if version() != before:
                    raise DatabaseInUseError

            yield last_look

    def require_free(self) -> None:
        """Do nothing: others wait for the lock, and see the new content then."""

    def put_aside(self, folder: Path) -> None:
        """Move a damaged file away with its log: another log must never meet another file."""
        folder.mkdir(parents=True)
        for ending in ("-shm", "-wal", ""):
            file = self.file.with_name(self.file.name + ending)
            if file.exists():
                os.rename(file, folder / file.name)

    def _open(self, file: Path) -> sqlite3.Connection:
        return sqlite3.connect(file, timeout=_WAIT_SECONDS, isolation_level=None)


def raise_if_damaged(error: BaseException | None) -> None:
    """Raise `DatabaseDamagedError` where that is what SQLite said."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        raise DatabaseDamagedError from None
