"""How far a milestone is: its state from what has been done, what was promised, and the days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.rules.choice import Choice


class Measure(Choice):
    """What progress is counted by; the policy says which milestone uses which."""

    CASES_SELECTED = "cases-selected", "入选试点企业"
    CASES_TRANSFORMED = "cases-transformed", "完成数字化改造的企业"
    CASES_GRADED = "cases-accepted-and-graded", "通过验收并定级的企业"
    PROVIDERS_ADMITTED = "providers-admitted", "资源池内服务商"
    EVENTS_HELD = "events-held", "已举办活动"
    RECORDED_NUMBER = "recorded-number", "佐证材料载明的数"
    EVIDENCE = "evidence", "佐证材料"


class MilestoneState(Choice):
    """How a milestone stands on a day."""

    NOT_STARTED = "not-started", "未开始"
    UNDER_WAY = "under-way", "进行中"
    AT_RISK = "at-risk", "有风险"
    DONE = "done", "已完成"
    DONE_LATE = "done-late", "逾期完成"
    OVERDUE = "overdue", "逾期"


#: The worst first: a milestone of two parts stands where the worse of them stands.
_WORST_FIRST = (
    MilestoneState.OVERDUE,
    MilestoneState.AT_RISK,
    MilestoneState.UNDER_WAY,
    MilestoneState.NOT_STARTED,
    MilestoneState.DONE_LATE,
    MilestoneState.DONE,
)


@dataclass(frozen=True, kw_only=True)
class RiskRule:
    """When progress is called at risk; every figure is a share between 0 and 1."""

    #: Before this share of the window has passed a lag means nothing.
    judged_from: Decimal
    #: By how much the share of the number done may lag behind the share of the window passed.
    lag: Decimal
    #: Where only evidence tells, the share of the window after which its absence is a risk.
    without_number_from: Decimal


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a milestone's state follows from; one has two where a number and evidence are due.

    `value` and `target` are None where nothing is counted. Both days belong to the window.
    """

    value: int | None
    target: int | None
    done_on: date | None
    starts_on: date
    ends_on: date


def elapsed_share(starts_on: date, ends_on: date, today: date) -> Decimal:
    """Return the share of the window that has passed at the end of `today`: 0 to 1."""
    whole = (ends_on - starts_on).days + 1
    passed = min(max((today - starts_on).days + 1, 0), whole)
    return Decimal(passed) / Decimal(whole)


def state_of(part: Part, rule: RiskRule, today: date) -> MilestoneState:
    """Return the state of `part` at the end of `today`."""
    if part.done_on is not None:
        is_late = part.done_on > part.ends_on
        return MilestoneState.DONE_LATE if is_late else MilestoneState.DONE
    if today > part.ends_on:
        return MilestoneState.OVERDUE
    if today < part.starts_on:
        # What is counted against nothing (providers in the pool) was there before.
        has_begun = bool(part.value) and part.target is not None
        return MilestoneState.UNDER_WAY if has_begun else MilestoneState.NOT_STARTED
    elapsed = elapsed_share(part.starts_on, part.ends_on, today)
    if part.target is None:
        is_at_risk = elapsed >= rule.without_number_from
    else:
        done = Decimal(part.value or 0) / Decimal(part.target) if part.target else Decimal(0)
        is_at_risk = elapsed >= rule.judged_from and elapsed - done > rule.lag
    return MilestoneState.AT_RISK if is_at_risk else MilestoneState.UNDER_WAY


def state_of_all(parts: Iterable[Part], rule: RiskRule, today: date) -> MilestoneState:
    """Return the state of a milestone of these parts: that of its worst one.

    One part done and the other not yet begun is under way: something has been done.
    """
    states = {state_of(part, rule, today) for part in parts}
    finished = {MilestoneState.DONE, MilestoneState.DONE_LATE}
    if MilestoneState.NOT_STARTED in states and states & finished:
        states.add(MilestoneState.UNDER_WAY)
    return next(state for state in _WORST_FIRST if state in states)
