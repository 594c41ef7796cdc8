"""Carry open cases through the steps many times, to see when they come to the programme's marks.

Days are numbers of working days, as the calendar counts them. One generator, one seed: the same
cases give the same forecast.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from models.rules.durations import Deadline, Lengths, Numbers

#: No case is sent back more often than this; what goes round still has not arrived.
_MOST_MOVES: Final = 120
NEVER: Final = np.inf

Indices = np.ndarray[Any, np.dtype[np.intp]]


@dataclass(frozen=True, kw_only=True)
class Way:
    """One outcome of a step: how likely it is, which step follows (None: the case ends)."""

    chance: float
    follows: int | None
    #: The mark a case comes to by it, and those it loses.
    reaches: int | None = None
    loses: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SimulatedStep:
    """One step: how long it takes, and where it leads.

    `lengths` None: it runs until the case's own date (`SimulatedCase.until`).
    """

    lengths: Lengths | Deadline | None
    ways: tuple[Way, ...]


@dataclass(frozen=True, kw_only=True)
class SimulatedCase:
    """An open case: its step, for how long it has stood there, what it has come to already."""

    step: int
    elapsed: int
    marks: frozenset[int]
    #: step -> the working day until which it runs, for steps without a length.
    until: Mapping[int, float]


def simulate(
    steps: Sequence[SimulatedStep],
    cases: Sequence[SimulatedCase],
    *,
    marks: int,
    today: int,
    runs: int,
    seed: int,
) -> Numbers:
    """Return when each case comes to each mark: an array of (mark, run, case), `NEVER` for not.

    A mark that a case has already stands at `today`.
    """
    random = np.random.default_rng(seed)
    count = len(cases)
    reached = np.full((marks, runs * count), NEVER)
    for place, case in enumerate(cases):
        for mark in case.marks:
            reached[mark, place::count] = today
    at = np.tile(np.array([case.step for case in cases], dtype=np.intp), runs)
    elapsed = np.tile(np.array([case.elapsed for case in cases], dtype=np.float64), runs)
    clock = np.full(runs * count, float(today))
    until = [
        np.tile(np.array([case.until.get(number, NEVER) for case in cases]), runs)
        if step.lengths is None
        else None
        for number, step in enumerate(steps)
    ]
    is_first = True
    for _ in range(_MOST_MOVES):
        standing = [np.flatnonzero(at == number) for number in range(len(steps))]
        if not any(each.size for each in standing):
            break
        for step, where, ends in zip(steps, standing, until, strict=True):
            if not where.size:
                continue
            if step.lengths is None:
                assert ends is not None  # noqa: S101 -- made for just these steps
                clock[where] = np.maximum(clock[where] + 1, ends[where])
            elif is_first:
                clock[where] += step.lengths.remaining(random, elapsed[where])
            else:
                clock[where] += step.lengths.drawn(random, where.size)
            _leave(step.ways, where, random, at, clock, reached)
        is_first = False
    return reached.reshape(marks, runs, count)


def _leave(
    ways: Sequence[Way],
    where: Indices,
    random: np.random.Generator,
    at: Indices,
    clock: Numbers,
    reached: Numbers,
) -> None:
    """Let the cases at `where` go each one of the ways out of their step."""
    borders = np.cumsum([way.chance for way in ways])
    taken = np.searchsorted(borders, random.random(where.size) * borders[-1], side="right")
    for number, way in enumerate(ways):
        those = where[taken == number]
        for mark in way.loses:
            reached[mark, those] = NEVER
        if way.reaches is not None:
            reached[way.reaches, those] = clock[those]
        at[those] = -1 if way.follows is None else way.follows


def day_of_number(reached: Numbers, number: int) -> Numbers:
    """Return, for each run of (run, case), when the `number`-th case arrives; `NEVER` for not."""
    if number <= 0:
        return np.zeros(reached.shape[0])
    if number > reached.shape[1]:
        return np.full(reached.shape[0], NEVER)
    return np.sort(reached, axis=1)[:, number - 1]


def percentile(days: Numbers, share: float) -> float:
    """Return the working day by which that share of the runs have arrived; `NEVER` where not."""
    ordered = np.sort(days)
    return float(ordered[max(int(np.ceil(share * ordered.size)) - 1, 0)])
