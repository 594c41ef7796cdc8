"""What copying and replacing a database takes, whatever its kind."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine

from tasks.backups.manifest import Kind
from tasks.backups.postgresql import PostgresqlDatabase
from tasks.backups.sqlite import SqliteDatabase


class Database(Protocol):
    """The database of an instance, as something to be copied and replaced as a whole."""

    @property
    def kind(self) -> Kind:
        """Which kind of archive fits it."""

    @property
    def member(self) -> str:
        """The name of its copy in an archive."""

    def version(self) -> int:
        """Return the major version of its software."""

    def is_empty(self) -> bool:
        """Return whether nothing at all has been put into it."""

    def copy(self, reader: Connection, to: Path) -> None:
        """Write what `reader`'s transaction sees to the file `to`; writers go on meanwhile."""

    def scratch(self, copy: Path, name: str) -> AbstractContextManager[Engine]:
        """Give a database of its own that holds what the file `copy` holds."""

    def unsound(self, scratch: Engine) -> list[str]:
        """Return what the database itself finds wrong with a scratch one."""

    def watched(self) -> AbstractContextManager[Callable[[], None]]:
        """Give the `last_look` for `replace`: it refuses to lose what was written since."""

    def require_free(self) -> None:
        """Refuse early, before any work, where others would keep it from being replaced."""

    def put_aside(self, folder: Path) -> None:
        """Move what cannot be read as a database into a new `folder`."""

    def replace(self, scratch: Engine, stamp: str, last_look: Callable[[], None]) -> str | None:
        """Put `scratch` in this one's place at one stroke; return where the old one is kept.

        `last_look` is called at the last moment at which it may still refuse.
        """


def database_of(on: Engine) -> Database:
    """Return the database behind `on`."""
    return SqliteDatabase(on) if on.dialect.name == "sqlite" else PostgresqlDatabase(on)
