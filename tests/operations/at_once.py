"""Several works started at the same moment, and how each of them ended."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from models.rules.errors import PilotError

_T = TypeVar("_T")


def at_once(*works: Callable[[], _T]) -> list[_T | PilotError]:
    """Start all works at the same moment; return what each returned or refused."""
    barrier = Barrier(len(works))

    def start(work: Callable[[], _T]) -> _T | PilotError:
        barrier.wait()
        try:
            return work()
        except PilotError as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(start, works))


def split(results: Sequence[_T | PilotError]) -> tuple[list[_T], list[PilotError]]:
    """Return what was done, and what was refused."""
    won = [result for result in results if not isinstance(result, PilotError)]
    return won, [result for result in results if isinstance(result, PilotError)]
