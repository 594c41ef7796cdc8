"""PostgreSQL: copied by `pg_dump` from one snapshot, replaced by renaming two databases at once."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from psycopg import errors, pq
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool
from sqlmodel import create_engine

from models.rules.errors import PilotError
from tasks.backups.manifest import Kind
from tasks.backups.refusals import BackupFailedError, DatabaseInUseError
from tasks.database import make_engine

#: Databases of every server to which one can connect in order to rename another.
_MAINTENANCE: Final = ("postgres", "template1")
#: PostgreSQL cuts names at 63 bytes; what we append is shorter than the rest.
_LONGEST_STEM: Final = 36

_EMPTY = text(
    "SELECT NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%')"
)
_LOCALE = text(
    "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database"
    " WHERE datname = current_database()"
)
_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


class ProgramMissingError(PilotError):
    """A program of PostgreSQL's client is missing or too old."""

    def __init__(self, program: str, why: str, server: int) -> None:
        """Say which and what to install."""
        super().__init__(
            f"备份 PostgreSQL 需要 {program}（{server} 或更高版本）：{why}；"
            f"请安装 PostgreSQL 客户端（例如 apt-get install postgresql-client-{server}）"
        )


class PostgresqlDatabase:
    """A database on a PostgreSQL server, spoken to by its own programs."""

    kind: Kind = "postgresql"
    member = "database.dump"

    def __init__(self, on: Engine) -> None:
        """Work on the database of that engine."""
        self._engine = on
        self._name = str(on.url.database)

    def version(self) -> int:
        """Return the server's major version."""
        with self._engine.connect() as connection:
            return _server_version(connection)

    def is_empty(self) -> bool:
        """Return whether there is no table, nor anything else, in any schema."""
        with self._engine.connect() as connection:
            return bool(connection.execute(_EMPTY).scalar_one())

    def copy(self, reader: Connection, to: Path) -> None:
        """Dump what the open transaction of `reader` sees, table by table."""
        program = _program("pg_dump", _server_version(reader))
        snapshot = reader.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        # Not compressed: the archive is.
        self._run(program, "-Fc", "-Z0", "--no-owner", "--no-privileges", "-f", str(to), *(
            f"--snapshot={snapshot}", "--no-password",
        ))  # fmt: skip

    @contextmanager
    def scratch(self, copy: Path, name: str) -> Iterator[Engine]:
        """Give a database beside this one, filled by `pg_restore`, dropped at the end.

        `name` makes its name; one left behind by a run that was killed is dropped first.
        """
        scratch = f"{self._stem()}_{name}"
        program = _program("pg_restore", self.version())
        with self._engine.connect() as connection:
            encoding, collate, ctype = connection.execute(_LOCALE).one()
        self._drop(scratch)
        engine = make_engine(self._engine.url.set(database=scratch))
        try:
            self._create(scratch, encoding, collate, ctype)
            self._run(program, "--exit-on-error", "--no-owner", "--no-privileges", *(
                "--no-password", "-d", scratch, str(copy),
            ))  # fmt: skip
            yield engine
        finally:
            engine.dispose()
            self._drop(scratch)

    def unsound(self, scratch: Engine) -> list[str]:
        """Return nothing: `pg_restore` has built every constraint and index anew."""
        return []

    def replace(self, scratch: Engine, stamp: str, last_look: Callable[[], None]) -> str | None:
        """Rename this database away and `scratch` to its name, in one transaction of the server.

        The server refuses as long as anybody is connected to either. An empty one is dropped, any
        other one kept: what was written since the safety backup would be in it.
        """
        old = f"{self._stem()}_before_{stamp}"
        is_empty = self.is_empty()
        last_look()
        self._engine.dispose()
        scratch.dispose()
        with self._maintenance() as connection:
            try:
                with connection.begin():
                    connection.exec_driver_sql(_rename(self._name, old))
                    connection.exec_driver_sql(_rename(str(scratch.url.database), self._name))
            except OperationalError as error:
                if isinstance(error.orig, errors.ObjectInUse):
                    raise DatabaseInUseError from None
                raise
        if is_empty:
            # Somebody may be looking at it just now: then it stays.
            with suppress(DBAPIError):
                self._drop(old, force="")
            return None
        return old

    @contextmanager
    def watched(self) -> Iterator[Callable[[], None]]:
        """Give a function that does nothing: what is written meanwhile is in the one kept."""
        yield lambda: None

    def require_free(self) -> None:
        """Raise `DatabaseInUseError` where anybody else is connected."""
        self._engine.dispose()
        with self._engine.connect() as connection:
            others = connection.execute(_OTHERS).scalar_one()
        self._engine.dispose()
        if others:
            raise DatabaseInUseError

    def put_aside(self, folder: Path) -> None:
        """Do nothing: a damaged database does not get as far as here."""

    def _stem(self) -> str:
        return self._name.encode()[:_LONGEST_STEM].decode(errors="ignore")

    @contextmanager
    def _maintenance(self) -> Iterator[Connection]:
        """Give a connection to another database of the same server."""
        for name in _MAINTENANCE:
            url = self._engine.url.set(database=name)
            engine = create_engine(url, poolclass=NullPool)
            try:
                connection = engine.connect()
            except OperationalError as error:
                refused = error
                continue
            with connection:
                yield connection
            return
        raise refused

    def _create(self, name: str, encoding: str, collate: str, ctype: str) -> None:
        try:
            self._outside_transactions(
                f"CREATE DATABASE {_quoted(name)} TEMPLATE template0 ENCODING {_literal(encoding)}"
                f" LC_COLLATE {_literal(collate)} LC_CTYPE {_literal(ctype)}"
            )
        except DBAPIError as error:
            if isinstance(error.orig, errors.InsufficientPrivilege):
                user = self._engine.url.username
                why = f"数据库用户 {user} 无权新建校验用的临时库；请执行 ALTER ROLE {user} CREATEDB"
                raise BackupFailedError("校验备份", why) from None
            raise

    def _drop(self, name: str, force: str = " WITH (FORCE)") -> None:
        self._outside_transactions(f"DROP DATABASE IF EXISTS {_quoted(name)}{force}")

    def _outside_transactions(self, statement: str) -> None:
        with self._maintenance() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(statement)

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs on this database; the password is in no list of it."""
        done = subprocess.run(
            [program, *arguments],
            env={**os.environ, **self._environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or [f"退出状态 {done.returncode}"]
            raise BackupFailedError(Path(program).name, said[-1][:500])

    def _environment(self) -> dict[str, str]:
        """Return how libpq is told what psycopg is told: by variables, not by arguments."""
        _, given = self._engine.dialect.create_connect_args(self._engine.url)
        return {
            option.envvar.decode(): str(given[option.keyword.decode()])
            for option in pq.Conninfo.get_defaults()
            if option.envvar and given.get(option.keyword.decode()) is not None
        }


def _server_version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000


def _program(name: str, server: int) -> str:
    """Return the path of a program that is not older than the server."""
    path = shutil.which(name)
    if path is None:
        raise ProgramMissingError(name, "PATH 中没有这个程序", server)
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    if found is None or int(found[1]) < server:
        raise ProgramMissingError(name, f"现有的是 {said.strip() or '未知版本'}", server)
    return path


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _literal(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _rename(old: str, new: str) -> str:
    return f"ALTER DATABASE {_quoted(old)} RENAME TO {_quoted(new)}"
