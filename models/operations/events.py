"""Events: training and matching. Add one, invite parties, record who came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from models.operations.audit import Deed
from models.operations.milestones import milestone_or_target
from models.operations.register_trail import hold_register, record_registration
from models.policy import Programme
from models.policy.figures import Milestone
from models.rules.clock import SHANGHAI
from models.rules.errors import PilotError
from models.rules.milestones import Measure
from models.rules.stages import CaseStatus, Role
from models.tables.case import Case
from models.tables.event import Event, Invitation
from models.tables.party import Party
from models.tables.programme import Batch


class UnknownEventError(PilotError):
    """There is no such event."""

    def __init__(self, event_id: int) -> None:
        """Name the number asked for."""
        super().__init__(f"没有编号为 {event_id} 的活动；可用 pilot event list 查看")


class EventTimesError(PilotError):
    """An event that would end before it begins."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("活动的结束时间应晚于开始时间")


class NotForEventsError(PilotError):
    """The milestone is not one of events."""

    def __init__(self, key: str, known: Sequence[str]) -> None:
        """Name the milestone asked for and those of events."""
        super().__init__(f"{key} 不是举办活动的里程碑；应为 {'、'.join(known)} 之一")


class EventOverError(PilotError):
    """What is over is neither moved nor called off, and nobody is invited to it."""

    def __init__(self, name: str, what: str) -> None:
        """Name the event and what was wanted."""
        super().__init__(f"活动“{name}”已经结束，不能再{what}")


class EventCancelledError(PilotError):
    """What was called off is not moved, nobody is invited to it and nobody came."""

    def __init__(self, name: str, what: str) -> None:
        """Name the event and what was wanted."""
        super().__init__(f"活动“{name}”已取消，不能再{what}；确要举办请换一个名称另行登记")


class EventExistsError(PilotError):
    """Another event of that name begins at that time."""

    def __init__(self, name: str, other: int) -> None:
        """Name it."""
        super().__init__(f"已有同名同时的活动“{name}”（编号 {other}），请核对时间")


class EventReasonError(PilotError):
    """Those invited are told why."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("必须写明理由（--reason），邮件会告知受邀单位")


class NotBegunError(PilotError):
    """Nobody has come to what has not begun."""

    def __init__(self, name: str, starts_at: datetime) -> None:
        """Name the event and when it begins."""
        begins = starts_at.astimezone(SHANGHAI)
        super().__init__(f"活动“{name}”{begins:%Y-%m-%d %H:%M} 才开始，还不能登记签到")


class MovedIntoPastError(PilotError):
    """An event is not moved to a time that is past."""

    def __init__(self, starts_at: datetime) -> None:
        """Name the time."""
        begins = starts_at.astimezone(SHANGHAI)
        super().__init__(f"新的开始时间 {begins:%Y-%m-%d %H:%M} 已过，请核对")


class NobodyInvitedError(PilotError):
    """The choice of whom to invite finds nobody."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("没有符合条件的单位可邀请")


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """An event in the list, with how many were invited and how many came."""

    event: Event
    invited: int
    came: int


def event_milestones(programme: Programme) -> list[str]:
    """Return the keys of the milestones whose progress is counted by events."""
    return [
        each.key
        for each in programme.milestones
        if programme.progress[each.key].measure is Measure.EVENTS_HELD
    ]


def add_event(
    session: Session,
    programme: Programme,
    new: Event,
    deed: Deed,
    party: Party,
    *,
    at: datetime,
) -> tuple[Event, bool]:
    """Enter `new` and return it, and whether it is new: the same name and time is the same."""
    milestone = milestone_or_target(programme, new.milestone_key)
    known = event_milestones(programme)
    if not isinstance(milestone, Milestone) or milestone.key not in known:
        raise NotForEventsError(new.milestone_key, known)
    if new.ends_at <= new.starts_at:
        raise EventTimesError
    hold_register(session)
    there = session.exec(
        select(Event).where(Event.name == new.name, Event.starts_at == new.starts_at)
    ).first()
    if there is not None and there.cancelled_at is not None:
        raise EventCancelledError(new.name, "登记")
    if there is not None:
        return there, False
    session.add(new)
    session.flush()
    record_registration(session, deed, party, before={}, after=_told(new), at=at)
    return new, True


def event_numbered(session: Session, event_id: int) -> Event:
    """Return the event, or raise `UnknownEventError`."""
    event = session.get(Event, event_id)
    if event is None:
        raise UnknownEventError(event_id)
    return event


def parties_of(
    session: Session, *, role: Role | None, batch: int | None, names: Sequence[str]
) -> list[Party]:
    """Return whom to invite: by name, or all of a role, or all enterprises of a batch's cases."""
    wanted = select(Party).where(Party.role != Role.SYSTEM).order_by(col(Party.id))
    if names:
        wanted = wanted.where(col(Party.name).in_(names))
    if role is not None:
        wanted = wanted.where(Party.role == role)
    if batch is not None:
        cases = (
            select(col(Case.enterprise_id))
            .join(Batch, col(Batch.id) == col(Case.batch_id))
            .where(Batch.number == batch, Case.status == CaseStatus.ACTIVE)
        )
        wanted = wanted.where(col(Party.id).in_(cases))
    found = list(session.exec(wanted))
    missing = set(names) - {party.name for party in found}
    if missing or not found:
        raise NobodyInvitedError
    return found


