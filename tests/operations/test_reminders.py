"""Reminders: in time, once, merged after an outage, forecast before they are sent."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from models.operations.reminders import (
    Reminded,
    forecast_reminders,
    once_each,
    prove_reminders,
    reminded_on,
)
from models.rules.stages import Stage
from models.tables.party import Contact
from models.tables.reminder import Reminder
from tasks.database import reading, transaction
from tests.builders import OTHER_ENTERPRISE, World
from tests.operations.at_once import at_once


def remind(world: World) -> list[Reminded]:
    """Sweep the world's day; return whom it reminds."""
    with transaction(world.engine) as session:
        rules = world.moment.programme.reminders
        prove_reminders(session, rules, world.today)
        people = session.exec(select(Contact.id)).all()
        return once_each(reminded_on(session, world.today, people), rules)


def proofs(world: World) -> set[tuple[int, str]]:
    with reading(world.engine) as session:
        return set(session.exec(select(col(Reminder.item_id), col(Reminder.rule))))


def forecast(world: World, until: date) -> list[tuple[date, str, str, int]]:
    with reading(world.engine) as session:
        rules = world.moment.programme.reminders
        ahead = forecast_reminders(session, rules, world.today, until)
    return sorted((each.day, each.name, each.rule, each.days_left) for each in ahead)


def swept_daily(world: World, days: int) -> list[tuple[date, str, int]]:
    """Sweep so many days, one after the other; return what was said on which day."""
    told = []
    for _ in range(days):
        told += [(each.day, each.rule, each.days_left) for each in remind(world)]
        world.go_to(world.today + timedelta(days=1))
    return told


def test_a_step_of_five_days_is_reminded_of_before_on_and_after_its_day(world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")  # on Monday 2025-01-06, due on the 13th

    assert swept_daily(world, 20) == [
        (date(2025, 1, 10), "before-1", 1),
        (date(2025, 1, 13), "on-the-day", 0),
        (date(2025, 1, 14), "after-1", -1),
        (date(2025, 1, 16), "after-3", -3),
        (date(2025, 1, 20), "after-5", -5),
    ]


def test_working_days_are_counted_over_the_spring_festival_and_its_make_up_days(
    world: World,
) -> None:
    world.go_to(date(2025, 1, 22))
    world.started(Stage.APPLICATION, "county-review")  # due on 2025-02-05, the first day after

    # 26 January is a Sunday on which people work.
    assert forecast(world, date(2025, 2, 9))[:3] == [
        (date(2025, 1, 27), "陈立", "before-1", 1),
        (date(2025, 2, 5), "陈立", "on-the-day", 0),
        (date(2025, 2, 6), "陈立", "after-1", -1),
    ]


def test_a_second_sweep_of_a_day_reminds_nobody_again(world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")
    world.go_to(date(2025, 1, 13))
    first = remind(world)
    before = world.dump()

    again = remind(world)

    assert again == first
    assert world.dump() == before


def test_after_an_outage_one_matter_stands_once_and_every_rule_has_its_proof(
    world: World,
) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.go_to(date(2025, 1, 16))

    [told] = remind(world)

    assert (told.rule, told.days_left, told.name) == ("after-3", -3, "陈立")
    item = world.item_id(case_no)
    assert proofs(world) == {
        (item, rule) for rule in ("before-1", "on-the-day", "after-1", "after-3")
    }


@pytest.mark.parametrize("gaps", [(1,) * 16, (3, 1, 9, 3), (16,), (2, 2, 2, 2, 2, 2, 2, 2)])
def test_any_gaps_between_sweeps_leave_the_same_proofs_as_daily_ones(
    world: World, gaps: tuple[int, ...]
) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    for gap in gaps:
        world.go_to(world.today + timedelta(days=gap))
        remind(world)

    assert proofs(world) == {
        (world.item_id(case_no), rule.key)
        for rule in world.moment.programme.reminders
        if -5 < rule.working_days <= 5
    }


def test_what_comes_due_later_on_a_day_with_mail_is_left_for_the_next_day(world: World) -> None:
    first = world.started(Stage.APPLICATION, "county-review")
    world.go_to(date(2025, 1, 10))
    assert [each.case_no for each in remind(world)] == [first]
    second = world.open(OTHER_ENTERPRISE)
    world.go_to(date(2025, 1, 6))
    world.walk(second, Stage.APPLICATION, "county-review")
    world.go_to(date(2025, 1, 10))

    assert [each.case_no for each in remind(world)] == [first]
    world.go_to(date(2025, 1, 11))
    told = remind(world)

    assert [(each.case_no, each.rule) for each in told] == [(second, "before-1")]


def test_an_answered_item_reminds_nobody(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    item = world.item_id(case_no)
    world.answer(case_no)
    world.go_to(date(2025, 1, 20))

    assert item not in {each.item_id for each in remind(world)}


def test_on_the_first_day_of_the_calendar_no_rule_looks_before_it(world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")

    with transaction(world.engine) as session:
        prove_reminders(session, world.moment.programme.reminders, date(2024, 1, 1))

    assert proofs(world) == set()


def test_two_sweeps_at_once_prove_and_tell_the_same(world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")
    world.started(Stage.APPLICATION, "city-review", enterprise=OTHER_ENTERPRISE)
    world.go_to(date(2025, 1, 14))

    told = at_once(*[lambda: remind(world)] * 4)

    assert all(each == told[0] for each in told)
    assert len(told[0]) == 2  # type: ignore[arg-type]


def test_the_forecast_is_what_daily_sweeps_then_send(world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")
    world.started(Stage.DIAGNOSIS, "diagnose", enterprise=OTHER_ENTERPRISE)
    start = world.today
    ahead = forecast(world, start + timedelta(days=40))

    sent = []
    for _ in range(41):
        sent += [(each.day, each.name, each.rule, each.days_left) for each in remind(world)]
        world.go_to(world.today + timedelta(days=1))

    assert sorted(sent) == ahead
    assert len(ahead) > 8


def with_rules(world: World, **days: int) -> None:
    """Have just these rules, to the party itself: the key, and its working days."""
    kept = world.moment.programme.reminders[0]
    rules = tuple(
        kept.model_copy(update={"key": key, "working_days": number}) for key, number in days.items()
    )
    world.moment = replace(world.moment, programme=replace(world.moment.programme, reminders=rules))


def test_a_rule_that_is_new_finds_what_has_been_late_for_long(world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")  # due on Monday 2025-01-13
    with_rules(world, on_the_day=0, after=1)
    world.go_to(date(2025, 3, 3))
    remind(world)
    assert {rule for _, rule in proofs(world)} == {"on_the_day", "after"}

    # One that is proven moves to a day that has not come, and one comes: as many as before.
    with_rules(world, on_the_day=0, after=200, long_after=20)
    world.go_to(date(2025, 3, 4))

    assert [each.rule for each in remind(world)] == ["long_after"]
