"""What is written down of the milestones, day by day."""

from datetime import date, timedelta

from sqlmodel import col, select

from models.operations.milestones import MilestoneChange
from models.rules.milestones import MilestoneState
from models.rules.stages import Stage
from models.tables.milestone import MilestoneDay
from tasks.database import reading
from tasks.milestones import look_at_milestones
from tests.builders import World
from tests.operations.at_once import at_once


def look(world: World) -> list[MilestoneChange]:
    return list(look_at_milestones(world.moment, world.engine))


def rows(world: World, key: str) -> list[tuple[date, int | None, str]]:
    with reading(world.engine) as session:
        found = session.exec(
            select(MilestoneDay).where(MilestoneDay.key == key).order_by(col(MilestoneDay.day))
        )
        return [(row.day, row.value, row.state.label) for row in found]


def test_only_days_on_which_something_was_different_are_written_down(world: World) -> None:
    first = world.today
    assert look(world) == []
    world.go_to(first + timedelta(days=1))
    look(world)
    world.started(Stage.DIAGNOSIS, "assign-provider")
    selected = world.today
    look(world)
    look(world)
    world.go_to(date(2025, 2, 1))

    changes = look(world)

    assert rows(world, "2025-01") == [
        (first, 0, "进行中"),
        (selected, 1, "进行中"),
        (date(2025, 2, 1), 1, "逾期"),
    ]
    change = MilestoneChange(
        key="2025-01", before=MilestoneState.UNDER_WAY, after=MilestoneState.OVERDUE
    )
    assert change in changes
    assert look(world) == changes


def test_two_looks_at_once_write_one_row(world: World) -> None:
    at_once(*([lambda: look(world)] * 3))

    assert rows(world, "2025-01") == [(world.today, 0, "进行中")]
