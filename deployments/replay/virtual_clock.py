"""The programme's clock in the replay's hand: `PILOT_TODAY`, set to instants that stand still."""

import os
from datetime import date, datetime, time

from models.policy import Programme
from models.tables.programme import ProgrammeRow
from tasks.answering import Moment
from tasks.clock import programme_now

#: When Prefect's schedule starts the daily sweep.
SWEEP_TIME = time(8, 30)


class VirtualClock:
    """Every reading of the programme's clock in this process, flow runs included, obeys it."""

    def __init__(self, programme: Programme, row: ProgrammeRow) -> None:
        """Serve this programme."""
        self._programme = programme
        self._row = row

    def set(self, day: date, at: time) -> Moment:
        """Let it be that instant; return the moment as flows and commands will read it."""
        os.environ["PILOT_TODAY"] = datetime.combine(day, at).isoformat()
        return Moment(self._programme, self._row, programme_now(self._row))
