"""What a changed policy would touch, before it is applied. Nothing is changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlmodel import Session

from models.lifecycle import STEPS
from models.operations.calendar_days import add_working_days
from models.operations.milestones import progress
from models.operations.reminders import forecast_reminders
from models.operations.report_facts import CaseLine, case_lines
from models.operations.report_marks import Mark
from models.policy import Programme
from models.policy.figures import Milestone, StepLength, Target
from models.rules.stages import Stage
from models.rules.subsidy import subsidy_ceiling

#: How far reminders are compared ahead.
_AHEAD = timedelta(days=60)


@dataclass(frozen=True, kw_only=True)
class TouchedCase:
    """An open case, and why the change concerns it."""

    case_no: str
    enterprise: str
    step: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TouchedDeadline:
    """An open item whose step has another length: its own deadline stays as it is."""

    case_no: str
    enterprise: str
    step: str
    due_on: date | None
    #: What it would be had the step been asked today under the new policy; None for a fixed date.
    if_asked_today: date | None
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class TouchedMilestone:
    """A milestone or target whose window, number or wording differs."""

    key: str
    what: str
    old: str
    new: str
    #: What its measure counts now.
    value: int | None


@dataclass(frozen=True, kw_only=True)
class TouchedReminders:
    """Reminders of one day in the weeks to come, under either policy."""

    day: date
    old: int
    new: int


@dataclass(frozen=True, kw_only=True)
class Impact:
    """What a changed policy would touch."""

    cases: tuple[TouchedCase, ...]
    deadlines: tuple[TouchedDeadline, ...]
    milestones: tuple[TouchedMilestone, ...]
    reminders: tuple[TouchedReminders, ...]
    #: Over the cases that have a level and no award yet, in yuan.
    ceilings_old: Decimal
    ceilings_new: Decimal


def impact(session: Session, old: Programme, new: Programme, today: date) -> Impact:
    """Return what going from `old` to `new` would touch as the database stands."""
    lines = [each for each in case_lines(session, old.key, today) if each.ended is None]
    awaiting = [each for each in lines if Mark.GRADED in each.marks and not each.proposed]
    cases = []
    for line in lines:
        if reasons := tuple(_reasons(line, old, new)):
            cases.append(
                TouchedCase(
                    case_no=line.case_no,
                    enterprise=line.enterprise,
                    step=_label(line.stage, line.step),
                    reasons=reasons,
                )
            )
    return Impact(
        cases=tuple(cases),
        deadlines=tuple(_deadlines(session, lines, old, new, today)),
        milestones=tuple(_milestones(session, old, new, today)),
        reminders=tuple(_reminders(session, old, new, today)),
        ceilings_old=sum((_ceiling(line, old) for line in awaiting), Decimal("0.00")),
        ceilings_new=sum((_ceiling(line, new) for line in awaiting), Decimal("0.00")),
    )


def _label(stage: Stage, key: str) -> str:
    step = next(step for step in STEPS[stage] if step.key == key)
    return f"{stage.label} · {step.label}"


def _length(length: StepLength) -> str:
    if length.working_days is not None:
        return f"{length.working_days} 个工作日"
    return "至本批申报期末" if length.until == "application-end" else "至本批改造期末"


def _is_longer_or_shorter(old: Programme, new: Programme, stage: Stage, key: str) -> bool:
    return _length(old.step(stage, key)) != _length(new.step(stage, key))


def _ceiling(line: CaseLine, programme: Programme) -> Decimal:
    return subsidy_ceiling(line.eligible, line.level or 0, programme.subsidy).amount


def _reasons(line: CaseLine, old: Programme, new: Programme) -> Iterator[str]:
    """Yield why the change concerns the case, in the words of the report."""
    order = [(stage, step.key) for stage, steps in STEPS.items() for step in steps]
    for stage, key in order[order.index((line.stage, line.step)) + 1 :]:
        if _is_longer_or_shorter(old, new, stage, key):
            lengths = f"{_length(old.step(stage, key))} → {_length(new.step(stage, key))}"
            yield f"后续环节“{_label(stage, key)}”时限 {lengths}"
    for what, value, terms_old, terms_new in (
        ("县市区", line.county, old.counties, new.counties),
        ("行业", line.industry, old.industries, new.industries),
    ):
        was = value in {term.name for term in terms_old}
        if was and value not in {term.name for term in terms_new}:
            yield f"{what}“{value}”不在新政策的名单中"
    before, after = old.batch(line.batch), _batch_dates(new, line.batch)
    if (before.transformation_starts_on, before.transformation_ends_on) != after:
        if after is None:
            yield f"新政策没有{before.name}"
        elif Mark.TRANSFORMED not in line.marks:
            yield f"{before.name}改造期末 {before.transformation_ends_on} → {after[1]}"
    if not line.proposed and _rates(old) != _rates(new):
        yield f"补助标准 {_rates(old)} → {_rates(new)}"


def _batch_dates(programme: Programme, number: int) -> tuple[date, date] | None:
    for batch in programme.batches:
        if batch.number == number:
            return batch.transformation_starts_on, batch.transformation_ends_on
    return None


def _rates(programme: Programme) -> str:
    policy = programme.subsidy
    percent = (policy.rate * 100).normalize()
    return f"{percent:f}%、最高 {policy.cap:,.2f} 元、{policy.min_level} 级以上"


def _deadlines(
    session: Session, lines: list[CaseLine], old: Programme, new: Programme, today: date
) -> Iterator[TouchedDeadline]:
    for line in lines:
        if not _is_longer_or_shorter(old, new, line.stage, line.step):
            continue
        allowed = new.working_days(line.stage, line.step)
        yield TouchedDeadline(
            case_no=line.case_no,
            enterprise=line.enterprise,
            step=_label(line.stage, line.step),
            due_on=line.due_on,
            if_asked_today=add_working_days(session, today, allowed) if allowed else None,
            old=_length(old.step(line.stage, line.step)),
            new=_length(new.step(line.stage, line.step)),
        )


def _milestones(
    session: Session, old: Programme, new: Programme, today: date
) -> Iterator[TouchedMilestone]:
    values = {each.key: each.value for each in progress(session, old, today)}
    before, after = _promised(old), _promised(new)
    for key in [*before, *(key for key in after if key not in before)]:
        told_old, told_new = _told(before.get(key)), _told(after.get(key))
        for what in told_old | told_new:
            was, becomes = told_old.get(what, "—"), told_new.get(what, "—")
            if was != becomes:
                yield TouchedMilestone(
                    key=key, what=what, old=was, new=becomes, value=values.get(key)
                )


def _promised(programme: Programme) -> dict[str, Milestone | Target]:
    promised: tuple[Milestone | Target, ...] = (*programme.milestones, *programme.targets)
    return {each.key: each for each in promised}


def _told(promised: Milestone | Target | None) -> dict[str, str]:
    match promised:
        case Milestone():
            return {
                "期限": f"{promised.starts_on} 至 {promised.ends_on}",
                "目标数": str(promised.target or "—"),
                "任务": promised.wording,
            }
        case Target():
            return {
                "期限": str(promised.due_on),
                "目标数": f"{promised.number} {promised.unit}",
                "任务": promised.name,
            }
    return {}


def _reminders(
    session: Session, old: Programme, new: Programme, today: date
) -> Iterator[TouchedReminders]:
    until = today + _AHEAD
    counts: dict[date, list[int]] = {}
    for side, programme in enumerate((old, new)):
        for each in forecast_reminders(session, programme.reminders, today, until):
            counts.setdefault(each.day, [0, 0])[side] += 1
    for day, (was, becomes) in sorted(counts.items()):
        if was != becomes:
            yield TouchedReminders(day=day, old=was, new=becomes)
