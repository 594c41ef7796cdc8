"""What a step is: who is asked, with which form, and where each outcome leads."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.forms.base import StepForm
from models.rules.stages import CaseStatus, Role, Stage


@dataclass(frozen=True)
class Next:
    """On to another step of the same stage."""

    step: str


@dataclass(frozen=True)
class Back:
    """Back to a step of the same stage, for correction: a new round."""

    step: str


@dataclass(frozen=True)
class Enter:
    """The stage is left for `stage`, at `step` or at its first one."""

    stage: Stage
    step: str | None = None
    #: True where the case is sent back rather than on.
    is_return: bool = False


@dataclass(frozen=True)
class End:
    """The case ends."""

    status: CaseStatus


@dataclass(frozen=True)
class Stay:
    """The answer is kept and the same item stays open (progress reports, objections)."""


Move = Next | Back | Enter | End | Stay


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. Adding one is an entry here, a form, an effect and its length in the policy."""

    key: str
    label: str
    role: Role
    form: type[StepForm]
    #: One sentence that says what is to be done, for the mail and above the form.
    asks: str
    clause: str
    outcomes: Mapping[str, Move]
    #: What the system itself may decide when the time has come; nobody else may.
    system_only: frozenset[str] = frozenset()
