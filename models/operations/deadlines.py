"""Moves of a deadline: an extension, the clock stopped, the clock restarted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from models.lifecycle import step_of
from models.operations.answering import UnknownItemError, require_item_number
from models.operations.audit import Deed, record
from models.operations.calendar_days import (
    add_working_days,
    is_workday,
    neighbouring_workdays,
    working_days_between,
)
from models.operations.case_in_hand import CaseInHand
from models.operations.cases import ReasonMissingError
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.rules.stages import Role
from models.tables.case import Case, StageRun, WorkItem
from models.tables.deadline import ClockStop, Extension
from models.tables.party import Party


class DeadlineOverError(PilotError):
    """The item has been dealt with."""

    def __init__(self, item_id: int, case_no: str) -> None:
        """Name the item, and where to read how it went."""
        super().__init__(
            f"事项 {item_id} 已办结，期限不能再改；经过见 pilot case history {case_no}"
        )


class FixedDeadlineError(PilotError):
    """The length of a public notice is not the item's to move."""

    def __init__(self, item_id: int) -> None:
        """Name the item."""
        super().__init__(f"事项 {item_id} 是公示，其期限就是公示期，不能延长、暂停或恢复")


class DayOffError(PilotError):
    """A deadline on a day on which nobody works."""

    def __init__(self, day: date, before: date | None, after: date | None) -> None:
        """Name the day and the working days beside it."""
        near = " 或 ".join(str(each) for each in (before, after) if each)
        super().__init__(f"{day} 不是工作日，期限须落在工作日上，例如 {near}")


class NotLaterError(PilotError):
    """An extension that does not extend."""

    def __init__(self, due_on: date, wanted: date) -> None:
        """Name both days."""
        super().__init__(f"现在的期限是 {due_on}，{wanted} 不晚于它，不是延长")


class StillOverdueError(PilotError):
    """An extension to a day that has passed."""

    def __init__(self, wanted: date, today: date) -> None:
        """Name both days."""
        super().__init__(f"延长后的期限 {wanted} 早于今天（{today}），请延长到今天或以后")


class BeyondProgrammeError(PilotError):
    """A deadline after the programme's end."""

    def __init__(self, wanted: date, programme: Programme) -> None:
        """Name the day and the end."""
        super().__init__(
            f"延长后的期限 {wanted} 晚于试点期末 {programme.ends_on}"
            f"（{programme.document_no}），不能延长到试点结束之后"
        )


class StoppedAlreadyError(PilotError):
    """The clock stands still."""

    def __init__(self, item_id: int, stop: ClockStop, wanted: str) -> None:
        """Say since when and for whom, and what is to be done before what was `wanted`."""
        super().__init__(
            f"事项 {item_id} 自 {stop.stopped_on} 起已暂停计时（等待{stop.waits_for.label}："
            f"{stop.reason}），不能{wanted}；先运行 pilot item restart {item_id}"
        )


class NotStoppedError(PilotError):
    """The clock runs."""

    def __init__(self, item_id: int) -> None:
        """Name the item."""
        super().__init__(f"事项 {item_id} 没有暂停计时，无须恢复")


