"""When applications are taken: in their window, and never after the programme's end."""

from dataclasses import replace
from datetime import date

import pytest

from models.operations.windows import LapsedError, OutsideWindowError
from models.rules.stages import Stage
from tests.builders import OTHER_ENTERPRISE, World

AFTER_THE_WINDOW = date(2025, 2, 5)


def refuse_outside(world: World) -> None:
    """Let the office have decided that applications outside their window are refused."""
    programme = world.moment.programme
    refusing = programme.applications.model_copy(update={"outside_window": "refuse"})
    world.moment = replace(world.moment, programme=replace(programme, applications=refusing))


def test_outside_the_window_an_application_is_taken_unless_the_policy_refuses(
    world: World,
) -> None:
    world.go_to(AFTER_THE_WINDOW)
    case_no = world.open()
    world.answer(case_no)
    assert world.at(case_no)[1] == "county-review"

    refuse_outside(world)
    before = world.dump()
    with pytest.raises(OutsideWindowError) as refused:
        world.open(OTHER_ENTERPRISE)

    assert str(refused.value) == (
        "今天（2025-02-05）不在第二批申报期（2025-01-01 至 2025-01-31）内，不予受理"
    )
    assert world.dump() == before


def test_a_first_application_is_late_after_the_window_a_corrected_one_is_not(
    world: World,
) -> None:
    refuse_outside(world)
    late = world.open()
    returned = world.started(Stage.APPLICATION, "county-review", enterprise=OTHER_ENTERPRISE)
    world.answer(returned, outcome="return", opinion="请补承诺书")
    world.go_to(AFTER_THE_WINDOW)

    with pytest.raises(OutsideWindowError):
        world.answer(late)
    world.answer(returned)

    assert world.at(returned) == (Stage.APPLICATION, "county-review", 2)


def test_after_the_end_no_application_is_taken_and_what_is_open_goes_on(world: World) -> None:
    waiting = world.open()
    going = world.started(Stage.DIAGNOSIS, "assign-provider", enterprise=OTHER_ENTERPRISE)
    world.go_to(date(2026, 1, 4))

    with pytest.raises(LapsedError, match="五末段"):
        world.answer(waiting)
    world.answer(going)

    assert world.at(going)[:2] == (Stage.DIAGNOSIS, "diagnose")
