"""Who is told when a party stays silent: the county, then the city bureau; per step otherwise."""

from datetime import date, timedelta

import pytest
from sqlmodel import select

from models.operations.digests import listed_items
from models.operations.notices import begin_notices
from models.operations.reminders import (
    Reminded,
    forecast_reminders,
    list_for_leading_group,
    once_each,
    prove_reminders,
    reminded_on,
)
from models.policy.figures import ReminderRule
from models.rules.stages import Recipient, Role, Stage
from models.tables.party import Contact, Party
from models.tables.reminder import Reminder
from tasks.database import reading, transaction
from tests.builders import CITY, COUNTY, PROVIDER, World


def sweep(world: World, *, days: int, rules: tuple[ReminderRule, ...] = ()) -> list[Reminded]:
    """Sweep so many days, the present one first; return what was said."""
    wanted = rules or world.moment.programme.reminders
    told = []
    for _ in range(days):
        with transaction(world.engine) as session:
            prove_reminders(session, wanted, world.today)
            people = session.exec(select(Contact.id)).all()
            told += once_each(reminded_on(session, world.today, people), wanted)
        world.go_to(world.today + timedelta(days=1))
    return told


def above(told: list[Reminded]) -> list[tuple[date, str, str, int]]:
    return [
        (each.day, each.party, each.waits_for, each.days_left) for each in told if each.waits_for
    ]


@pytest.fixture
def silent(world: World) -> World:
    """A provider that was asked on 2025-02-17 for a report, due on 2025-03-10, and says nothing."""
    case_no = world.started(Stage.DIAGNOSIS, "assign-provider")
    world.go_to(date(2025, 2, 17))
    world.answer(case_no)
    assert world.open_item(case_no).due_on == date(2025, 3, 10)
    return world


def test_the_county_and_then_the_city_bureau_are_told_whose_turn_it_is(silent: World) -> None:
    silent.go_to(date(2025, 3, 18))

    told = above(sweep(silent, days=10))

    assert told == [
        (date(2025, 3, 19), COUNTY, PROVIDER, -7),
        (date(2025, 3, 24), CITY, PROVIDER, -10),
    ]


def test_the_forecast_tells_of_the_bureaus_too(silent: World) -> None:
    silent.go_to(date(2025, 3, 10))
    with reading(silent.engine) as session:
        rules = silent.moment.programme.reminders
        ahead = above(forecast_reminders(session, rules, silent.today, date(2025, 3, 30)))

    assert sorted(ahead) == above(sweep(silent, days=21))
    assert len(ahead) == 2


def test_the_forecast_knows_that_a_notice_ends_by_itself_unless_somebody_objects(
    world: World,
) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    with transaction(world.engine) as session:
        begin_notices(session, world.moment.programme, world.moment.at)

    def ahead() -> list[tuple[date, str, str, int]]:
        with reading(world.engine) as session:
            rules = world.moment.programme.reminders
            return above(
                forecast_reminders(session, rules, world.today, world.today + timedelta(days=40))
            )

    assert ahead() == []

    world.say(case_no, outcome="登记异议", objector="石坚", reach="电话", content="不实")

    assert [(party, days) for _, party, _, days in ahead()] == [(CITY, -10)]


def test_a_bureau_that_is_late_itself_is_not_told_of_itself(world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")  # due on 2025-01-13
    world.go_to(date(2025, 1, 20))

    told = sweep(world, days=14)

    # The county's own reminders by three rules merged; the county is not above itself.
    assert {each.party for each in told} == {COUNTY, CITY}
    assert above(told) == [(date(2025, 1, 26), CITY, COUNTY, -10)]


def test_the_city_bureau_is_not_told_of_its_own_delay(world: World) -> None:
    world.started(Stage.APPLICATION, "city-review")
    world.go_to(date(2025, 2, 20))

    assert above(sweep(world, days=1)) == []


def test_a_step_with_rules_of_its_own_has_no_others_to_that_recipient(silent: World) -> None:
    general = silent.moment.programme.reminders
    own = ReminderRule(
        key="diagnose-county-2",
        to=Recipient.COUNTY_BUREAU,
        working_days=2,
        steps=("diagnosis.diagnose",),
        source="市经信局通知",
        verified=True,
    )
    elsewhere = own.model_copy(
        update={
            "key": "dossier-city-1",
            "to": Recipient.CITY_BUREAU,
            "working_days": 1,
            "steps": ("acceptance.dossier",),
        }
    )
    silent.go_to(date(2025, 3, 10))

    told = above(sweep(silent, days=20, rules=(*general, own, elsewhere)))

    assert told == [
        (date(2025, 3, 12), COUNTY, PROVIDER, -2),
        (date(2025, 3, 24), CITY, PROVIDER, -10),
    ]


def test_a_rule_for_some_roles_passes_over_the_others(silent: World) -> None:
    rules = tuple(
        rule.model_copy(update={"asked": (Role.ENTERPRISE,)})
        if rule.to is Recipient.COUNTY_BUREAU
        else rule
        for rule in silent.moment.programme.reminders
    )
    silent.go_to(date(2025, 3, 24))

    assert above(sweep(silent, days=1, rules=rules)) == [
        (date(2025, 3, 24), CITY, PROVIDER, -10),
    ]


def test_a_county_without_a_bureau_holds_up_nobody(silent: World) -> None:
    with transaction(silent.engine) as session:
        session.exec(select(Party).where(Party.name == COUNTY)).one().county = "铁山区"
    silent.go_to(date(2025, 3, 24))

    assert above(sweep(silent, days=1)) == [(date(2025, 3, 24), CITY, PROVIDER, -10)]


def test_what_has_been_late_for_long_comes_onto_the_weekly_list_once(silent: World) -> None:
    rules = silent.moment.programme.reminders
    [weekly] = [rule for rule in rules if rule.to is Recipient.LEADING_GROUP]
    listed = []
    for day in (date(2025, 3, 24), date(2025, 3, 31), date(2025, 4, 7)):  # late by 10, 15, 19
        with transaction(silent.engine) as session:
            list_for_leading_group(session, rules, day)
            list_for_leading_group(session, rules, day)
            found, count = listed_items(session, (weekly.key,), day)
            listed.append((count, [(each.party, each.days_late) for each in found]))

    assert listed == [(0, []), (1, [(PROVIDER, 15)]), (1, [(PROVIDER, 19)])]
    with reading(silent.engine) as session:
        [proof] = session.exec(select(Reminder).where(Reminder.rule == weekly.key)).all()
    assert (proof.contact_id, proof.reminded_on) == (None, date(2025, 3, 31))


def test_rules_upwards_are_for_afterwards_only() -> None:
    with pytest.raises(ValueError, match="逾期之后"):
        ReminderRule(key="x", to=Recipient.CITY_BUREAU, working_days=0, source="x", verified=False)
