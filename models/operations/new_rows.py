"""`INSERT … ON CONFLICT DO NOTHING`, said once for both databases.

The dialects' own `Insert` does the same, but SQLAlchemy 2.0 never caches it: to write its text anew
took longer than to execute it, in every answer and in every sweep.
"""

from typing import Any

from sqlalchemy import Insert, Table
from sqlalchemy.ext.compiler import compiles


class InsertNew(Insert):
    """Inserts the rows that break no unique constraint, and passes over the others.

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
