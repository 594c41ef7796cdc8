"""The sweep of the public notices: begin what waits, end what has run out."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from models.operations.calendar_days import add_working_days, is_workday
from models.policy import Programme
from models.rules.stages import Stage
from models.tables.case import Case, WorkItem
from models.tables.programme import Batch
from models.tables.records import Objection, PublicNotice

STEP = "public-notice"


@dataclass(frozen=True)
class NoticesBegun:
    """What a sweep has published."""

    notice_nos: tuple[str, ...]
    items: int


def begin_notices(session: Session, programme: Programme, today: date) -> NoticesBegun:
    """Publish every case that waits for its notice; those of one batch and stage together.

    Nothing is published on a day off. The first day is not counted and the last one belongs to
    the notice (Civil Code 201, 203). A second call on the same day finds nothing left to publish.
    """
    if not is_workday(session, today):
        return NoticesBegun((), 0)
    waiting = session.exec(
        select(WorkItem, Batch.number)
        .join(Case, col(Case.case_no) == col(WorkItem.case_no))
        .join(Batch, col(Batch.id) == col(Case.batch_id))
        .outerjoin(PublicNotice, col(PublicNotice.item_id) == col(WorkItem.id))
        .where(
            WorkItem.step == STEP,
            col(WorkItem.closed_at).is_(None),
            col(PublicNotice.id).is_(None),
        )
        .with_for_update(of=WorkItem)
    ).all()
    ends: dict[Stage, date] = {}
    numbers: set[str] = set()
    for item, batch_number in waiting:
        if item.stage not in ends:
            length = programme.working_days(item.stage, STEP)
            assert length is not None, "a notice has a length in working days"  # noqa: S101
            ends[item.stage] = add_working_days(session, today, length)
        number = f"公示〔{today:%Y%m%d}〕{item.stage.label}{batch_number}"
        numbers.add(number)
        item.due_on = ends[item.stage]
        assert item.id is not None  # noqa: S101 -- read from the database
        session.add_all(
            [
                item,
                PublicNotice(
                    item_id=item.id, notice_no=number, starts_on=today, ends_on=ends[item.stage]
                ),
            ]
        )
    session.flush()
    return NoticesBegun(tuple(sorted(numbers)), len(waiting))


def ended_notices(session: Session, today: date) -> list[int]:
    """Return the open items whose notice is over and has no objection waiting for a decision."""
    pending = select(Objection.item_id).where(col(Objection.is_upheld).is_(None))
    return list(
        session.exec(
            select(PublicNotice.item_id)
            .join(WorkItem, col(WorkItem.id) == col(PublicNotice.item_id))
            .where(
                col(WorkItem.closed_at).is_(None),
                PublicNotice.ends_on < today,
                col(PublicNotice.item_id).not_in(pending),
            )
            .order_by(col(PublicNotice.item_id))
        )
    )
