"""What stands where: the board, the open items of each party, the list of cases, one case.

Each list is one query, whatever its length: deadlines are counted by joins with the calendar.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from sqlalchemy import and_, case
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select

from models.lifecycle import step_of
from models.operations.case_facts import CaseFacts, case_facts
from models.operations.case_history import HistoryEntry, case_history
from models.operations.prefilling import prefill
from models.rules.stages import STAGE_ORDER, CaseStatus, Role, Stage
from models.tables.case import Case, WorkItem
from models.tables.deadline import ClockStop
from models.tables.party import Party
from models.tables.programme import Batch, CalendarDay

__all__ = [
    "BoardRow",
    "CaseFacts",
    "CaseRow",
    "HistoryEntry",
    "OpenItem",
    "Stop",
    "board",
    "case_facts",
    "case_history",
    "case_rows",
    "open_items",
    "prefill",
]

_Enterprise = aliased(Party)
_DueDay = aliased(CalendarDay)
_Today = aliased(CalendarDay)
_IS_ITS_STOP = and_(
    col(ClockStop.item_id) == col(WorkItem.id), col(ClockStop.restarted_on).is_(None)
)


@dataclass(frozen=True, kw_only=True)
class BoardRow:
    """One stage: how many items are open, whom they wait for, how many are overdue."""

    stage: Stage
    label: str
    open_items: int
    waiting: Mapping[Role, int]
    overdue: int


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Since when an item's clock stands still, for whom and why."""

    since: date
    waits_for: Role
    reason: str

    @property
    def words(self) -> str:
        """自 2025-01-08 起暂停计时，等待企业：停产检修."""
        return f"自 {self.since} 起暂停计时，等待{self.waits_for.label}：{self.reason}"


@dataclass(frozen=True, kw_only=True)
class OpenItem:
    """One thing somebody is asked for."""

    item_id: int
    case_no: str
    enterprise: str
    batch: int
    county: str
    stage: Stage
    step: str
    step_label: str
    party_id: int
    party: str
    role: Role
    round: int
    opened_on: date
    due_on: date | None
    #: Working days from today up to the due day, negative when past; None where the calendar does
    #: not reach. Something due on Friday has 0 left on Saturday, and is overdue.
    days_left: int | None
    reason: str
    is_overdue: bool
    #: Set while the clock stands still: there is no due day, and nothing is overdue.
    stop: Stop | None = None


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    """One case in a list; what it waits for is empty once it has ended."""

    case_no: str
    enterprise: str
    batch: int
    county: str
    industry: str
    stage: Stage
    status: CaseStatus
    item_id: int | None
    step_label: str
    party: str
    due_on: date | None
    is_overdue: bool
    is_stopped: bool


def board(session: Session, today: date) -> tuple[BoardRow, ...]:
    """Return all six stages in order, each with its open items."""
    is_late = case((col(WorkItem.due_on) < today, 1), else_=0)
    counted = session.exec(
        select(WorkItem.stage, Party.role, func.count(), func.sum(is_late))
        .join(Party, col(Party.id) == col(WorkItem.party_id))
        .where(col(WorkItem.closed_at).is_(None))
        .group_by(col(WorkItem.stage), col(Party.role))
    ).all()
    rows = []
    for stage in STAGE_ORDER:
        waiting = {role: count for at, role, count, _ in counted if at is stage}
        rows.append(
            BoardRow(
                stage=stage,
                label=stage.label,
                open_items=sum(waiting.values()),
                # In the order of `Role`, so that two boards can be compared.
                waiting=MappingProxyType({role: waiting[role] for role in Role if role in waiting}),
                overdue=sum(late for at, _, _, late in counted if at is stage),
            )
        )
    return tuple(rows)


