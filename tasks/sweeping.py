"""The daily sweep: public notices, reminders, the seal, milestones. Twice is harmless."""

from dataclasses import dataclass
from datetime import date, time, timedelta

from prefect import task

from models.operations.audit import seal
from models.operations.milestones import MilestoneChange
from models.operations.notices import NoticesBegun, begin_notices
from models.rules.clock import SHANGHAI, day_of
from models.tables.mail import machine_now
from models.tables.programme import Heartbeat
from tasks.answering import Moment, NoticesEnded, end_notices
from tasks.clock import moved_to
from tasks.database import reading, transaction
from tasks.milestones import look_at_milestones
from tasks.reminding import remind

#: The part under which a sweep notes the day it was done for.
PART = "sweep"
#: A sweep that has not been done by then has been missed; Prefect's schedule starts it at 8:30.
_MISSED_FROM = time(8, 40)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What a sweep has done."""

    day: date
    ended: NoticesEnded
    begun: NoticesBegun
    is_sealed: bool
    #: To how many people today's reminders go, also those that an earlier sweep has queued.
    reminded: int
    #: Whose state is another than on the day before.
    milestones: tuple[MilestoneChange, ...]


@task(name="办结与发布公示，催办")
def sweep(moment: Moment) -> Swept:
    """Do all that the day asks for, whatever days have gone by without a sweep."""
    return sweep_day(moment)


def sweep_day(moment: Moment) -> Swept:
    """End the notices that are over, publish those that wait, remind, seal, look at milestones."""
    today = day_of(moment.at)
    ended = end_notices(moment)
    reminded = remind(moment)
    changes = look_at_milestones(moment)
    with transaction() as session:
        begun = begin_notices(session, moment.programme, moment.at)
        sealed = seal(session, today - timedelta(days=1))
        session.merge(Heartbeat(part=PART, beat_at=machine_now(), detail=today.isoformat()))
    return Swept(
        day=today,
        ended=ended,
        begun=begun,
        is_sealed=sealed is not None,
        reminded=reminded,
        milestones=changes,
    )


def is_missed(moment: Moment) -> bool:
    """Return whether the programme's present day should have had its sweep by now.

    Nobody gets mail at midnight because a new day has begun; but a day that the clock was moved to
    has no morning to wait for.
    """
    if moved_to(moment.row) is None and moment.at.astimezone(SHANGHAI).time() < _MISSED_FROM:
        return False
    with reading() as session:
        row = session.get(Heartbeat, PART)
    return row is None or row.detail != day_of(moment.at).isoformat()
