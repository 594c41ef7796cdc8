"""Lengths of steps learnt from finished and open items."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.rules.durations import Deadline, Lengths

LENGTHS = st.lists(st.integers(0, 200), min_size=1, max_size=60)


def test_the_textbook_example_of_kaplan_and_meier() -> None:
    """Freireich's leukaemia data, treated group (1963): the median is 23 weeks."""
    finished = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    still_open = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]

    assert Lengths(finished, still_open).median() == 23


@pytest.mark.parametrize("seed", range(5))
def test_with_half_of_exponential_lengths_cut_off_the_median_is_near_the_truth(seed: int) -> None:
    random = np.random.default_rng(seed)
    lengths, cuts = random.exponential(40, 4000), random.exponential(40, 4000)
    is_finished = lengths <= cuts
    finished = np.rint(lengths[is_finished]).astype(int).tolist()
    still_open = np.rint(cuts[~is_finished]).astype(int).tolist()

    truth = 40 * np.log(2)
    assert Lengths(finished, still_open).median() == pytest.approx(truth, rel=0.1)
    # Leaving out what is still open would halve it.
    assert Lengths(finished).median() < 0.6 * truth


@settings(max_examples=50, deadline=None)
@given(finished=LENGTHS, still_open=st.lists(st.integers(0, 200), max_size=60), seed=st.integers(0))
def test_what_is_drawn_has_been_seen_and_what_remains_is_not_over(
    finished: list[int], still_open: list[int], seed: int
) -> None:
    lengths, random = Lengths(finished, still_open), np.random.default_rng(seed)

    drawn = lengths.drawn(random, 200)
    assert set(drawn) <= {*map(float, finished), float(max(finished + still_open))}
    elapsed = np.arange(200.0)
    remaining = lengths.remaining(random, elapsed)
    assert (remaining >= 0).all()
    longest = max(finished + still_open)
    within = elapsed < longest
    assert (elapsed[within] + remaining[within] <= longest).all()


def test_one_that_has_waited_knows_that_the_short_lengths_are_past() -> None:
    lengths, random = Lengths([1] * 90 + [50] * 10), np.random.default_rng(1)

    assert np.mean(lengths.remaining(random, np.zeros(1000))) < 10
    assert (lengths.remaining(random, np.full(1000, 10.0)) == 40).all()


def test_without_data_a_step_takes_what_it_may_and_what_is_overdue_one_day_more() -> None:
    deadline, random = Deadline(5), np.random.default_rng(1)

    assert deadline.drawn(random, 2).tolist() == [5, 5]
    assert deadline.remaining(random, np.array([0.0, 3, 5, 9])).tolist() == [5, 2, 1, 1]


def test_a_step_that_was_never_finished_has_no_lengths() -> None:
    with pytest.raises(ValueError, match="never finished"):
        Lengths([], [3, 4])
