"""What an answer reads of a case, as plain rows.

Every answer reads them all and changes next to nothing of them: to make them entities of the ORM
takes three times as long.
"""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Self

from sqlalchemy import FromClause
from sqlalchemy.sql.elements import KeyedColumnElement

from models.rules.stages import CaseStatus, Stage
from models.tables.case import Case


@dataclass
class CaseInHand:
    """A case that this transaction holds against everybody else, as it stands by now."""

    case_no: str
    batch_id: int
    enterprise_id: int
    provider_id: int | None
    assessor_id: int | None
    stage: Stage
    status: CaseStatus
    audit_length: int
    audit_head: str

    @classmethod
    def of(cls, case: Case) -> Self:
        """Return the case of a row that was read for update."""
        return cls(**{field.name: getattr(case, field.name) for field in fields(cls)})


@dataclass(frozen=True)
class OpenedItem:
    """What is told of an item that waits."""

    id: int
    case_no: str
    stage: Stage
    round: int
    step: str
    due_on: date | None
    reason: str


@dataclass(frozen=True)
class AskedItem(OpenedItem):
    """An item as an answer finds it; `closed_at` and `outcome` are None while it waits."""

    attempt: int
    closed_at: datetime | None
    outcome: str | None


def columns_of(table: FromClause, kind: type[Any]) -> tuple[KeyedColumnElement[Any], ...]:
    """Return the columns of `table` that fill the fields of `kind`, a dataclass, in their order."""
    return tuple(table.c[field.name] for field in fields(kind))
