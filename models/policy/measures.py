"""How progress is measured: the shape of `measures.toml`, and what must agree with the plan."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from models.policy.figures import Contradiction, Figures, Milestone, Sourced, Target, Text
from models.policy.sources import PolicyError
from models.rules.milestones import Measure, RiskRule


class MeasureWords(Sourced):
    """What a measure counts, in the words of the boards."""

    key: Measure
    unit: Text
    text: Text


class ProgressFigures(Sourced):
    """How the progress of one milestone or target is measured.

    It is done when the number counted reaches its target, or the number `out_of` counts, and
    when the `evidence` asked for has been recorded: whichever of the two there is, or both.
    """

    key: Text
    #: What the boards call it; the plan's own words are too long for a line.
    short: Text
    measure: Measure
    out_of: Measure | None = None
    evidence: Text | None = None
    #: The contradiction whose reading in force says until when the evidence is due.
    evidence_window: Text | None = None


class RiskFigures(Sourced):
    """When progress is called at risk, by shares of the window and of the number."""

    judged_from: Annotated[Decimal, Field(ge=0, le=1)]
    lag: Annotated[Decimal, Field(ge=0, le=1)]
    without_number_from: Annotated[Decimal, Field(ge=0, le=1)]

    @property
    def rule(self) -> RiskRule:
        """The figures as the rule takes them."""
        return RiskRule(
            judged_from=self.judged_from,
            lag=self.lag,
            without_number_from=self.without_number_from,
        )


class MeasuresFile(Figures):
    """`measures.toml`."""

    risk: RiskFigures
    measures: tuple[MeasureWords, ...]
    progress: tuple[ProgressFigures, ...]


def require_measurable(
    measuring: MeasuresFile,
    targets: Sequence[Target],
    milestones: Sequence[Milestone],
    contradictions: Sequence[Contradiction],
) -> None:
    """Raise `PolicyError` unless all that is promised can be seen to be done."""
    words = {each.key for each in measuring.measures}
    for measure in Measure:
        if measure not in words:
            raise PolicyError("measures.toml", "measures", f"缺少 {measure.value}")
    numbered = {each.key: each.number for each in targets}
    stated = {**numbered, **{each.key: each.target for each in milestones}}
    batches = {each.key: each.batch for each in milestones}
    windows = {each.key for each in contradictions if each.reading_in_force.ends_on}
    for each in measuring.progress:
        where = f"progress（{each.key}）"
        if each.key not in stated:
            raise PolicyError("measures.toml", where, "没有这个里程碑或目标")
        if each.out_of is not None and batches.get(each.key) is None:
            raise PolicyError("measures.toml", f"{where}.out_of", "只用于分批次的里程碑")
        if stated[each.key] is None and each.out_of is None and each.evidence is None:
            raise PolicyError("measures.toml", where, "目标数、out_of、evidence 至少须有一项")
        if each.measure is Measure.RECORDED_NUMBER and each.evidence is None:
            raise PolicyError("measures.toml", f"{where}.evidence", "缺少此项")
        if each.evidence_window is not None and each.evidence_window not in windows:
            problem = f"没有 {each.evidence_window}，或其现行读法没有期限"
            raise PolicyError("measures.toml", f"{where}.evidence_window", problem)
    for key in stated.keys() - {each.key for each in measuring.progress}:
        raise PolicyError("measures.toml", "progress", f"缺少 {key}")
