"""New rows, written at once and without the ORM keeping watch over them."""

from functools import cache
from typing import Any

from sqlalchemy import Insert, Table, insert
from sqlalchemy.ext.compiler import compiles
from sqlmodel import Session

from models.tables.base import Table as Row


@cache
def _into(kind: type[Row]) -> tuple[Insert, tuple[str, ...]]:
    """Return the statement for rows of `kind`, and the columns that it fills."""
    table = kind.metadata.tables[str(kind.__tablename__)]
    # Inline: the number is not asked for.
    columns = (column.name for column in table.c if column is not table.autoincrement_column)
    return insert(table).inline(), tuple(columns)


def keep(session: Session, *rows: Row) -> None:
    """Write `rows`, all of one table, of which nothing more is wanted in this transaction.

    They get their numbers from the database and do not learn them. To write them so takes a third
    of the time that the ORM's unit of work takes.
    """
    if not rows:
        return
    statement, columns = _into(type(rows[0]))
    values = [{name: getattr(row, name) for name in columns} for row in rows]
    session.connection().execute(statement, values if len(values) > 1 else values[0])


class InsertNew(Insert):
    """`INSERT … ON CONFLICT DO NOTHING`, for both databases, passing over rows that are there.

    The dialects' own `Insert` does the same, but SQLAlchemy 2.0 never caches it: to write its text
    anew took longer than to execute it, in every answer and in every sweep.

    Not for `RETURNING`, which would have to follow what is added here. A query of rows needs a
    condition: without one SQLite takes `ON` for part of a join.
    """

    inherit_cache = True


@compiles(InsertNew)
def _insert_new(statement: InsertNew, compiler: Any, **options: Any) -> str:
    return f"{compiler.visit_insert(statement, **options)} ON CONFLICT DO NOTHING"


def insert_new(table: Table) -> InsertNew:
    """Return the statement for `table`; rows, or a query of them, are given as to `insert`."""
    # Inline: no key of a new row is asked for, which would be by `RETURNING`.
    return InsertNew(table).inline()
