"""The daily look at the milestones. The counting holds nobody up; only its result is written."""

from sqlalchemy import Engine

from models.operations.milestones import MilestoneChange, note_day, progress
from models.rules.clock import day_of
from tasks.answering import Moment
from tasks.database import reading, transaction


def look_at_milestones(moment: Moment, on: Engine | None = None) -> tuple[MilestoneChange, ...]:
    """Write down how the milestones stand; return whose state has changed since the day before."""
    today = day_of(moment.at)
    with reading(on) as session:
        standings = progress(session, moment.programme, today)
    with transaction(on) as session:
        return tuple(note_day(session, standings, today))
