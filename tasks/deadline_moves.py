"""Extensions, stops and restarts from people: each is one transaction, with the mail about it."""

from collections.abc import Callable
from datetime import date

from sqlalchemy import Engine
from sqlmodel import Session

from models.lifecycle import step_of
from models.operations import deadlines
from models.operations.audit import Deed
from models.operations.calendar_days import working_days_between
from models.operations.deadlines import Moved
from models.rules.clock import day_of
from models.rules.stages import Role
from notifications.contexts import DeadlineChange, DeadlineMoved
from tasks.answering import Moment, settled
from tasks.database import transaction
from tasks.hand_off_mails import Letters


def extend_item(
    item_id: int,
    *,
    days: int | None = None,
    until: date | None = None,
    reason: str,
    deed: Deed,
    moment: Moment,
    on: Engine | None = None,
) -> Moved:
    """Extend an item's deadline and tell who is asked; see `deadlines.extend`."""

    def move(session: Session) -> Moved:
        return deadlines.extend(
            session,
            item_id,
            days=days,
            until=until,
            reason=reason,
            deed=deed,
            programme=moment.programme,
            at=moment.at,
        )

    return _in_one(move, DeadlineChange.EXTENDED, reason, None, deed, moment, on)


def stop_item(
    item_id: int,
    *,
    waits_for: Role,
    reason: str,
    deed: Deed,
    moment: Moment,
    on: Engine | None = None,
) -> Moved:
    """Stop an item's clock and tell who is asked; see `deadlines.stop_clock`."""

    def move(session: Session) -> Moved:
        return deadlines.stop_clock(
            session, item_id, waits_for=waits_for, reason=reason, deed=deed, at=moment.at
        )

    return _in_one(move, DeadlineChange.STOPPED, reason, waits_for, deed, moment, on)


def restart_item(item_id: int, *, deed: Deed, moment: Moment, on: Engine | None = None) -> Moved:
    """Restart an item's clock and tell who is asked; see `deadlines.restart_clock`."""

    def move(session: Session) -> Moved:
        return deadlines.restart_clock(session, item_id, deed=deed, at=moment.at)

    return _in_one(move, DeadlineChange.RESTARTED, "", None, deed, moment, on)


def _in_one(
    move: Callable[[Session], Moved],
    change: DeadlineChange,
    reason: str,
    waits_for: Role | None,
    deed: Deed,
    moment: Moment,
    on: Engine | None,
) -> Moved:
    """Move a deadline and queue the mail about it, all or nothing; a repeat has no mail."""

    def work() -> Moved:
        with transaction(on) as session:
            moved = move(session)
            if moved.number is not None:
                _tell(session, moved, change, reason.strip(), waits_for, deed, moment)
        return moved

    return settled(work)


def _tell(
    session: Session,
    moved: Moved,
    change: DeadlineChange,
    reason: str,
    waits_for: Role | None,
    deed: Deed,
    moment: Moment,
) -> None:
    item, case = moved.item, moved.case
    step = step_of(item.stage, item.step)
    left = None
    if moved.due_on is not None:
        left = working_days_between(session, day_of(moment.at), moved.due_on)
    letters = Letters(
        moment.programme,
        moment.row,
        case,
        moved.enterprise,
        f"{case.case_no}-{moved.number:04}",
        moment.at,
        step.clause,
    )
    letters.write(
        moved.asked,
        DeadlineMoved,
        about=item.id,
        item_id=item.id,
        stage_name=item.stage.label,
        step_name=step.label,
        change=change,
        reason=reason or None,
        waits_for_name=waits_for.label if waits_for else None,
        stopped_days=moved.stopped_days,
        due_before=moved.before,
        due_on=moved.due_on,
        working_days=None if left is None else max(left, 0),
        decided_by_party=deed.party,
    )
    letters.queue(session)