def invite(
    session: Session,
    event: Event,
    parties: Sequence[Party],
    deed: Deed,
    party: Party,
    *,
    at: datetime,
) -> list[Party]:
    """Invite `parties` and return those who had not been invited before."""
    _require_ahead(event, "邀请", at)
    hold_register(session)
    invited = set(
        session.exec(select(col(Invitation.party_id)).where(Invitation.event_id == event.id))
    )
    new = [each for each in parties if each.id not in invited]
    session.add_all(
        Invitation(event_id=event.id or 0, party_id=each.id or 0, invited_at=at) for each in new
    )
    session.flush()
    if new:
        after = {"event": event.name, "invited": [each.name for each in new]}
        record_registration(session, deed, party, before={}, after=after, at=at)
    return new


def attend(
    session: Session,
    event: Event,
    who: Party,
    attendees: str,
    deed: Deed,
    party: Party,
    *,
    has_attended: bool,
    at: datetime,
) -> Invitation:
    """Record whether `who` came to `event`, invited or not; the same again changes nothing."""
    if event.cancelled_at is not None:
        raise EventCancelledError(event.name, "登记签到")
    if event.starts_at > at:
        raise NotBegunError(event.name, event.starts_at)
    hold_register(session)
    row = session.exec(
        select(Invitation).where(Invitation.event_id == event.id, Invitation.party_id == who.id)
    ).first()
    if row is None:
        row = Invitation(event_id=event.id or 0, party_id=who.id or 0, invited_at=at)
    before = _attendance(event, who, row)
    row.has_attended = has_attended
    row.attendees = attendees.strip() if has_attended else ""
    after = _attendance(event, who, row)
    session.add(row)
    session.flush()
    if after != before:
        record_registration(session, deed, party, before=before, after=after, at=at)
    return row


def move_event(
    session: Session,
    event: Event,
    deed: Deed,
    party: Party,
    *,
    starts_at: datetime,
    ends_at: datetime,
    place: str,
    reason: str,
    at: datetime,
) -> bool:
    """Give an event other hours or another place; return whether anything is other than it was."""
    hold_register(session)
    session.refresh(event)
    _require_ahead(event, "改期", at)
    if ends_at <= starts_at:
        raise EventTimesError
    if not reason.strip():
        raise EventReasonError
    if (event.starts_at, event.ends_at, event.place) == (starts_at, ends_at, place):
        return False
    if starts_at <= at:
        raise MovedIntoPastError(starts_at)
    other = session.exec(
        select(Event.id).where(
            Event.name == event.name, Event.starts_at == starts_at, Event.id != event.id
        )
    ).first()
    if other is not None:
        raise EventExistsError(event.name, other)
    before = _told(event)
    event.starts_at, event.ends_at, event.place = starts_at, ends_at, place
    session.add(event)
    session.flush()
    after = {**_told(event), "reason": reason.strip()}
    record_registration(session, deed, party, before=before, after=after, at=at)
    return True


def cancel_event(
    session: Session, event: Event, deed: Deed, party: Party, *, reason: str, at: datetime
) -> bool:
    """Call an event off, so that it does not count; return whether it stood until now."""
    hold_register(session)
    session.refresh(event)
    if event.cancelled_at is not None:
        return False
    _require_ahead(event, "取消", at)
    if not reason.strip():
        raise EventReasonError
    before = _told(event)
    event.cancelled_at = at
    session.add(event)
    session.flush()
    after = {**before, "cancelled": True, "reason": reason.strip()}
    record_registration(session, deed, party, before=before, after=after, at=at)
    return True


def _require_ahead(event: Event, what: str, at: datetime) -> None:
    if event.cancelled_at is not None:
        raise EventCancelledError(event.name, what)
    if event.ends_at <= at:
        raise EventOverError(event.name, what)


def event_rows(session: Session) -> list[EventRow]:
    """Return the events by time, with how many were invited and came."""
    came = func.count().filter(col(Invitation.has_attended).is_(True))
    counts: Mapping[int, tuple[int, int]] = {
        event_id: (invited, there)
        for event_id, invited, there in session.exec(
            select(col(Invitation.event_id), func.count(), came).group_by(col(Invitation.event_id))
        )
    }
    events = session.exec(select(Event).order_by(col(Event.starts_at), col(Event.id)))
    return [
        EventRow(event=event, invited=invited, came=there)
        for event in events
        for invited, there in [counts.get(event.id or 0, (0, 0))]
    ]


def invitations(session: Session, event: Event) -> list[tuple[Invitation, Party]]:
    """Return who is invited to `event`, in the order of invitation."""
    return list(
        session.exec(
            select(Invitation, Party)
            .join(Party, col(Party.id) == col(Invitation.party_id))
            .where(Invitation.event_id == event.id)
            .order_by(col(Invitation.id))
        )
    )


def _told(event: Event) -> dict[str, object]:
    """Return what the trail holds of an event."""
    return {
        "event": event.name,
        "kind": event.kind.label,
        "place": event.place,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "milestone": event.milestone_key,
    }


def _attendance(event: Event, who: Party, row: Invitation) -> dict[str, object]:
    return {
        "event": event.name,
        "invited": [who.name],
        "has_attended": row.has_attended,
        "attendees": row.attendees,
    }