class WaitsForItselfError(PilotError):
    """Who is asked cannot be the one waited for."""

    def __init__(self, role: Role) -> None:
        """Name the role."""
        super().__init__(
            f"该事项本来就由{role.label}办理，不能以等待{role.label}为由暂停；"
            "--waits-for 应为另一方，需要更多时间时用 pilot item extend"
        )


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What became of a deadline. A repeat changes nothing and has no number."""

    case: CaseInHand
    item: WorkItem
    enterprise: Party
    asked: Party
    before: date | None
    due_on: date | None
    #: Working days that the clock stood still; of a restart alone.
    stopped_days: int | None = None
    #: Of the entry in the case's trail.
    number: int | None = None


@dataclass(frozen=True)
class _Held:
    """An open item, held with its case until the transaction ends."""

    case: CaseInHand
    item: WorkItem
    asked: Party
    enterprise: Party
    stop: ClockStop | None

    @property
    def item_id(self) -> int:
        assert self.item.id is not None  # noqa: S101 -- read from the database
        return self.item.id


def extend(
    session: Session,
    item_id: int,
    *,
    days: int | None = None,
    until: date | None = None,
    reason: str,
    deed: Deed,
    programme: Programme,
    at: datetime,
) -> Moved:
    """Give an item `days` more working days, or time `until` a working day; just one is given.

    The same request again on the same day changes nothing. Refused for what is closed, stopped or
    a public notice; for a day off, a day that is past, and one after the programme's end.
    """
    held = _hold(session, item_id, "延长")
    reason = _stated(reason)
    if held.stop is not None:
        raise StoppedAlreadyError(item_id, held.stop, "延长")
    today, before = day_of(at), held.item.due_on
    assert before is not None  # noqa: S101 -- only notices and stopped items have none
    asked = str(until) if days is None else str(days)
    last = session.exec(
        select(Extension)
        .where(Extension.item_id == item_id)
        .order_by(col(Extension.id).desc())
        .limit(1)
    ).first()
    if last is not None and (
        (last.extended_on, last.asked, last.reason, last.extended_by, last.due_on)
        == (today, asked, reason, deed.actor, before)
    ):
        return _moved(held, last.due_before, before)
    if until is None:
        assert days is not None  # noqa: S101 -- one of the two is given
        due_on = add_working_days(session, before, days)
    else:
        due_on = until
        if not is_workday(session, until):
            raise DayOffError(until, *neighbouring_workdays(session, until))
    if due_on <= before:
        raise NotLaterError(before, due_on)
    if due_on < today:
        raise StillOverdueError(due_on, today)
    if due_on > programme.ends_on:
        raise BeyondProgrammeError(due_on, programme)
    session.add(
        Extension(
            item_id=item_id,
            extended_on=today,
            at=at,
            extended_by=deed.actor,
            asked=asked,
            reason=reason,
            due_before=before,
            due_on=due_on,
        )
    )
    return _move(session, held, due_on, deed, {"extended": asked, "reason": reason}, at)


def stop_clock(
    session: Session,
    item_id: int,
    *,
    waits_for: Role,
    reason: str,
    deed: Deed,
    at: datetime,
) -> Moved:
    """Let the item's clock stand still from today on: it has no due day until the restart.

    A stop for the same reason again changes nothing.
    """
    held = _hold(session, item_id, "暂停")
    reason = _stated(reason)
    if waits_for in (held.asked.role, Role.SYSTEM):
        raise WaitsForItselfError(held.asked.role)
    if held.stop is not None:
        if (held.stop.reason, held.stop.waits_for) == (reason, waits_for):
            return _moved(held, held.stop.due_before, None)
        raise StoppedAlreadyError(item_id, held.stop, "再次暂停")
    before = held.item.due_on
    assert before is not None  # noqa: S101 -- only notices and stopped items have none
    session.add(
        ClockStop(
            item_id=item_id,
            stopped_on=day_of(at),
            stopped_at=at,
            stopped_by=deed.actor,
            reason=reason,
            waits_for=waits_for,
            due_before=before,
        )
    )
    after = {"stopped": True, "waits_for": waits_for.value, "reason": reason}
    return _move(session, held, None, deed, after, at)


def restart_clock(session: Session, item_id: int, *, deed: Deed, at: datetime) -> Moved:
    """Let the clock run again: the due day moves by the working days that it stood still.

    A second restart on one day changes nothing. It may lead beyond the programme's end: the time
    waited for another was not the party's own.
    """
    held = _hold(session, item_id, "恢复")
    today = day_of(at)
    if held.stop is None:
        last = session.exec(
            select(ClockStop)
            .where(ClockStop.item_id == item_id)
            .order_by(col(ClockStop.id).desc())
            .limit(1)
        ).first()
        if last is not None and last.restarted_on == today:
            stood = working_days_between(session, last.stopped_on, today)
            return _moved(held, None, held.item.due_on, stopped_days=stood)
        raise NotStoppedError(item_id)
    stop = held.stop
    stood = working_days_between(session, stop.stopped_on, today)
    if stood is None:  # says what is missing
        add_working_days(session, today, 1)
        raise AssertionError("the calendar holds the day after a day that it does not hold")
    due_on = add_working_days(session, stop.due_before, stood) if stood else stop.due_before
    stop.restarted_on, stop.restarted_at, stop.restarted_by = today, at, deed.actor
    session.add(stop)
    after = {"restarted": True, "stopped_on": stop.stopped_on, "stopped_days": stood}
    return _move(session, held, due_on, deed, after, at, stopped_days=stood)


def _hold(session: Session, item_id: int, what: str) -> _Held:
    """Return the open item, held together with its case as an answer to it would hold it."""
    require_item_number(item_id)
    found = session.exec(
        select(Case, WorkItem)
        .join(WorkItem, col(WorkItem.case_no) == col(Case.case_no))
        .where(col(WorkItem.id) == item_id)
        .with_for_update(of=[Case, WorkItem], key_share=True)
    ).first()
    if found is None:
        raise UnknownItemError(item_id)
    case, item = found
    if item.closed_at is not None:
        raise DeadlineOverError(item_id, case.case_no)
    asked = session.get_one(Party, item.party_id)
    if asked.role is Role.SYSTEM:
        raise FixedDeadlineError(item_id)
    stop = session.exec(
        select(ClockStop).where(ClockStop.item_id == item_id, col(ClockStop.restarted_on).is_(None))
    ).first()
    return _Held(CaseInHand.of(case), item, asked, session.get_one(Party, case.enterprise_id), stop)


def _stated(reason: str) -> str:
    if not reason.strip():
        raise ReasonMissingError
    return reason.strip()


def _move(
    session: Session,
    held: _Held,
    due_on: date | None,
    deed: Deed,
    after: Mapping[str, object],
    at: datetime,
    *,
    stopped_days: int | None = None,
) -> Moved:
    """Set the due day, with the line in the case's trail; the form that stands is put up anew."""
    before = held.item.due_on
    held.item.due_on, held.item.due_since = due_on, day_of(at)
    session.add(held.item)
    session.execute(
        update(StageRun)
        .where(col(StageRun.asked_item_id) == held.item_id, col(StageRun.left_at).is_(None))
        .values(is_stale=True)
    )
    session.flush()
    number = record(
        session,
        held.case,
        deed,
        before={"item": held.item_id, "due_on": before},
        after={"item": held.item_id, "due_on": due_on, **after},
        at=at,
    )
    return _moved(held, before, due_on, number=number, stopped_days=stopped_days)


def _moved(
    held: _Held,
    before: date | None,
    due_on: date | None,
    *,
    number: int | None = None,
    stopped_days: int | None = None,
) -> Moved:
    return Moved(
        case=held.case,
        item=held.item,
        enterprise=held.enterprise,
        asked=held.asked,
        before=before,
        due_on=due_on,
        number=number,
        stopped_days=stopped_days,
    )


def action_words(item: WorkItem, what: str) -> str:
    """Return what the trail calls a move of this item's deadline: 诊断 · 开展诊断：延长期限."""
    return f"{item.stage.label} · {step_of(item.stage, item.step).label}：{what}"
