"""After the programme's end: what the commands say, what is left to wind down."""

from datetime import date

from models.rules.credit_code import check_digit
from models.rules.stages import Stage
from tasks.answering import withdraw_case
from tests.builders import OTHER_ENTERPRISE, World
from tests.deployments.cli.conftest import Pilot

LAPSED = "黄政办函〔2024〕12号 已于 2025-12-31 期满失效：不再受理新的申报，未办结案卷待收尾"


def test_open_cases_are_listed_for_winding_down_once_the_document_has_lapsed(
    pilot: Pilot, world: World
) -> None:
    ended = world.open(OTHER_ENTERPRISE)
    withdraw_case(ended, "停产", world.deed("撤回"), moment=world.moment, on=world.engine)
    open_one = world.started(Stage.DIAGNOSIS, "assign-provider")
    assert pilot.refused("case", "list", "--wind-down") == (
        "试点到 2025-12-31 才期满，没有待收尾的案卷"
    )

    world.go_to(date(2026, 1, 4))
    listed = pilot.json("case", "list", "--wind-down")

    assert [row["case_no"] for row in listed["cases"]] == [open_one]
    assert listed["lapse_note"] == LAPSED
    assert LAPSED in pilot("milestone", "list").out.replace("\n", "")


def test_a_case_opened_outside_its_window_is_told_so(pilot: Pilot, world: World) -> None:
    world.go_to(date(2025, 2, 5))
    stem = "91420281MA1000108"
    code = stem + check_digit(stem)

    ran = pilot.json(
        "case", "open", "--batch", 2, "--credit-code", code, "--name", "示例新企",
        "--county", "大冶市", "--industry", "高端装备", "--contact", "林一",
        "--email", "lin@example.com",
    )  # fmt: skip

    assert ran["window_note"] == "今天（2025-02-05）不在第二批申报期（2025-01-01 至 2025-01-31）内"
