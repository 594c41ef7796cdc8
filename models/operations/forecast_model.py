"""The steps of the lifecycle as a simulation takes them, learnt from the items so far."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from sqlalchemy import select
from sqlmodel import Session, col

from models.lifecycle import STEPS, Back, End, Enter, Move, Next, Step, first_step
from models.operations.report_marks import MADE_BY, Mark
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.durations import Deadline, Lengths
from models.rules.simulation import (
    SimulatedCase,
    SimulatedStep,
    Way,
    percentile,
    simulate,
)
from models.rules.stages import CaseStatus, Role, Stage
from models.tables.case import Case, WorkItem
from models.tables.party import Party

#: The marks that are foreseen, in the order of the simulation's first axis.
MARKS = tuple(Mark)

StepKey = tuple[Stage, str]


@dataclass(frozen=True, kw_only=True)
class Durations:
    """What the items tell: working days per step, how steps ended, who was waited for."""

    finished: Mapping[StepKey, list[int]]
    still_open: Mapping[StepKey, list[int]]
    outcomes: Mapping[StepKey, Counter[str]]
    #: case -> working days its open item has waited.
    elapsed: Mapping[str, int]
    #: Over the cases under way: working days spent with each role; the notices are the system's.
    waited: Mapping[Role, int]

    @classmethod
    def read(
        cls, session: Session, programme_key: str, today: date, number: Callable[[date], int]
    ) -> "Durations":
        """Read every item of the programme; `number` counts working days."""
        finished: dict[StepKey, list[int]] = {}
        still_open: dict[StepKey, list[int]] = {}
        outcomes: dict[StepKey, Counter[str]] = {}
        elapsed: dict[str, int] = {}
        waited: Counter[Role] = Counter()
        now = number(today)
        rows = session.connection().execute(
            select(
                col(WorkItem.case_no),
                col(WorkItem.stage),
                col(WorkItem.step),
                col(WorkItem.opened_on),
                col(WorkItem.closed_at),
                col(WorkItem.outcome),
                col(Party.role),
                col(Case.status),
            )
            .join(Case, col(Case.case_no) == col(WorkItem.case_no))
            .join(Party, col(Party.id) == col(WorkItem.party_id))
            .where(col(Case.programme_key) == programme_key)
            .order_by(col(WorkItem.id))
        )
        for row in rows:
            key = (row.stage, row.step)
            is_open = row.closed_at is None
            ends = now if is_open else number(day_of(row.closed_at))
            days = max(ends - number(row.opened_on), 0)
            (still_open if is_open else finished).setdefault(key, []).append(days)
            if is_open:
                elapsed[row.case_no] = days
            else:
                outcomes.setdefault(key, Counter())[row.outcome] += 1
            if row.status is CaseStatus.ACTIVE and row.role is not Role.SYSTEM:
                waited[row.role] += days
        return cls(
            finished=finished,
            still_open=still_open,
            outcomes=outcomes,
            elapsed=elapsed,
            waited=waited,
        )


@dataclass(frozen=True)
class StepModel:
    """The steps in order, each with its number."""

    steps: tuple[SimulatedStep, ...]
    numbers: Mapping[StepKey, int]
    labels: tuple[str, ...]
    #: step -> `application-end` or `batch-end`, for steps that run to a date.
    until: Mapping[int, str]
    few: frozenset[int]
    straight: tuple[int | None, ...]

    @cached_property
    def few_data(self) -> tuple[str, ...]:
        """The steps of which too little is known."""
        return tuple(self.labels[number] for number in sorted(self.few))

    def few_data_on_the_way(self, first: int, mark: Mark) -> tuple[int, ...]:
        """Return those of them from step `first` on to the one that brings a case to `mark`."""
        stage, step, _ = MADE_BY[mark]
        last = self.numbers[stage, step]
        return tuple(number for number in sorted(self.few) if first <= number <= last)

    def remainders(self, *, runs: int, seed: int) -> list[dict[Mark, int]]:
        """Return, per step, the working days from its end to each mark in 80 of 100 runs.

        A mark is left out where more than 20 of 100 never come to it. A step on the way that runs
        to a date takes a single day, as in the forecast it does when that date is past: the policy
        sets no least length, so what is told is the least that has to be left.
        """
        to_a_date = dict.fromkeys(self.until, 0.0)
        found = []
        for follows in self.straight:
            if follows is None:
                found.append(dict.fromkeys(MARKS, 0))
                continue
            one = SimulatedCase(step=follows, elapsed=0, marks=frozenset(), until=to_a_date)
            reached = simulate(self.steps, [one], marks=len(MARKS), today=0, runs=runs, seed=seed)
            days = {mark: percentile(reached[at, :, 0], 0.8) for at, mark in enumerate(MARKS)}
            found.append({mark: round(each) for mark, each in days.items() if each < float("inf")})
        for number, remainder in enumerate(found):
            for mark, (stage, step, _) in MADE_BY.items():
                if self.numbers[stage, step] == number:
                    remainder[mark] = 0
        return found


def step_model(programme: Programme, durations: Durations) -> StepModel:
    """Return the model; steps with too few finished items take what the policy allows them."""
    keys = [(stage, step.key) for stage, steps in STEPS.items() for step in steps]
    numbers = {key: number for number, key in enumerate(keys)}
    least = programme.forecast.min_observations
    steps, labels, until, few, straight = [], [], {}, set(), []
    for number, (stage, step) in enumerate(
        (stage, step) for stage, steps_of in STEPS.items() for step in steps_of
    ):
        key = (stage, step.key)
        finished = durations.finished.get(key, [])
        labels.append(f"{stage.label} · {step.label}")
        lengths: Lengths | Deadline | None
        if len(finished) >= least:
            lengths = Lengths(finished, durations.still_open.get(key, []))
        else:
            few.add(number)
            allowed = programme.step(stage, step.key)
            lengths = Deadline(allowed.working_days) if allowed.working_days else None
            if allowed.until:
                until[number] = allowed.until
        counts = durations.outcomes.get(key, Counter()) if len(finished) >= least else Counter()
        steps.append(SimulatedStep(lengths=lengths, ways=_ways(stage, step, counts, numbers)))
        onward = step.outcomes[_onward(step)]
        straight.append(_follows(stage, onward, numbers))
    return StepModel(
        steps=tuple(steps),
        numbers=numbers,
        labels=tuple(labels),
        until=until,
        few=frozenset(few),
        straight=tuple(straight),
    )


def _onward(step: Step) -> str:
    """Return the outcome that carries a case on."""
    for outcome, move in step.outcomes.items():
        if isinstance(move, Next) or (isinstance(move, Enter) and not move.is_return):
            return outcome
    return next(outcome for outcome, move in step.outcomes.items() if isinstance(move, End))


def _follows(stage: Stage, move: Move, numbers: Mapping[StepKey, int]) -> int | None:
    match move:
        case Next(step) | Back(step):
            return numbers[stage, step]
        case Enter(entered, step):
            return numbers[entered, step or first_step(entered).key]
    return None


def _ways(
    stage: Stage, step: Step, counts: Counter[str], numbers: Mapping[StepKey, int]
) -> tuple[Way, ...]:
    """Return the outcomes with how often each was; without data the case only goes on."""
    ways = []
    for outcome, count in (counts or Counter({_onward(step): 1})).items():
        move = step.outcomes.get(outcome, End(CaseStatus.WITHDRAWN))
        made = [mark for mark, by in MADE_BY.items() if by == (stage, step.key, outcome)]
        ways.append(
            Way(
                chance=count,
                follows=_follows(stage, move, numbers),
                reaches=MARKS.index(made[0]) if made else None,
                loses=_lost(move),
            )
        )
    return tuple(ways)


def _lost(move: Move) -> tuple[int, ...]:
    """Return the marks that a case loses: by withdrawing all, by having to mend its change that."""
    match move:
        case End(CaseStatus.WITHDRAWN):
            return tuple(range(len(MARKS)))
        case End(CaseStatus.FAILED):
            return (MARKS.index(Mark.TRANSFORMED),)
        case Enter(Stage.TRANSFORMATION, _, True):
            return (MARKS.index(Mark.TRANSFORMED),)
    return ()
