"""The floor: what a transaction writes, recorded statement by statement, and replayed bare.

The floor knows no rule, no form, no ORM and asks nothing: in each transaction it executes, by
SQLAlchemy Core, exactly the INSERTs and UPDATEs that the real one executed, with the same values.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Executable, event
from sqlalchemy.sql.dml import UpdateBase

#: The statements of one transaction: what, and with which values.
Written = list[tuple[Executable, Any]]


@contextmanager
def recorded(engine: Engine, transactions: list[Written]) -> Iterator[None]:
    """Add the writing transactions on `engine` to `transactions` as they commit."""
    open_ones: dict[Connection, Written] = {}

    def note(
        connection: Connection,
        statement: Executable,
        multiparams: Sequence[Mapping[str, Any]],
        params: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> None:
        if isinstance(statement, UpdateBase):
            values = [dict(each) for each in multiparams] or dict(params)
            open_ones.setdefault(connection, []).append((statement, values))

    def keep(connection: Connection) -> None:
        if connection in open_ones:
            transactions.append(open_ones.pop(connection))

    event.listen(engine, "before_execute", note)
    event.listen(engine, "commit", keep)
    try:
        yield
    finally:
        event.remove(engine, "before_execute", note)
        event.remove(engine, "commit", keep)


def replay(engine: Engine, written: Written) -> None:
    """Write in one transaction what was written in the recorded one."""
    with engine.begin() as connection:
        for statement, values in written:
            connection.execute(statement, values)
