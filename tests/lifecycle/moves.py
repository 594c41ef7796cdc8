"""Where each outcome leads, read from the lifecycle alone."""

from models.lifecycle import STEPS, Back, End, Enter, Next, Stay, first_step, step_of
from models.rules.stages import CaseStatus, Stage

#: A stage and a step's key.
Place = tuple[Stage, str]

ALL = [(stage, step) for stage, steps in STEPS.items() for step in steps]


def target(place: Place, outcome: str) -> Place | CaseStatus:
    """Return where `outcome` leads from `place`: another step, or how the case ends."""
    stage, key = place
    match step_of(stage, key).outcomes[outcome]:
        case Stay():
            return place
        case Next(step=step) | Back(step=step):
            return stage, step
        case Enter(stage=entered, step=step):
            return entered, step or first_step(entered).key
        case End(status=status):
            return status
