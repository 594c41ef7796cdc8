"""How the invented people behave, read from `behaviour.toml`; every chance is drawn from a seed."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from random import Random
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from models.rules.stages import Channel, Role, Stage

_T = TypeVar("_T")
_Percent = Annotated[int, Field(ge=0, le=100)]
_Days = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
_Share = tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Manners(_Data):
    """In how many of so many matters a party answers early, in time, late or never."""

    early: int
    punctual: int
    late: int
    never: int = 0


class Pace(_Data):
    """Shares of the time allowed; all others are working days."""

    early: _Share
    punctual: _Share
    late: _Days
    shortest: int
    withdrawn_after: int
    progress_every: int
    objected_after: _Days
    decided_after: _Days
    opened_within: _Percent


class Turn(_Data):
    """An outcome that is not the straight way, and what is said with it."""

    stage: Stage
    step: str
    outcome: str
    percent: _Percent
    words: Mapping[str, str]


class Objections(_Data):
    """How the lead bureau decides on objections."""

    upheld: _Percent
    dismissed_words: str
    upheld_words: str


class Enterprises(_Data):
    """In what enterprises differ; sums in yuan."""

    spend: tuple[int, int]
    invoices: tuple[int, int]
    levels: Mapping[int, int]
    rates: Mapping[str, int]
    cut: _Percent
    channels: Mapping[Channel, int]


class Contacts(_Data):
    """How many of a hundred primary contacts have an address that no server knows."""

    dead: _Percent


class Pool(_Data):
    """How many bodies there are to serve and to judge the enterprises."""

    enterprises_per_provider: int
    enterprises_per_assessor: int


class Evidence(_Data):
    """In how many of a hundred matters the lead bureau records evidence, and when; days are days.

    `share` is what a number recorded is of the number promised, in per cent.
    """

    punctual: _Percent
    late: _Percent
    late_days: _Days
    days_before: tuple[int, int]
    share: tuple[int, int]


class Behaviour(_Data):
    """All of it."""

    manners: Mapping[Role, Manners]
    pace: Pace
    turns: tuple[Turn, ...]
    objections: Objections
    enterprises: Enterprises
    contacts: Contacts
    pool: Pool
    evidence: Evidence


@cache
def behaviour() -> Behaviour:
    """Return what `behaviour.toml` says."""
    text = files(__package__).joinpath("behaviour.toml").read_text(encoding="utf-8")
    return Behaviour.model_validate(tomllib.loads(text))


def chance(*told: object) -> Random:
    """Return the dice for one decision: the same for the same words, whatever else is drawn.

    So it does not matter in which order, or by which engine, decisions are made.
    """
    return Random(":".join(map(str, told)))  # noqa: S311 -- invented people


def drawn(dice: Random, shares: Mapping[_T, int]) -> _T:
    """Return one of the keys, each as likely as its share says."""
    [one] = dice.choices(list(shares), list(shares.values()))
    return one
