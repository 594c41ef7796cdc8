"""The moments of the calendar: a window opens, a window has ended. Each is dealt with once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from models.operations.register_trail import hold_register
from models.policy import Programme
from models.rules.moments import MomentKind, key_of
from models.tables.milestone import CalendarMoment
from models.tables.programme import Batch, Milestone

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class DueMoment:
    """What a day brings: the window of a batch or a milestone opens, or ended the day before."""

    kind: MomentKind
    #: The number of a batch, or the key of a milestone.
    subject: str
    due_on: date

    @property
    def key(self) -> str:
        """The name of its proof."""
        return key_of(self.kind, self.subject)


def moments(session: Session, programme: Programme) -> list[DueMoment]:
    """Return every moment of the programme's tables, the earliest first."""
    found = []
    for batch in session.exec(select(Batch).where(Batch.programme_key == programme.key)):
        number = str(batch.number)
        for kind, day in (
            (MomentKind.APPLICATIONS_OPEN, batch.applications_open_on),
            (MomentKind.APPLICATIONS_ENDED, batch.applications_close_on + _DAY),
            (MomentKind.TRANSFORMATION_ENDED, batch.transformation_until + _DAY),
        ):
            found.append(DueMoment(kind=kind, subject=number, due_on=day))
    for row in session.exec(select(Milestone).where(Milestone.programme_key == programme.key)):
        found.append(
            DueMoment(kind=MomentKind.MILESTONE_OPEN, subject=row.key, due_on=row.starts_on)
        )
        found.append(
            DueMoment(kind=MomentKind.MILESTONE_ENDED, subject=row.key, due_on=row.ends_on + _DAY)
        )
    return sorted(found, key=lambda each: (each.due_on, each.key))


def has_come(session: Session, programme: Programme, today: date) -> list[DueMoment]:
    """Return the moments due on or before `today` that have no row yet: missed ones, too."""
    known = set(session.exec(select(col(CalendarMoment.key))))
    return [
        each
        for each in moments(session, programme)
        if each.due_on <= today and each.key not in known
    ]


def note_come(session: Session, programme: Programme, today: date, at: datetime) -> int:
    """Write a row for each moment that has come; a second clock writes no other. Return the sum."""
    if not has_come(session, programme, today):
        return 0
    # Two clocks at once: the second one waits here, and finds the rows of the first.
    hold_register(session)
    come = has_come(session, programme, today)
    session.add_all(CalendarMoment(key=each.key, due_on=each.due_on, came_at=at) for each in come)
    session.flush()
    return len(come)


def undone(session: Session) -> Sequence[CalendarMoment]:
    """Return the moments that have come and have not been dealt with, the earliest first."""
    return session.exec(
        select(CalendarMoment)
        .where(col(CalendarMoment.done_at).is_(None))
        .order_by(col(CalendarMoment.due_on), col(CalendarMoment.key))
    ).all()


def hold(session: Session, key: str) -> CalendarMoment | None:
    """Return the moment, held against everybody else; None where it has been dealt with."""
    return session.exec(
        select(CalendarMoment)
        .where(CalendarMoment.key == key, col(CalendarMoment.done_at).is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
