"""A replay from end to end: a scratch database, the course of the days, what has come of it."""

import logging
from pathlib import Path

from sqlalchemy import URL, update

from deployments.replay.course import Wanted, prepare
from deployments.replay.engines import Direct
from deployments.replay.outcome import Outcome, outcome_of
from deployments.replay.scratch import scratch
from models.tables.programme import ProgrammeRow
from tasks.database import reading, transaction


def replay(wanted: Wanted, *, keep: Path | None = None, server: URL | None = None) -> Outcome:
    """Return what comes of it; with `keep` its home stays there, standing on the last day.

    Raises `PilotError` where the days or the folder are of no use; then nothing has been made.
    """
    # Dead addresses are part of the play; each would be a line on the terminal.
    logging.getLogger("tasks.mail").setLevel(logging.ERROR)
    with scratch(keep, server):
        course = prepare(wanted)
        course.run(Direct())
        with transaction() as session:
            session.execute(update(ProgrammeRow).values(demonstration_today=wanted.last))
        with reading() as session:
            return outcome_of(session, wanted, course.programme)
