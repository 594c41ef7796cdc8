"""How a replay does what people and the calendar do: by operations alone, or through Prefect."""

from collections.abc import Mapping
from typing import Protocol

from deployments.replay.intentions import Intention
from models.operations.answering import Caller
from models.rules.stages import Channel
from tasks.answering import PREFECT_PAGE, Moment, answer_item
from tasks.moments import handle_moments, note_moments
from tasks.sweeping import sweep_day

_CALLERS = {
    Channel.PREFECT: PREFECT_PAGE,
    Channel.COMMAND_LINE: Caller(channel=Channel.COMMAND_LINE, identity="命令行，自报"),
    Channel.EXCEL: Caller(channel=Channel.EXCEL, identity="工作清单，自报"),
}


class Engine(Protocol):
    """What a course of days is carried out by. Both engines leave the same database behind."""

    def sweep(self, moment: Moment) -> None:
        """Do the daily sweep and what a moment of the calendar brings; return when it is done."""

    def answer(self, intention: Intention, form: Mapping[str, object], moment: Moment) -> None:
        """Hand in a form; return when the case has moved."""

    def finish(self) -> None:
        """Wait for whatever is still under way after the last day."""


def hand_in(intention: Intention, form: Mapping[str, object], moment: Moment) -> None:
    """Answer an item by operation, as its channel would."""
    asked = intention.asked
    answer_item(
        asked.item_id,
        form,
        _CALLERS[intention.channel],
        key=f"replay:{asked.item_id}:{intention.times}",
        moment=moment,
    )


class Direct:
    """Operations and sweeps, without Prefect."""

    def sweep(self, moment: Moment) -> None:
        """Do the daily sweep and what a moment of the calendar brings."""
        sweep_day(moment)
        if note_moments():
            handle_moments(moment)

    def answer(self, intention: Intention, form: Mapping[str, object], moment: Moment) -> None:
        """Hand in a form."""
        hand_in(intention, form, moment)

    def finish(self) -> None:
        """Nothing is under way."""
