"""The way of a case: one file per stage, its steps as data."""

from collections.abc import Mapping
from types import MappingProxyType

from models.lifecycle import acceptance, application, diagnosis, grading, subsidy, transformation
from models.lifecycle.step import Back, End, Enter, Move, Next, Stay, Step
from models.rules.stages import Stage

STEPS: Mapping[Stage, tuple[Step, ...]] = MappingProxyType(
    {
        Stage.APPLICATION: application.STEPS,
        Stage.DIAGNOSIS: diagnosis.STEPS,
        Stage.TRANSFORMATION: transformation.STEPS,
        Stage.ACCEPTANCE: acceptance.STEPS,
        Stage.GRADING: grading.STEPS,
        Stage.SUBSIDY: subsidy.STEPS,
    }
)

_BY_KEY = {(stage, step.key): step for stage, steps in STEPS.items() for step in steps}


def step_of(stage: Stage, key: str) -> Step:
    """Return the step `key` of `stage`; `KeyError` where there is none."""
    return _BY_KEY[stage, key]


def first_step(stage: Stage) -> Step:
    """Return the step at which a case enters `stage`."""
    return STEPS[stage][0]


__all__ = [
    "STEPS",
    "Back",
    "End",
    "Enter",
    "Move",
    "Next",
    "Stay",
    "Step",
    "first_step",
    "step_of",
]
