"""When somebody will do what about an item, decided as soon as he is asked."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from random import Random

from deployments.replay.asked import Asked
from deployments.replay.behaviour import Turn, behaviour, chance, drawn
from models.rules.stages import Channel, Role
from models.rules.working_days import add_working_days, is_working_day


@dataclass(frozen=True, kw_only=True)
class Intention:
    """What will be done about an item, and when; ordered by the instant, then by the case."""

    day: date
    at: time
    asked: Asked
    #: The how-manieth answer to the same item this will be, from 0.
    times: int
    channel: Channel = Channel.PREFECT
    #: How it differs from what carries the case on; None where it does not.
    turn: Turn | None = None
    #: The party never answers, and the lead bureau ends the case instead.
    is_given_up: bool = False
    #: A word on the work, which is not done yet.
    is_progress: bool = False

    @property
    def order(self) -> tuple[time, str]:
        """Return what the intentions of one day are sorted by."""
        return self.at, self.asked.case_no


def intention(seed: int, asked: Asked, times: int = 0) -> Intention | None:
    """Return what will be done about the item after `times` answers; None for nothing, ever."""
    matter = (seed, asked.case_no, asked.stage.value, asked.step, asked.attempt)
    dice = chance(*matter, times)
    at = time(9 + dice.randrange(8), dice.randrange(60), dice.randrange(60))
    if asked.role is Role.SYSTEM:
        return _objection(dice, asked, at, times)
    day, is_never = _when(chance(*matter, "pace"), asked)
    if asked.step == "implement" and not is_never:
        # The monthly word goes on until the work is done.
        every = behaviour().pace.progress_every
        word = add_working_days(asked.opened_on, every * (times + 1))
        if word < day:
            return Intention(
                day=word, at=at, asked=asked, times=times, channel=_channel(dice), is_progress=True
            )
    return Intention(
        day=day,
        at=at,
        asked=asked,
        times=times,
        channel=_channel(dice),
        turn=_turn(dice, asked),
        is_given_up=is_never,
    )


def opening_day(seed: int, name: str, first: date, last: date) -> date:
    """Return the working day between the two on which an enterprise's case is opened."""
    days = (last - first).days * behaviour().pace.opened_within // 100
    after = chance(seed, name, "opening").randrange(days + 1)
    return add_working_days(first + timedelta(days=after), 0)


def _objection(dice: Random, asked: Asked, at: time, times: int) -> Intention | None:
    """Return an objection to the notice, or the decision on the one before; mostly nothing."""
    pace = behaviour().pace
    if times == 0 and (turn := _turn(dice, asked)):
        day = add_working_days(asked.opened_on, 1 + dice.randint(*pace.objected_after))
    elif times == 1:
        # The notice does not end before it is decided.
        day = add_working_days(asked.due_on, dice.randint(*pace.decided_after))
        turn = _decision(dice, asked)
    else:
        return None
    return Intention(day=day, at=at, asked=asked, times=times, turn=turn)


def _decision(dice: Random, asked: Asked) -> Turn:
    objections = behaviour().objections
    is_upheld = dice.randrange(100) < objections.upheld
    return Turn(
        stage=asked.stage,
        step=asked.step,
        outcome="异议成立" if is_upheld else "异议不成立",
        percent=100,
        words={"decision": objections.upheld_words if is_upheld else objections.dismissed_words},
    )


def _when(dice: Random, asked: Asked) -> tuple[date, bool]:
    """Return the day of the answer and whether it is none: then of the end of all patience."""
    pace, manners = behaviour().pace, behaviour().manners[asked.role]
    manner = drawn(dice, manners.model_dump())
    if manner == "never":
        return add_working_days(asked.due_on, pace.withdrawn_after), True
    if manner == "late":
        return add_working_days(asked.due_on, dice.randint(*pace.late)), False
    allowed = _working_days(asked.opened_on, asked.due_on) or pace.shortest
    share = dice.uniform(*(pace.early if manner == "early" else pace.punctual))
    return add_working_days(asked.opened_on, max(1, round(allowed * share))), False


def _working_days(after: date, until: date) -> int:
    days = range(after.toordinal() + 1, until.toordinal() + 1)
    return sum(is_working_day(date.fromordinal(day)) for day in days)


def _turn(dice: Random, asked: Asked) -> Turn | None:
    """Return the turn the matter takes the first time it is asked; later it goes straight on."""
    if asked.attempt > 1:
        return None
    draw = dice.randrange(100)
    for turn in behaviour().turns:
        if (turn.stage, turn.step) == (asked.stage, asked.step):
            if draw < turn.percent:
                return turn
            draw -= turn.percent
    return None


def _channel(dice: Random) -> Channel:
    return drawn(dice, behaviour().enterprises.channels)
