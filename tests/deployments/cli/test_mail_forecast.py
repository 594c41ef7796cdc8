"""`pilot mail forecast`: who will be written to, when and why, if nobody answers."""

from datetime import date

from models.rules.stages import Stage
from tasks.reminding import remind
from tests.builders import COUNTY, OTHER_ENTERPRISE, World
from tests.deployments.cli.conftest import Pilot


def test_the_forecast_names_day_person_and_reason_and_sends_nothing(
    pilot: Pilot, world: World
) -> None:
    world.started(Stage.APPLICATION, "county-review")
    before = world.dump()

    said = pilot.json("mail", "forecast", "--days", "6")

    assert [(row["day"], row["to_name"], row["why"]) for row in said["reminders"]] == [
        ("2025-01-10", "陈立", "截止前 1 个工作日"),
        ("2025-01-13", "陈立", "截止当日"),
        ("2025-01-14", "陈立", "逾期 1 个工作日"),
    ]
    # On 2025-01-26, a Sunday that is worked, the city bureau hears of it.
    month = pilot.json("mail", "forecast")
    assert [(row["day"], row["to_name"], row["waits_for"]) for row in month["reminders"][-1:]] == [
        ("2025-01-26", "周明", COUNTY)
    ]
    said = pilot("mail", "forecast").out
    assert "30 个工作日内（至 2025-02-21）：6 项催办，合并为 6 封邮件，简报 76 封" in said
    assert world.dump() == before


def test_what_is_late_already_is_forecast_for_the_next_sweep_as_one_mail(
    pilot: Pilot, world: World
) -> None:
    world.started(Stage.APPLICATION, "county-review")
    world.started(Stage.APPLICATION, "county-review", enterprise=OTHER_ENTERPRISE)
    world.go_to(date(2025, 1, 15))

    late = pilot.json("mail", "forecast", "--days", "1")
    assert late["mails"] == 2  # today's, and tomorrow's by the rule of the third day
    assert [(row["day"], row["days_left"]) for row in late["reminders"][:2]] == [
        ("2025-01-15", -2)
    ] * 2

    remind(world.moment, world.engine)

    assert pilot.json("mail", "forecast", "--days", "1")["mails"] == 1


def test_a_forecast_of_no_days_is_a_mistake_of_usage(pilot: Pilot) -> None:
    assert pilot("mail", "forecast", "--days", "0").status == 2


def test_digests_to_come_are_forecast_for_every_working_day(pilot: Pilot, world: World) -> None:
    said = pilot.json("mail", "forecast", "--days", "6")

    told = [(row["day"], row["why"]) for row in said["digests"] if row["to_name"] == "周明"]
    assert told == [
        (f"2025-01-{day:02}", why)
        for day in (6, 7, 8, 9, 10, 13, 14)
        for why in ("每日简报", "每周简报")
        if why == "每日简报" or day in (6, 13)
    ]
    assert "请转报市工业互联网创新发展领导小组" in pilot("mail", "forecast", "--days", "6").out
