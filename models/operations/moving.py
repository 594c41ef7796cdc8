"""Moves of a case: close an item, open the next one, enter a stage, end."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, insert, update
from sqlalchemy import select as select_rows
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from models.lifecycle import Back, End, Enter, Move, Next, Stay, Step, first_step, step_of
from models.operations.calendar_days import add_working_days, neighbouring_workdays
from models.operations.case_in_hand import AskedItem, CaseInHand, OpenedItem
from models.operations.parties import (
    ADDRESSEE,
    PERSON,
    Addressee,
    Applicant,
    NoPartyForRoleError,
    Person,
    first_reachable,
)
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.rules.stages import CaseStatus, Role, Stage
from models.tables.case import StageRun, WorkItem
from models.tables.party import Contact, Party
from models.tables.programme import Batch, CalendarDay

# Rows that nobody asks for again in the transaction that writes them: no ORM identity is wanted.
_CASE = WorkItem.metadata.tables["case_file"]
_ITEM = WorkItem.metadata.tables["work_item"]
_RUN = WorkItem.metadata.tables["stage_run"]

_CLOSE_ITEM = (
    update(_ITEM)
    .where(_ITEM.c.id == bindparam("item_id"))
    .values(closed_at=bindparam("at"), outcome=bindparam("how"))
)
_OPEN_ITEM = insert(_ITEM).returning(_ITEM.c.id)
_MOVE_CASE = (
    update(_CASE).where(_CASE.c.case_no == bindparam("case")).values(stage=bindparam("into"))
)
_END_CASE = (
    update(_CASE)
    .where(_CASE.c.case_no == bindparam("case"))
    .values(status=bindparam("how"), closed_at=bindparam("at"))
)
_WANT_RUN = insert(_RUN)
_LEAVE_STAGE = (
    update(_RUN)
    .where(_RUN.c.case_no == bindparam("left"), _RUN.c.left_at.is_(None))
    .values(left_at=bindparam("at"))
)

_Start, _End = aliased(CalendarDay), aliased(CalendarDay)

#: Who is asked next, whom to write to, the how-manieth time, and until when: all that opening an
#: item looks up. All of it has been written already; what has not may wait for the one flush.
_NEXT = (
    select_rows(
        *ADDRESSEE,
        *PERSON,
        select(func.count())
        .select_from(WorkItem)
        .where(
            col(WorkItem.case_no) == bindparam("case_no"),
            col(WorkItem.stage) == bindparam("stage"),
            col(WorkItem.step) == bindparam("step"),
        )
        .scalar_subquery(),
        select(col(_End.day))
        .join(_Start, col(_End.workday_no) == col(_Start.workday_no) + bindparam("working_days"))
        .where(col(_Start.day) == bindparam("today"), col(_End.is_workday))
        .scalar_subquery(),
    )
    .select_from(Party)
    .outerjoin(Contact, col(Contact.id) == first_reachable(col(Party.id)))
)
_NEXT_OF_CASE = _NEXT.where(col(Party.id) == bindparam("party_id"))
_NEXT_OF_ROLE = _NEXT.where(col(Party.role) == bindparam("role")).order_by(col(Party.id)).limit(1)
_NEXT_OF_COUNTY = _NEXT_OF_ROLE.where(col(Party.county) == bindparam("county"))

#: How many rounds the case has had in a stage, and how many stays.
_ROUNDS_AND_STAYS = select_rows(
    select(func.coalesce(func.max(WorkItem.round), 0))
    .where(col(WorkItem.case_no) == bindparam("case_no"), col(WorkItem.stage) == bindparam("stage"))
    .scalar_subquery(),
    select(func.count())
    .select_from(StageRun)
    .where(col(StageRun.case_no) == bindparam("case_no"), col(StageRun.stage) == bindparam("stage"))
    .scalar_subquery(),
)


class NobodyToAskError(PilotError):
    """The step asks a provider or an assessor, and the case has none."""

    def __init__(self, case_no: str, role: Role) -> None:
        """Name the case and the role."""
        self.case_no = case_no
        self.role = role
        super().__init__(f"案卷 {case_no} 尚未指派{role.label}，无法转交下一步")


@dataclass(frozen=True)
class Waiting:
    """What a case waits for now, of whom, and whom to write to where that has been looked up."""

    item: OpenedItem
    party: Addressee
    contact: Person | None = None


def _next_party(
    session: Session,
    case: CaseInHand,
    enterprise: Applicant | Party,
    stage: Stage,
    step: Step,
    working_days: int,
    today: date,
) -> tuple[Addressee, Person | None, int, date | None]:
    """Return who is asked, his contact, how often, and the day so many working days from today."""
    wanted = {
        "case_no": case.case_no,
        "stage": stage,
        "step": step.key,
        "working_days": working_days,
        "today": today,
    }
    connection = session.connection()
    match step.role:
        case Role.ENTERPRISE:
            found = connection.execute(_NEXT_OF_CASE, {**wanted, "party_id": case.enterprise_id})
        case Role.PROVIDER | Role.ASSESSOR:
            party_id = case.provider_id if step.role is Role.PROVIDER else case.assessor_id
            if party_id is None:
                raise NobodyToAskError(case.case_no, step.role)
            found = connection.execute(_NEXT_OF_CASE, {**wanted, "party_id": party_id})
        case Role.COUNTY_BUREAU:
            county = {"role": step.role, "county": enterprise.county}
            found = connection.execute(_NEXT_OF_COUNTY, {**wanted, **county})
        case _:
            found = connection.execute(_NEXT_OF_ROLE, {**wanted, "role": step.role})
    row = found.first()
    if row is None:
        county_name = enterprise.county if step.role is Role.COUNTY_BUREAU else ""
        raise NoPartyForRoleError(step.role, county_name)
    *who, times, day = row
    addressee = Addressee(*who[: len(ADDRESSEE)])
    person = Person(*who[len(ADDRESSEE) :])
    return addressee, person if person.id else None, times, day


def open_item(
    session: Session,
    programme: Programme,
    case: CaseInHand,
    enterprise: Applicant | Party,
    stage: Stage,
    step: Step,
    *,
    round_no: int,
    reason: str,
    at: datetime,
) -> Waiting:
    """Open `step` for `case`; return the item, with its deadline, and who is asked.

    A step that runs to a date of its batch and is opened after it (a correction, a rectification)
    is due at once: the calendar of the plan does not move by itself. No deadline is on a day off.
    """
    today = day_of(at)
    length = programme.step(stage, step.key)
    party, contact, times, due_on = _next_party(
        session, case, enterprise, stage, step, length.working_days or 0, today
    )
    if length.working_days is None:
        batch = session.get_one(Batch, case.batch_id)
        until = (
            batch.applications_close_on
            if length.until == "application-end"
            else batch.transformation_until
        )
        due_on = _due_by(session, until, today)
    elif due_on is None:
        due_on = add_working_days(session, today, length.working_days)  # says what is missing
    told: dict[str, Any] = {
        "case_no": case.case_no,
        "stage": stage,
        "round": round_no,
        "step": step.key,
        "due_on": due_on,
        "reason": reason,
    }
    kept = {"attempt": times + 1, "party_id": party.id, "opened_at": at, "opened_on": today}
    item_id = session.connection().execute(_OPEN_ITEM, {**told, **kept}).scalar_one()
    return Waiting(OpenedItem(id=item_id, **told), party, contact)


def _due_by(session: Session, until: date, today: date) -> date:
    """Return the last working day up to `until` or, where that is past, the first from today on."""
    last, _ = neighbouring_workdays(session, until)
    if last is not None and last >= today:
        return last
    _, first = neighbouring_workdays(session, today)
    return first or add_working_days(session, today, 0)  # says what is missing


def close_item(session: Session, item_id: int, outcome: str, at: datetime) -> None:
    """Close the item in the database before the next one is opened: a case has one open item."""
    session.connection().execute(_CLOSE_ITEM, {"item_id": item_id, "at": at, "how": outcome})


def enter_stage(session: Session, case: CaseInHand, stage: Stage) -> int:
    """Move `case` into `stage` and want a flow run for this stay; return the round it starts."""
    connection = session.connection()
    rounds, stays = connection.execute(
        _ROUNDS_AND_STAYS, {"case_no": case.case_no, "stage": stage}
    ).one()
    connection.execute(_MOVE_CASE, {"case": case.case_no, "into": stage})
    case.stage = stage
    connection.execute(_WANT_RUN, {"case_no": case.case_no, "stage": stage, "entry": stays + 1})
    return int(rounds) + 1


def leave_stage(session: Session, case: CaseInHand, at: datetime) -> None:
    """Note that the present stay in the stage is over; its run has only to finish."""
    left = session.connection().execute(_LEAVE_STAGE, {"left": case.case_no, "at": at})
    assert left.rowcount == 1, "an active case stands in one stage"  # noqa: S101


def end_case(session: Session, case: CaseInHand, status: CaseStatus, at: datetime) -> None:
    """End `case` as `status`."""
    leave_stage(session, case, at)
    session.connection().execute(_END_CASE, {"case": case.case_no, "how": status, "at": at})
    case.status = status


def follow(
    session: Session,
    programme: Programme,
    case: CaseInHand,
    enterprise: Applicant | Party,
    item: AskedItem,
    asked: Addressee,
    move: Move,
    *,
    reason: str,
    at: datetime,
) -> Waiting | None:
    """Carry out `move` after `item`, put to `asked`, was closed.

    Returns the item that is open now and who is asked, if the case goes on.
    """
    stage, round_no = item.stage, item.round
    match move:
        case Stay():
            return Waiting(item, asked)
        case End(status=status):
            end_case(session, case, status, at)
            return None
        case Next(step=key):
            step, reason = step_of(stage, key), ""
        case Back(step=key):
            step, round_no = step_of(stage, key), round_no + 1
        case Enter(stage=entered, step=key, is_return=is_return):
            leave_stage(session, case, at)
            stage = entered
            round_no = enter_stage(session, case, stage)
            step = step_of(stage, key) if key else first_step(stage)
            reason = reason if is_return else ""
    return open_item(
        session,
        programme,
        case,
        enterprise,
        stage,
        step,
        round_no=round_no,
        reason=reason,
        at=at,
    )
