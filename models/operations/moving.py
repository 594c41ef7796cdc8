"""Moves of a case: close an item, open the next one, enter a stage, end."""

from datetime import date, datetime

from sqlmodel import Session, col, func, select

from models.lifecycle import Back, End, Enter, Move, Next, Stay, Step, first_step, step_of
from models.operations.calendar_days import add_working_days
from models.operations.parties import party_for_role
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.rules.stages import CaseStatus, Role, Stage
from models.tables.case import Case, StageRun, WorkItem
from models.tables.party import Party
from models.tables.programme import Batch


class NobodyToAskError(PilotError):
    """The step asks a provider or an assessor, and the case has none."""

    def __init__(self, case_no: str, role: Role) -> None:
        """Name the case and the role."""
        self.case_no = case_no
        self.role = role
        super().__init__(f"案卷 {case_no} 尚未指派{role.label}，无法转交下一步")


def due_on(
    session: Session, programme: Programme, batch: Batch, stage: Stage, step: str, opened_on: date
) -> date:
    """Return the last day of `step` when it is opened on `opened_on`.

    A step that runs to a date of its batch and is opened after it (a correction, a rectification)
    is due at once: the calendar of the plan does not move by itself.
    """
    length = programme.step(stage, step)
    if length.working_days is not None:
        return add_working_days(session, opened_on, length.working_days)
    until = (
        batch.applications_close_on
        if length.until == "application-end"
        else batch.transformation_until
    )
    return max(until, opened_on)


def _asked(session: Session, case: Case, step: Step, enterprise: Party) -> int:
    """Return the party that `step` asks in this case."""
    if step.role is Role.ENTERPRISE:
        return case.enterprise_id
    if step.role in (Role.PROVIDER, Role.ASSESSOR):
        party_id = case.provider_id if step.role is Role.PROVIDER else case.assessor_id
        if party_id is None:
            raise NobodyToAskError(case.case_no, step.role)
        return party_id
    party = party_for_role(session, step.role, enterprise.county)
    assert party.id is not None  # noqa: S101 -- read from the database
    return party.id


def open_item(
    session: Session,
    programme: Programme,
    case: Case,
    batch: Batch,
    enterprise: Party,
    stage: Stage,
    step: Step,
    *,
    round_no: int,
    reason: str,
    at: datetime,
) -> WorkItem:
    """Open `step` for `case`, with its party and its deadline."""
    today = day_of(at)
    attempts = session.exec(
        select(func.count())
        .select_from(WorkItem)
        .where(WorkItem.case_no == case.case_no, WorkItem.stage == stage, WorkItem.step == step.key)
    ).one()
    item = WorkItem(
        case_no=case.case_no,
        stage=stage,
        round=round_no,
        step=step.key,
        attempt=attempts + 1,
        party_id=_asked(session, case, step, enterprise),
        opened_at=at,
        opened_on=today,
        due_on=due_on(session, programme, batch, stage, step.key, today),
        reason=reason,
    )
    session.add(item)
    session.flush()
    return item


def enter_stage(session: Session, case: Case, stage: Stage) -> int:
    """Move `case` into `stage` and want a flow run for this stay; return the round it starts."""
    rounds, entries = session.exec(
        select(
            select(func.coalesce(func.max(WorkItem.round), 0))
            .where(WorkItem.case_no == case.case_no, WorkItem.stage == stage)
            .scalar_subquery(),
            select(func.count())
            .select_from(StageRun)
            .where(StageRun.case_no == case.case_no, StageRun.stage == stage)
            .scalar_subquery(),
        )
    ).one()
    case.stage = stage
    session.add_all([case, StageRun(case_no=case.case_no, stage=stage, entry=entries + 1)])
    return int(rounds) + 1


def leave_stage(session: Session, case: Case, at: datetime) -> None:
    """Note that the present stay in the stage is over; its run has only to finish."""
    run = session.exec(
        select(StageRun).where(StageRun.case_no == case.case_no, col(StageRun.left_at).is_(None))
    ).one()
    run.left_at = at
    session.add(run)


def end_case(session: Session, case: Case, status: CaseStatus, at: datetime) -> None:
    """End `case` as `status`."""
    leave_stage(session, case, at)
    case.status = status
    case.closed_at = at
    session.add(case)


def follow(
    session: Session,
    programme: Programme,
    case: Case,
    batch: Batch,
    enterprise: Party,
    item: WorkItem,
    move: Move,
    *,
    reason: str,
    at: datetime,
) -> WorkItem | None:
    """Carry out `move` after `item` was closed; return the item that is open now, if any."""
    stage, round_no = item.stage, item.round
    match move:
        case Stay():
            return item
        case End(status=status):
            end_case(session, case, status, at)
            return None
        case Next(step=key):
            step, reason = step_of(stage, key), ""
        case Back(step=key):
            step, round_no = step_of(stage, key), round_no + 1
        case Enter(stage=entered, step=key, is_return=is_return):
            leave_stage(session, case, at)
            session.flush()
            stage = entered
            round_no = enter_stage(session, case, stage)
            step = step_of(stage, key) if key else first_step(stage)
            reason = reason if is_return else ""
    return open_item(
        session,
        programme,
        case,
        batch,
        enterprise,
        stage,
        step,
        round_no=round_no,
        reason=reason,
        at=at,
    )
