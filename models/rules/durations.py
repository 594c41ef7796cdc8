"""How long a step takes, learnt from those that are finished and those that still run."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import CensoredData, ecdf

Numbers = np.ndarray[Any, np.dtype[np.float64]]


class Lengths:
    """The distribution of a step's length in working days, by Kaplan and Meier.

    Items that are still open count with the days they have taken so far: leaving them out would
    make the step look shorter than it is. Where the longest of all is still open, the rest of
    the distribution is put upon the longest length seen (Efron).
    """

    def __init__(self, finished: Sequence[int], still_open: Sequence[int] = ()) -> None:
        """Learn from working days; at least one finished is needed."""
        if not finished:
            raise ValueError("nothing is known of a step that was never finished")
        cdf = ecdf(CensoredData(uncensored=list(finished), right=list(still_open))).cdf
        longest = float(max(*finished, *still_open, 0))
        self._days: Numbers = np.append(cdf.quantiles, longest)
        self._done: Numbers = np.append(cdf.probabilities, 1.0)

    def median(self) -> float:
        """Return the length within which half of them are finished."""
        return float(self._quantile(np.array([0.5]))[0])

    def drawn(self, random: np.random.Generator, count: int) -> Numbers:
        """Return `count` lengths."""
        return self._quantile(random.random(count))

    def remaining(self, random: np.random.Generator, elapsed: Numbers) -> Numbers:
        """Return how much longer each will take that has run for `elapsed` working days.

        One that has run longer than any seen so far begins anew: nothing tells when it will end.
        """
        place = np.searchsorted(self._days, elapsed, side="right")
        passed = np.where(place > 0, self._done[np.maximum(place - 1, 0)], 0.0)
        is_known = passed < 1.0
        chance = passed + (1.0 - passed) * random.random(elapsed.size)
        known = self._quantile(chance) - elapsed
        return np.where(is_known, np.maximum(known, 0.0), self.drawn(random, elapsed.size))

    def _quantile(self, chance: Numbers) -> Numbers:
        place = np.searchsorted(self._done, chance, side="left")
        return self._days[np.minimum(place, self._days.size - 1)]


class Deadline:
    """A step of which too little is known: it takes as long as it may."""

    def __init__(self, working_days: int) -> None:
        """Hold the policy's length."""
        self._days = float(working_days)

    def drawn(self, _: np.random.Generator, count: int) -> Numbers:
        """Return that length `count` times."""
        return np.full(count, self._days)

    def remaining(self, _: np.random.Generator, elapsed: Numbers) -> Numbers:
        """Return what is left of it; what is overdue is done on the next working day."""
        return np.maximum(self._days - elapsed, 1.0)
