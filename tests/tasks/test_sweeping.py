"""The daily sweep: done twice it does nothing more, and when it counts as missed."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from models.rules.clock import SHANGHAI
from models.rules.stages import Stage
from tasks.sweep_watch import is_missed
from tasks.sweeping import sweep_day
from tests.builders import FIRST_DAY, World


def _stands_at(world: World, clock: str) -> None:
    at = datetime.fromisoformat(f"{FIRST_DAY}T{clock}").replace(tzinfo=SHANGHAI)
    world.moment = replace(world.moment, at=at)


def test_a_sweep_after_a_restart_on_the_same_day_finds_nothing_to_do(here: World) -> None:
    case_no = here.started(Stage.APPLICATION, "public-notice")
    first = sweep_day(here.moment)
    before = here.case(case_no).audit_length

    again = sweep_day(here.moment)

    assert (first.begun.items, first.is_sealed) == (1, True)
    assert (again.begun.items, again.ended.receipts, again.is_sealed) == (0, (), False)
    assert here.case(case_no).audit_length == before


@pytest.mark.parametrize(
    ("clock", "missed"), [("00:01", False), ("08:39", False), ("08:40", True), ("23:59", True)]
)
def test_a_sweep_is_missed_from_the_morning_on_and_not_at_midnight(
    here: World, monkeypatch: pytest.MonkeyPatch, clock: str, missed: bool
) -> None:
    monkeypatch.delenv("PILOT_TODAY")
    _stands_at(here, clock)

    assert is_missed(here.moment) is missed


def test_a_day_that_the_clock_was_moved_to_is_swept_at_once(here: World) -> None:
    _stands_at(here, "00:01")
    assert is_missed(here.moment)

    sweep_day(here.moment)

    assert not is_missed(here.moment)
    here.moment = replace(here.moment, at=here.moment.at + timedelta(days=1))
    assert is_missed(here.moment)
