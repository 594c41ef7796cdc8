"""Moments of the calendar: noted when they have come, dealt with once, caught up with."""

from datetime import date

from sqlmodel import col, select

from models.operations.milestones import moments
from models.tables.mail import OutboxMail
from models.tables.milestone import CalendarMoment
from models.tables.party import Party
from tasks.database import reading, transaction
from tasks.moments import handle_moments
from tests.builders import ENTERPRISE, World
from tests.operations.at_once import at_once

OPENING = "applications-open:2"


def note(world: World) -> int:
    with transaction(world.engine) as session:
        return moments.note_come(session, world.moment.programme, world.today, world.moment.at)


def told(world: World) -> list[str]:
    with reading(world.engine) as session:
        return sorted(
            session.exec(
                select(col(OutboxMail.to_party)).where(OutboxMail.template == "applications_open")
            )
        )


def expected(world: World, *, without: str = "") -> list[str]:
    with reading(world.engine) as session:
        names = session.exec(
            select(col(Party.name)).where(col(Party.role).in_(["enterprise", "county-bureau"]))
        ).all()
    return sorted(name for name in names if name != without)


def test_a_window_that_opens_tells_counties_and_enterprises_without_a_case_once(
    world: World,
) -> None:
    world.open()
    note(world)

    handled = handle_moments(world.moment, world.engine)
    assert told(world) == expected(world, without=ENTERPRISE)
    before = world.dump()

    assert note(world) == 0
    assert handle_moments(world.moment, world.engine) == []
    assert world.dump() == before
    assert "2025-01-01 第二批申报开始" in [each.words for each in handled]


def test_a_window_that_has_closed_meanwhile_is_not_announced_any_more(world: World) -> None:
    world.go_to(date(2025, 2, 5))
    note(world)

    handle_moments(world.moment, world.engine)

    assert told(world) == []
    with reading(world.engine) as session:
        row = session.get_one(CalendarMoment, OPENING)
    assert row.done_at is not None


def test_moments_are_noted_from_their_day_on_and_by_two_clocks_once(world: World) -> None:
    with reading(world.engine) as session:
        programme = world.moment.programme
        due = {each.key: each.due_on for each in moments.moments(session, programme)}
        come = {each.key for each in moments.has_come(session, programme, date(2025, 1, 31))}
    assert due[OPENING] == date(2025, 1, 1)
    assert due["applications-ended:2"] == date(2025, 2, 1)
    assert due["milestone-ended:2025-03"] == date(2025, 11, 1)
    assert come == {key for key, day in due.items() if day <= date(2025, 1, 31)}

    sums = at_once(*([lambda: note(world)] * 3))

    here = sum(day <= world.today for day in due.values())
    assert sorted(sums, key=str) == [0, 0, here]


def test_two_workers_at_once_tell_everybody_once(world: World) -> None:
    note(world)

    at_once(*([lambda: handle_moments(world.moment, world.engine)] * 3))

    assert told(world) == expected(world)
