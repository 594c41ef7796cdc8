"""What is to be replayed, and by what; imports nothing that a command would have to wait for."""

from dataclasses import dataclass
from datetime import date

from models.rules.choice import Choice


class EngineName(Choice):
    """By what the days are carried out."""

    DIRECT = "direct", "直接"
    PREFECT = "prefect", "经 Prefect"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """So many enterprises, from the first day to the last, drawn from `seed`."""

    enterprises: int
    first: date
    last: date
    seed: int
