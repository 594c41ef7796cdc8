"""`pilot mail list`: which mail went to whom."""

from models.rules.stages import Stage
from tests.builders import World
from tests.deployments.cli.conftest import Pilot


def test_the_mails_of_a_case_are_listed_and_a_case_that_there_is_not_is_refused(
    pilot: Pilot, world: World
) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")

    listed = pilot.json("mail", "list", "--case", case_no)["mails"]

    assert {mail["case_no"] for mail in listed} == {case_no}
    said = pilot.refused("mail", "list", "--case", "HS-1-9999")
    assert said == "没有编号为 HS-1-9999 的案卷；可用 pilot case list 查看"
