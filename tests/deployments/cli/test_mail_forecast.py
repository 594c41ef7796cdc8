"""`pilot mail forecast`: who will be written to, when and why, if nobody answers."""

from datetime import date

from models.rules.stages import Stage
from tasks.reminding import remind
from tests.builders import OTHER_ENTERPRISE, World
from tests.deployments.cli.conftest import Pilot


def test_the_forecast_names_day_person_and_reason_and_sends_nothing(
    pilot: Pilot, world: World
) -> None:
    world.started(Stage.APPLICATION, "county-review")
    before = world.dump()

    said = pilot.json("mail", "forecast", "--days", "8")

    assert [(row["day"], row["to_name"], row["why"]) for row in said["reminders"]] == [
        ("2025-01-10", "陈立", "截止前 1 个工作日"),
        ("2025-01-13", "陈立", "截止当日"),
        ("2025-01-14", "陈立", "逾期 1 个工作日"),
    ]
    assert "至 2025-02-05：5 项催办，合并为 5 封邮件" in pilot("mail", "forecast").out
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
