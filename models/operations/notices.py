"""The sweep of the public notices: begin what waits, end what has run out."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, select

from models.lifecycle import step_of
from models.operations.audit import Deed, record
from models.operations.calendar_days import add_working_days, is_workday
from models.operations.case_in_hand import CaseInHand
from models.operations.parties import SYSTEM_PARTY
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.stages import Channel, Stage
from models.tables.case import Case, WorkItem
from models.tables.programme import Batch
from models.tables.records import Objection, PublicNotice

STEP = "public-notice"


@dataclass(frozen=True)
class NoticesBegun:
    """What a sweep has published."""

    notice_nos: tuple[str, ...]
    items: int


def begin_notices(session: Session, programme: Programme, at: datetime) -> NoticesBegun:
    """Publish every case that waits for its notice; those of one batch and stage together.

    Nothing is published on a day off. The first day is not counted and the last one belongs to
    the notice (Civil Code 201, 203). A second call on the same day finds nothing left to publish.
    """
    today = day_of(at)
    if not is_workday(session, today):
        return NoticesBegun((), 0)
    is_waiting = (
        col(WorkItem.step) == STEP,
        col(WorkItem.closed_at).is_(None),
        ~select(PublicNotice.id).where(PublicNotice.item_id == col(WorkItem.id)).exists(),
    )
    # Held first, in one order, and only then looked at: what another sweep has published
    # meanwhile, or an answer has closed, is no longer waiting.
    session.exec(
        select(Case.case_no)
        .join(WorkItem, col(WorkItem.case_no) == col(Case.case_no))
        .where(*is_waiting)
        .order_by(Case.case_no)
        .with_for_update(of=Case, key_share=True)
    ).all()
    waiting = session.exec(
        select(WorkItem, Case, Batch.number)
        .join(Case, col(Case.case_no) == col(WorkItem.case_no))
        .join(Batch, col(Batch.id) == col(Case.batch_id))
        .where(*is_waiting)
        .order_by(col(WorkItem.id))
    ).all()
    ends: dict[Stage, date] = {}
    numbers: set[str] = set()
    for item, case, batch_number in waiting:
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
        step = step_of(item.stage, STEP)
        record(
            session,
            CaseInHand.of(case),
            Deed(
                party=SYSTEM_PARTY,
                actor=SYSTEM_PARTY,
                identity="系统自动",
                channel=Channel.SYSTEM,
                action=f"{item.stage.label} · {step.label}：开始公示",
                clause=f"{programme.document_no} {step.clause}",
            ),
            before={"item": item.id},
            after={
                "item": item.id,
                "notice": number,
                "starts_on": today,
                "ends_on": item.due_on,
            },
            at=at,
        )
    session.flush()
    return NoticesBegun(tuple(sorted(numbers)), len(waiting))


def ends_by_itself() -> ColumnElement[bool]:
    """Return, within a query of items, whether one is a notice that the sweep ends, unanswered."""
    is_disputed = (
        select(Objection.id)
        .where(col(Objection.item_id) == col(WorkItem.id), col(Objection.is_upheld).is_(None))
        .exists()
    )
    return and_(col(WorkItem.step) == STEP, ~is_disputed)


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
