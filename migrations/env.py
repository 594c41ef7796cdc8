"""Alembic's entry: runs on the connection that the caller has opened."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import TypeDecorator
from sqlmodel import SQLModel

import models.tables.audit
import models.tables.case
import models.tables.deadline
import models.tables.event
import models.tables.mail
import models.tables.milestone
import models.tables.party
import models.tables.programme
import models.tables.reach
import models.tables.records
import models.tables.reminder
import models.tables.report
import models.tables.worklist  # noqa: F401 -- every table must be known to the metadata


def render_item(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Write our column types as what the database knows: a revision must not need our code."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_item,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