def open_items(
    session: Session,
    *,
    today: date,
    party: str | None = None,
    role: Role | None = None,
    overdue_only: bool = False,
    case_no: str | None = None,
    item_id: int | None = None,
    stopped_only: bool = False,
) -> list[OpenItem]:
    """Return the open items, the most urgent first.

    `party` is a name, or the word for a role where only one party holds it (市经信局).
    """
    wanted = (
        select(  # type: ignore[call-overload]  # sqlmodel types it up to four columns
            WorkItem,
            Party,
            _Enterprise,
            Batch.number,
            _DueDay.workday_no,
            _Today.workday_no,
            ClockStop,
        )
        .select_from(WorkItem)
        .join(Case, col(Case.case_no) == col(WorkItem.case_no))
        .join(Batch, col(Batch.id) == col(Case.batch_id))
        .join(Party, col(Party.id) == col(WorkItem.party_id))
        .join(_Enterprise, col(_Enterprise.id) == col(Case.enterprise_id))
        .outerjoin(_DueDay, col(_DueDay.day) == col(WorkItem.due_on))
        .outerjoin(_Today, col(_Today.day) == today)
        .outerjoin(ClockStop, _IS_ITS_STOP)
        .where(col(WorkItem.closed_at).is_(None))
        .order_by(col(WorkItem.due_on), col(WorkItem.id))
    )
    if party is not None:
        meant = next((each for each in Role if each.label == party), None)
        is_named = col(Party.name) == party
        wanted = wanted.where(is_named if meant is None else or_(is_named, Party.role == meant))
    if role is not None:
        wanted = wanted.where(Party.role == role)
    if overdue_only:
        wanted = wanted.where(col(WorkItem.due_on) < today)
    if stopped_only:
        wanted = wanted.where(col(ClockStop.id).is_not(None))
    if case_no is not None:
        wanted = wanted.where(WorkItem.case_no == case_no)
    if item_id is not None:
        wanted = wanted.where(WorkItem.id == item_id)
    return [
        _open_item(item, asked, enterprise, batch, due_no, today_no, stop, today)
        for item, asked, enterprise, batch, due_no, today_no, stop in session.exec(wanted)
    ]


def stop_of(session: Session, item_id: int) -> Stop | None:
    """Return the stop of an item whose clock stands still now."""
    stop = session.exec(
        select(ClockStop).where(ClockStop.item_id == item_id, col(ClockStop.restarted_on).is_(None))
    ).first()
    return _stop(stop)


def _stop(stop: ClockStop | None) -> Stop | None:
    if stop is None:
        return None
    return Stop(since=stop.stopped_on, waits_for=stop.waits_for, reason=stop.reason)


def _open_item(
    item: WorkItem,
    asked: Party,
    enterprise: Party,
    batch: int,
    due_no: int | None,
    today_no: int | None,
    stop: ClockStop | None,
    today: date,
) -> OpenItem:
    assert item.id is not None  # noqa: S101 -- read from the database
    return OpenItem(
        item_id=item.id,
        case_no=item.case_no,
        enterprise=enterprise.name,
        batch=batch,
        county=enterprise.county,
        stage=item.stage,
        step=item.step,
        step_label=step_of(item.stage, item.step).label,
        party_id=item.party_id,
        party=asked.name,
        role=asked.role,
        round=item.round,
        opened_on=item.opened_on,
        due_on=item.due_on,
        days_left=None if due_no is None or today_no is None else due_no - today_no,
        reason=item.reason,
        is_overdue=item.due_on is not None and item.due_on < today,
        stop=_stop(stop),
    )


def case_rows(
    session: Session,
    *,
    today: date,
    stage: Stage | None = None,
    status: CaseStatus | None = None,
    batch: int | None = None,
    county: str | None = None,
    text: str | None = None,
) -> list[CaseRow]:
    """Return the cases by number; `text` is looked for in number, name and credit code."""
    wanted = (
        select(  # type: ignore[call-overload]  # sqlmodel types it up to four columns
            Case, _Enterprise, Batch.number, WorkItem, Party.name, ClockStop.id
        )
        .select_from(Case)
        .join(Batch, col(Batch.id) == col(Case.batch_id))
        .join(_Enterprise, col(_Enterprise.id) == col(Case.enterprise_id))
        .outerjoin(
            WorkItem,
            and_(col(WorkItem.case_no) == col(Case.case_no), col(WorkItem.closed_at).is_(None)),
        )
        .outerjoin(Party, col(Party.id) == col(WorkItem.party_id))
        .outerjoin(ClockStop, _IS_ITS_STOP)
        .order_by(col(Case.case_no))
    )
    if stage is not None:
        wanted = wanted.where(Case.stage == stage)
    if status is not None:
        wanted = wanted.where(Case.status == status)
    if batch is not None:
        wanted = wanted.where(Batch.number == batch)
    if county is not None:
        wanted = wanted.where(_Enterprise.county == county)
    if text:
        wanted = wanted.where(
            or_(
                col(Case.case_no).icontains(text, autoescape=True),
                col(_Enterprise.name).icontains(text, autoescape=True),
                col(_Enterprise.credit_code).icontains(text, autoescape=True),
            )
        )
    return [
        CaseRow(
            case_no=file.case_no,
            enterprise=enterprise.name,
            batch=number,
            county=enterprise.county,
            industry=enterprise.industry,
            stage=file.stage,
            status=file.status,
            item_id=item.id if item else None,
            step_label=step_of(item.stage, item.step).label if item else "",
            party=asked or "",
            due_on=item.due_on if item else None,
            is_overdue=bool(item and item.due_on and item.due_on < today),
            is_stopped=stop is not None,
        )
        for file, enterprise, number, item, asked, stop in session.exec(wanted)
    ]
