"""Will the targets be reached in time? From how long the steps have taken so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlmodel import Session, col, select

from models.operations.forecast_model import MARKS, Durations, StepModel, step_model
from models.operations.milestones import REACHED_BY, MilestoneProgress, progress
from models.operations.report_facts import CaseLine, case_lines
from models.operations.report_marks import Mark
from models.policy import Programme
from models.rules.choice import Choice
from models.rules.durations import Numbers
from models.rules.errors import PilotError
from models.rules.milestones import Measure
from models.rules.simulation import SimulatedCase, day_of_number, percentile, simulate
from models.rules.stages import Role
from models.tables.programme import Batch, CalendarDay

#: One seed: the same cases give the same forecast.
_SEED = 20_240_101
_MARK_OF = {
    Measure.CASES_SELECTED: Mark.SELECTED,
    Measure.CASES_TRANSFORMED: Mark.TRANSFORMED,
    Measure.CASES_GRADED: Mark.GRADED,
}


class NoCalendarError(PilotError):
    """The calendar does not hold the day."""

    def __init__(self, day: date) -> None:
        """Name it, and what to do."""
        super().__init__(f"日历表没有载入 {day}，无法推算工作日；请运行 pilot db upgrade")


class Verdict(Choice):
    """What the forecast says of a target."""

    REACHED = "reached", "已达到"
    IN_TIME = "in-time", "能按期达到"
    AT_RISK = "at-risk", "有风险"
    LATE = "late", "难以按期"
    TOO_FEW_CASES = "too-few-cases", "案卷数不够"


@dataclass(frozen=True, kw_only=True)
class TargetForecast:
    """When a target will be reached; `p80` is the day by which it is in 80 of 100 runs."""

    key: str
    name: str
    unit: str
    target: int
    value: int
    #: Open cases that may still count.
    in_flight: int
    due_on: date
    verdict: Verdict
    #: None where it is not reached in so many runs, or beyond the calendar.
    p50: date | None
    p80: date | None
    #: Per cent of the runs that are in time; None where that would rest on policy lengths instead
    #: of observations, or where cases are lacking, which may still be opened.
    chance_percent: int | None
    #: Steps still before the open cases of which too little is known: days and verdict rest on
    #: what the policy allows for them.
    steps_with_few_data: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LatestStart:
    """By when the present step of a case must be done for the rest to fit at 80 of 100."""

    case_no: str
    enterprise: str
    step: str
    goal: str
    goal_on: date
    #: Working days that the steps after the present one take at 80 of 100; None where more than
    #: 20 of 100 never come to the goal.
    remainder: int | None
    latest_on: date | None
    is_too_late: bool
    #: Those of the steps after the present one that take their policy lengths for want of data …
    steps_with_few_data: tuple[str, ...]
    #: … and those of them that run to a date: in `remainder` they have one working day each.
    steps_of_one_day: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How many working days the cases under way have waited for a role."""

    role: Role
    working_days: int
    share_percent: int


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Everything `pilot milestone forecast` says."""

    today: date
    runs: int
    targets: tuple[TargetForecast, ...]
    latest_starts: tuple[LatestStart, ...]
    waiting: tuple[Waiting, ...]
    steps_with_few_data: tuple[str, ...]
    #: Those of them that have no length but run to a date: they are taken to last until then.
    steps_to_a_date: tuple[str, ...]

    @property
    def bottleneck(self) -> Role | None:
        """The party that is waited for the longest."""
        return self.waiting[0].role if self.waiting else None


class Days:
    """The calendar as numbers: a day -> working days up to it, and back."""

    def __init__(self, session: Session) -> None:
        """Read the calendar."""
        rows = session.exec(select(CalendarDay).order_by(col(CalendarDay.day))).all()
        self._numbers = {row.day: row.workday_no for row in rows}
        self._days = {row.workday_no: row.day for row in rows if row.is_workday}

    def number(self, day: date) -> int:
        """Return how many working days there are up to and including `day`."""
        try:
            return self._numbers[day]
        except KeyError:
            raise NoCalendarError(day) from None

    def day(self, number: float) -> date | None:
        """Return the working day of that number; None beyond the calendar."""
        return self._days.get(int(np.ceil(number))) if np.isfinite(number) else None


def forecast(session: Session, programme: Programme, today: date) -> Forecast:
    """Return the forecast from the database as it stands; nothing is changed.

    Cases that are still to be opened are not foreseen: targets that need more cases than there
    are say so.
    """
    days = Days(session)
    durations = Durations.read(session, programme.key, today, days.number)
    model = step_model(programme, durations)
    lines = [line for line in case_lines(session, programme.key, today) if line.ended is None]
    windows = _batch_windows(session, programme, days)
    cases = [
        SimulatedCase(
            step=model.numbers[line.stage, line.step],
            elapsed=durations.elapsed.get(line.case_no, 0),
            marks=frozenset(MARKS.index(mark) for mark in line.marks if mark in MARKS),
            until={number: windows[line.batch][key] for number, key in model.until.items()},
        )
        for line in lines
    ]
    reached = simulate(
        model.steps,
        cases,
        marks=len(MARKS),
        today=days.number(today),
        runs=programme.forecast.runs,
        seed=_SEED,
    )
    standing = progress(session, programme, today)
    return Forecast(
        today=today,
        runs=programme.forecast.runs,
        targets=tuple(
            _target(each, lines, reached, model, days)
            for each in standing
            if each.measure in REACHED_BY and each.target
        ),
        latest_starts=_latest_starts(programme, standing, lines, model, days, today),
        waiting=_waiting(durations.waited),
        steps_with_few_data=model.few_data,
        steps_to_a_date=tuple(model.labels[each] for each in sorted(model.until)),
    )


def _batch_windows(
    session: Session, programme: Programme, days: Days
) -> dict[int, dict[str, float]]:
    """Return per batch the working days on which its applications and its change end."""
    return {
        batch.number: {
            "application-end": float(days.number(batch.applications_close_on)),
            "batch-end": float(days.number(batch.transformation_until)),
        }
        for batch in session.exec(select(Batch).where(Batch.programme_key == programme.key))
    }


def _target(
    standing: MilestoneProgress,
    lines: Sequence[CaseLine],
    reached: Numbers,
    model: StepModel,
    days: Days,
) -> TargetForecast:
    mark = _MARK_OF[standing.measure]
    places = [
        place
        for place, line in enumerate(lines)
        if standing.batch is None or line.batch == standing.batch
    ]
    counted = sum(mark in lines[place].marks for place in places)
    value, target = standing.value or 0, standing.target or 0
    # Cases that have ended count for good; open ones may still be sent back.
    missing = target - (value - counted)
    arrival = day_of_number(reached[MARKS.index(mark)][:, places], missing)
    in_flight = len(places) - counted
    p50, p80 = percentile(arrival, 0.5), percentile(arrival, 0.8)
    due = days.number(standing.ends_on)
    if standing.is_finished or value >= target:
        verdict = Verdict.REACHED
    elif len(places) < missing:
        verdict = Verdict.TOO_FEW_CASES
    elif p80 <= due:
        verdict = Verdict.IN_TIME
    else:
        verdict = Verdict.AT_RISK if p50 <= due else Verdict.LATE
    is_reached = verdict is Verdict.REACHED
    few: tuple[str, ...] = ()
    chance: int | None = None
    if is_reached:
        chance = 100
    elif verdict is not Verdict.TOO_FEW_CASES:
        few = _few_data(mark, [lines[place] for place in places], model)
        chance = None if few else int(100 * np.mean(arrival <= due))
    return TargetForecast(
        key=standing.key,
        name=standing.short,
        unit=standing.unit,
        target=target,
        value=value,
        in_flight=in_flight,
        due_on=standing.ends_on,
        verdict=verdict,
        p50=standing.done_on if is_reached else days.day(p50),
        p80=standing.done_on if is_reached else days.day(p80),
        chance_percent=chance,
        steps_with_few_data=few,
    )


def _few_data(mark: Mark, lines: Sequence[CaseLine], model: StepModel) -> tuple[str, ...]:
    """Return the steps of which too little is known that any of the cases has yet to pass."""
    ahead = [model.numbers[line.stage, line.step] for line in lines if mark not in line.marks]
    if not ahead:
        return ()
    return tuple(model.labels[each] for each in model.few_data_on_the_way(min(ahead), mark))


def _latest_starts(
    programme: Programme,
    standing: Sequence[MilestoneProgress],
    lines: Sequence[CaseLine],
    model: StepModel,
    days: Days,
    today: date,
) -> tuple[LatestStart, ...]:
    remainders = model.remainders(runs=programme.forecast.runs, seed=_SEED)
    found = []
    for line in lines:
        mark, goal_on = _goal(programme, standing, line)
        number = model.numbers[line.stage, line.step]
        remainder = remainders[number].get(mark)
        latest = None if remainder is None else days.day(days.number(goal_on) - remainder)
        few = model.few_data_on_the_way(number + 1, mark)
        found.append(
            LatestStart(
                case_no=line.case_no,
                enterprise=line.enterprise,
                step=model.labels[number],
                goal=mark.label,
                goal_on=goal_on,
                remainder=remainder,
                latest_on=latest,
                is_too_late=(remainder is not None and latest is None)
                or (latest is not None and latest < today),
                steps_with_few_data=tuple(model.labels[each] for each in few),
                steps_of_one_day=tuple(model.labels[each] for each in few if each in model.until),
            )
        )
    return tuple(sorted(found, key=lambda each: (each.latest_on or date.max, each.case_no)))


def _goal(
    programme: Programme, standing: Sequence[MilestoneProgress], line: CaseLine
) -> tuple[Mark, date]:
    """Return what the case has to come to next, and by when."""
    if Mark.TRANSFORMED not in line.marks:
        return Mark.TRANSFORMED, programme.batch(line.batch).transformation_ends_on
    if Mark.GRADED not in line.marks:
        due = [
            each.ends_on
            for each in standing
            if each.measure is Measure.CASES_GRADED and each.batch == line.batch
        ]
        return Mark.GRADED, max(due, default=programme.ends_on)
    return Mark.PAID, programme.ends_on


def _waiting(waited: Mapping[Role, int]) -> tuple[Waiting, ...]:
    whole = sum(waited.values())
    return tuple(
        Waiting(role=role, working_days=days, share_percent=round(100 * days / whole))
        for role, days in sorted(waited.items(), key=lambda each: -each[1])
        if days
    )
