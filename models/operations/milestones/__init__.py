"""The milestones: how each is measured, how it stands, what has been recorded of it."""

from models.operations.milestones.evidence import (
    UnknownMilestoneError,
    milestone_or_target,
    record_evidence,
    withdraw_evidence,
)
from models.operations.milestones.measures import REACHED_BY, end_of, measured_cases
from models.operations.milestones.progress import MilestoneProgress, progress
from models.operations.milestones.readings import (
    ReadingChange,
    choose_reading,
    reading_choices,
    readings_in_force,
    weigh_reading,
)
from models.operations.milestones.snapshots import MilestoneChange, milestone_days, note_day

__all__ = [
    "REACHED_BY",
    "MilestoneChange",
    "MilestoneProgress",
    "ReadingChange",
    "UnknownMilestoneError",
    "choose_reading",
    "end_of",
    "measured_cases",
    "milestone_days",
    "milestone_or_target",
    "note_day",
    "progress",
    "reading_choices",
    "readings_in_force",
    "record_evidence",
    "weigh_reading",
    "withdraw_evidence",
]
