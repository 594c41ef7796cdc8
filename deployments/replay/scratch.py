"""A home and a database of the replay's own, with none of the settings from outside."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, create_engine, text

from models.rules.errors import PilotError
from tasks import database
from tasks.migration import upgrade

#: A scratch database need not survive a power cut.
_UNSAFE = "-c synchronous_commit=off"


class NotEmptyFolderError(PilotError):
    """The folder to keep the replay in holds something already."""

    def __init__(self, folder: Path) -> None:
        """Name it."""
        super().__init__(f"目录 {folder} 不是空的；--keep 须指定一个新目录或空目录")


@contextmanager
def scratch(keep: Path | None = None, server: URL | None = None) -> Iterator[Path]:
    """Have an empty, migrated database within the block, as this process's own; give its home.

    On SQLite under the home, or in a database made for the time being on the PostgreSQL `server`.
    """
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise NotEmptyFolderError(keep)
    before = dict(os.environ)
    with TemporaryDirectory(prefix="pilot-replay-") as folder:
        home = (keep or Path(folder)).expanduser().resolve()
        for name in before:
            if name.startswith(("PILOT_", "PREFECT_")):
                del os.environ[name]
        os.environ["PILOT_HOME"] = str(home)
        try:
            with _database_on(server) if server is not None else _sqlite():
                upgrade(database.engine())
                yield home
        finally:
            database.engine().dispose()
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def _sqlite() -> Iterator[None]:
    database.engine().update_execution_options(pilot_synchronous="OFF")
    yield


@contextmanager
def _database_on(server: URL) -> Iterator[None]:
    name = f"pilot_replay_{os.getpid()}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        url = server.set(database=name).update_query_dict({"options": _UNSAFE})
        os.environ["PILOT_DATABASE_URL"] = url.render_as_string(hide_password=False)
        yield
    finally:
        database.engine().dispose()
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        admin.dispose()
