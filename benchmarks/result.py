"""What a part has measured, to be printed and kept."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number. `aim` says what it should be, in words; `is_met` whether it is."""

    what: str
    value: float
    unit: str
    aim: str = ""
    is_met: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """The numbers of one part, and what must be known to read them."""

    part: str
    title: str
    measures: Sequence[Measure]
    notes: Sequence[str] = ()
