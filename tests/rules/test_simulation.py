"""Cases carried through steps: exact where nothing is left to chance, ordered where it is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.rules.durations import Deadline, Lengths
from models.rules.simulation import (
    NEVER,
    SimulatedCase,
    SimulatedStep,
    Way,
    day_of_number,
    percentile,
    simulate,
)

ONWARD = (
    SimulatedStep(lengths=Deadline(5), ways=(Way(chance=1, follows=1, reaches=0),)),
    SimulatedStep(lengths=Deadline(7), ways=(Way(chance=1, follows=None, reaches=1),)),
)


def a_case(step: int = 0, elapsed: int = 0, **more: object) -> SimulatedCase:
    plain = {"marks": frozenset(), "until": {}}
    return SimulatedCase(step=step, elapsed=elapsed, **{**plain, **more})  # type: ignore[arg-type]


def run(
    steps: tuple[SimulatedStep, ...], *cases: SimulatedCase, runs: int = 50, seed: int = 1
) -> np.ndarray:
    return simulate(steps, cases, marks=2, today=100, runs=runs, seed=seed)


def test_lengths_without_chance_give_one_day() -> None:
    reached = run(ONWARD, a_case(elapsed=2), a_case(step=1, elapsed=20))

    assert (reached[0, :, 0] == 103).all()
    assert (reached[1, :, 0] == 110).all()
    assert (reached[0, :, 1] == NEVER).all()  # it had passed the first step before
    assert (reached[1, :, 1] == 101).all()


def test_what_a_case_has_come_to_already_stands_today_until_it_is_lost() -> None:
    back = SimulatedStep(
        lengths=Deadline(3), ways=(Way(chance=1, follows=None, reaches=None, loses=(0,)),)
    )

    kept = run(ONWARD, a_case(step=1, marks=frozenset({0})))
    lost = run((back,), a_case(marks=frozenset({0})))

    assert (kept[0] == 100).all()
    assert (lost[0] == NEVER).all()


def test_a_step_without_a_length_runs_to_the_date_of_the_case() -> None:
    steps = (SimulatedStep(lengths=None, ways=(Way(chance=1, follows=None, reaches=0),)),)

    reached = run(steps, a_case(until={0: 140.0}), a_case(until={0: 60.0}))

    assert (reached[0, :, 0] == 140).all()
    assert (reached[0, :, 1] == 101).all()  # the date is past: on the next working day


def test_chances_are_kept() -> None:
    steps = (
        SimulatedStep(
            lengths=Deadline(1),
            ways=(Way(chance=30, follows=None, reaches=0), Way(chance=10, follows=None)),
        ),
    )

    arrived = np.isfinite(run(steps, a_case(), runs=4000)[0]).mean()

    assert 0.72 < arrived < 0.78


def test_a_case_that_is_sent_back_for_ever_never_arrives() -> None:
    steps = (SimulatedStep(lengths=Deadline(1), ways=(Way(chance=1, follows=0),)),)

    assert (run(steps, a_case())[0] == NEVER).all()


def test_no_case_is_no_error() -> None:
    assert run(ONWARD).shape == (2, 50, 0)
    assert day_of_number(run(ONWARD)[0], 0).tolist() == [0.0] * 50
    assert (day_of_number(run(ONWARD)[0], 1) == NEVER).all()


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 90), min_size=1, max_size=20),
    waited=st.lists(st.integers(0, 60), min_size=1, max_size=12),
    number=st.integers(0, 14),
    seed=st.integers(0, 2**32 - 1),
)
def test_half_is_never_later_than_eighty_and_one_seed_is_one_forecast(
    lengths: list[int], waited: list[int], number: int, seed: int
) -> None:
    steps = (
        SimulatedStep(
            lengths=Lengths(lengths),
            ways=(Way(chance=4, follows=1), Way(chance=1, follows=0)),
        ),
        SimulatedStep(lengths=Lengths(lengths), ways=(Way(chance=1, follows=None, reaches=0),)),
    )
    cases = [a_case(elapsed=each) for each in waited]

    reached = run(steps, *cases, seed=seed)
    arrival = day_of_number(reached[0], number)

    assert percentile(arrival, 0.5) <= percentile(arrival, 0.8)
    assert (percentile(arrival, 0.8) == NEVER) == (number > len(cases))
    assert (reached[0] >= 100).all()
    assert (reached == run(steps, *cases, seed=seed)).all()
