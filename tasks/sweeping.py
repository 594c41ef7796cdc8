"""The daily sweep: public notices, reminders, the seal, milestones. Twice is harmless.

A replay sweeps hundreds of days without Prefect: this module does not import it.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from models.operations.audit import seal
from models.operations.milestones import MilestoneChange
from models.operations.notices import NoticesBegun, begin_notices
from models.rules.clock import day_of
from models.tables.mail import machine_now
from models.tables.programme import Heartbeat
from tasks.answering import Moment, NoticesEnded, end_notices
from tasks.database import transaction
from tasks.digests import queue_digests
from tasks.milestones import look_at_milestones
from tasks.reminding import remind
from tasks.sweep_watch import PART


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
    #: The digests that were queued, in words.
    digests: list[str]


def sweep_day(moment: Moment) -> Swept:
    """End the notices that are over, publish those that wait, remind, seal, look at milestones.

    Whatever days have gone by without a sweep, it does all that the day asks for.
    """
    today = day_of(moment.at)
    ended = end_notices(moment)
    reminded = remind(moment)
    changes = look_at_milestones(moment)
    digests = queue_digests(moment)
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
        digests=digests,
    )
