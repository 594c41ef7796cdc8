"""`pilot policy diff`: what a changed policy would touch, told before it is applied."""

import shutil
from pathlib import Path

import pytest

from models.policy import folder_of
from models.rules.stages import Stage
from tests.builders import OTHER_ENTERPRISE, World
from tests.deployments.cli.conftest import Pilot


@pytest.fixture
def proposed(tmp_path: Path) -> Path:
    """A copy of the policy in force, to be changed."""
    folder = tmp_path / "new"
    shutil.copytree(folder_of("huangshi-2024"), folder)
    return folder


def change(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")


def test_the_same_policy_touches_nothing(pilot: Pilot, proposed: Path) -> None:
    assert "完全相同" in pilot("policy", "diff", proposed).out
    said = pilot.json("policy", "diff", proposed)
    assert said["figures"] == []
    assert said["version"] == said["new_version"]


def test_a_longer_step_touches_those_at_it_and_those_before_it(
    pilot: Pilot, world: World, proposed: Path
) -> None:
    at_it = world.started(Stage.DIAGNOSIS, "diagnose")
    due_on = world.open_item(at_it).due_on
    before_it = world.started(Stage.APPLICATION, "submit", enterprise=OTHER_ENTERPRISE)
    before = world.dump()
    change(
        proposed,
        "steps.toml",
        "[steps.diagnosis.diagnose]\nworking_days = 15",
        "[steps.diagnosis.diagnose]\nworking_days = 20",
    )

    said = pilot.json("policy", "diff", proposed)

    [figure] = said["figures"]
    assert (figure["path"], figure["old"], figure["new"]) == (
        "steps.diagnosis.diagnose.working_days",
        "15",
        "20",
    )
    [deadline] = said["impact"]["deadlines"]
    assert (deadline["case_no"], deadline["due_on"]) == (at_it, str(due_on))
    [case] = said["impact"]["cases"]
    assert case["case_no"] == before_it
    assert case["reasons"] == ["后续环节“诊断 · 咨询诊断”时限 15 个工作日 → 20 个工作日"]
    page = pilot("policy", "diff", proposed).out
    assert "案卷仍记着立案时的政策版本，已开事项的截止日不变" in page.replace("\n", "")
    assert world.dump() == before


def test_money_counties_milestones_and_reminders_are_told(
    pilot: Pilot, world: World, proposed: Path
) -> None:
    case_no = world.started(Stage.SUBSIDY, "propose")
    change(proposed, "money.toml", "rate = 0.4 ", "rate = 0.3 ")
    change(proposed, "enterprises.toml", 'name = "大冶市"', 'name = "大冶"')
    change(proposed, "milestones.toml", "ends_on = 2025-10-31", "ends_on = 2025-10-15")
    change(proposed, "reminders.toml", "working_days = -1\n", "working_days = -2\n")

    touched = pilot.json("policy", "diff", proposed)["impact"]

    [case] = touched["cases"]
    assert case["case_no"] == case_no
    assert case["reasons"][0] == "县市区“大冶市”不在新政策的名单中"
    assert "40%" in case["reasons"][1]
    assert "30%" in case["reasons"][1]
    assert (touched["ceilings_old"], touched["ceilings_new"]) == ("120000.00", "90000.00")
    assert [(each["key"], each["what"]) for each in touched["milestones"]] == [("2025-03", "期限")]
    assert sum(day["old"] for day in touched["reminders"]) == sum(
        day["new"] for day in touched["reminders"]
    )
    assert len(touched["reminders"]) == 2


def test_a_broken_policy_is_refused_with_file_and_line(pilot: Pilot, proposed: Path) -> None:
    change(proposed, "money.toml", "cap = 200_000", "cap = -1")

    said = pilot.refused("policy", "diff", proposed)

    assert said.startswith("政策文件 money.toml 的 subsidy.cap：不合要求")
    assert said.endswith("（第 5 行）")
    assert "没有试点方案" in pilot.refused("policy", "diff", proposed / "none")
