"""Which of the programme's marks a case has come to, from how its steps were answered."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from models.operations.milestones import REACHED_BY
from models.rules.choice import Choice
from models.rules.milestones import Measure
from models.rules.stages import CaseStatus, Stage


class Mark(Choice):
    """What the reports count cases by, in the order in which a case comes to it."""

    APPLIED = "applied", "提交申报"
    SELECTED = "selected", "入选试点"
    DIAGNOSED = "diagnosed", "完成诊断"
    CONTRACTED = "contracted", "签订合同"
    TRANSFORMED = "transformed", "完成改造"
    ACCEPTED = "accepted", "通过验收"
    GRADED = "graded", "评定等级"
    PAID = "paid", "拨付补助"


#: The step whose last answer brings a case to the mark, and that answer.
MADE_BY = MappingProxyType(
    {
        Mark.APPLIED: (Stage.APPLICATION, "submit", "submitted"),
        Mark.SELECTED: REACHED_BY[Measure.CASES_SELECTED],
        Mark.DIAGNOSED: (Stage.DIAGNOSIS, "confirm", "accepted"),
        Mark.CONTRACTED: (Stage.TRANSFORMATION, "contract", "signed"),
        Mark.TRANSFORMED: REACHED_BY[Measure.CASES_TRANSFORMED],
        Mark.ACCEPTED: (Stage.ACCEPTANCE, "review", "passed"),
        Mark.GRADED: REACHED_BY[Measure.CASES_GRADED],
        Mark.PAID: (Stage.SUBSIDY, "pay", "paid"),
    }
)

#: A case that ended so is no longer counted as selected, or as transformed.
_LOST = MappingProxyType(
    {
        CaseStatus.WITHDRAWN: frozenset(Mark) - {Mark.APPLIED},
        CaseStatus.FAILED: frozenset({Mark.TRANSFORMED}),
    }
)


def marks_of(
    outcomes: Mapping[tuple[Stage, str], tuple[str, date]], ended: CaseStatus | None
) -> dict[Mark, date]:
    """Return the marks of a case with the day it came to each.

    `outcomes` holds, per step, the last answer and its day; a step that is open again is not in
    it. Whoever withdrew keeps his application only; whoever failed has not been transformed.
    """
    lost = _LOST.get(ended, frozenset()) if ended else frozenset()
    found = {}
    for mark, (stage, step, wanted) in MADE_BY.items():
        outcome, day = outcomes.get((stage, step), ("", date.max))
        if outcome == wanted and mark not in lost:
            found[mark] = day
    return found
