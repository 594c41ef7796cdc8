"""The milestones: how each is measured, how it stands, what has been recorded of it."""

from models.operations.milestones.measures import REACHED_BY, end_of, measured_cases
from models.operations.milestones.progress import MilestoneProgress, progress

__all__ = ["REACHED_BY", "MilestoneProgress", "end_of", "measured_cases", "progress"]
