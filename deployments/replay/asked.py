"""What waits for people, as they see it: one plain row an open item."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from models.rules.stages import Role, Stage
from models.tables.case import Case, WorkItem
from models.tables.party import Party


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One open item and whom it asks."""

    item_id: int
    case_no: str
    enterprise_id: int
    stage: Stage
    step: str
    attempt: int
    opened_on: date
    due_on: date
    role: Role
    party_id: int


def asked_since(session: Session, last: int) -> Sequence[Asked]:
    """Return the open items numbered above `last`, in the order of their numbers."""
    rows = session.exec(
        select(WorkItem, Party, Case)
        .join(Party, col(Party.id) == col(WorkItem.party_id))
        .join(Case, col(Case.case_no) == col(WorkItem.case_no))
        .where(col(WorkItem.id) > last, col(WorkItem.closed_at).is_(None))
        .order_by(col(WorkItem.id))
    )
    return [
        Asked(
            item_id=item.id or 0,
            case_no=item.case_no,
            enterprise_id=case.enterprise_id,
            stage=item.stage,
            step=item.step,
            attempt=item.attempt,
            opened_on=item.opened_on,
            due_on=item.due_on or item.opened_on,
            role=party.role,
            party_id=item.party_id,
        )
        for item, party, case in rows
    ]
