"""`pilot milestone`: how the milestones stand, and what people record of them."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from models.operations.milestones import progress
from models.rules.stages import Stage
from models.tables.milestone import MilestoneEvidence, ReadingChoice
from models.tables.programme import Batch
from tasks.database import reading
from tasks.milestones import look_at_milestones
from tests.builders import World
from tests.deployments.cli.conftest import Pilot


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A file that shows something to have been done."""
    file = tmp_path / "服务合同.pdf"
    file.write_bytes(b"%PDF-1.7 contract")
    return file


def the(pilot: Pilot, key: str) -> dict[str, object]:
    document = pilot.json("milestone", "list")
    [found] = [each for each in document["milestones"] + document["targets"] if each["key"] == key]
    return dict(found)


def test_progress_and_state_are_listed_from_the_data(pilot: Pilot, world: World) -> None:
    world.started(Stage.DIAGNOSIS, "assign-provider")
    world.go_to(date(2025, 1, 20))

    listed = the(pilot, "2025-01")

    assert (listed["value"], listed["target"], listed["unit"]) == (1, 100, "家")
    assert (listed["state"], listed["state_label"]) == ("at-risk", "有风险")
    assert "1 家／100 家以上" in pilot("milestone", "list").out
    assert the(pilot, "transformed-enterprises")["target"] == 201


def test_the_three_phases_are_listed_with_where_the_day_stands(pilot: Pilot, world: World) -> None:
    world.go_to(date(2025, 1, 20))

    said = [line.split() for line in pilot("milestone", "list").out.splitlines() if "阶段" in line]

    assert [(row[0], row[2], *row[3:]) for row in said[1:]] == [
        ("2024-01-01", "2024-03-31", "已结束", "工作准备阶段"),
        ("2024-04-01", "2025-10-31", "进行中", "试点实施阶段"),
        ("2025-11-01", "2025-12-31", "未开始", "总结验收阶段"),
    ]
    assert [each["name"] for each in pilot.json("milestone", "list")["phases"]] == [
        "工作准备阶段",
        "试点实施阶段",
        "总结验收阶段",
    ]


def test_evidence_completes_what_no_data_can_tell_and_counts_once(
    pilot: Pilot, world: World, contract: Path
) -> None:
    command = ("milestone", "set", "2024-04", "--evidence", contract, "--done-on", "2024-05-20")
    first = pilot.json(*command, "--note", "中标通知")
    again = pilot.json(*command, "--note", "中标通知")

    assert (first["is_new"], again["is_new"]) == (True, False)
    assert first["evidence"]["id"] == again["evidence"]["id"]
    listed = the(pilot, "2024-04")
    assert (listed["state_label"], listed["done_on"]) == ("已完成", "2024-05-20")
    digest = first["evidence"]["document"]
    assert (pilot.home / "documents" / digest[:2] / digest).read_bytes() == contract.read_bytes()
    history = pilot.json("party", "history", "示例市经信局")["entries"]
    assert [entry["action"] for entry in history if "里程碑" in entry["action"]] == [
        "登记里程碑佐证材料"
    ]
    assert world.verify() == []


def test_what_was_done_late_is_told_late_for_good(
    pilot: Pilot, world: World, contract: Path
) -> None:
    pilot.json("milestone", "set", "2024-05", "--evidence", contract, "--done-on", "2024-07-01")

    assert the(pilot, "2024-05")["state_label"] == "逾期完成"
    with reading(world.engine) as session:
        before = progress(session, world.moment.programme, date(2024, 6, 30))
    assert next(each.state.label for each in before if each.key == "2024-05") == "有风险"


def test_the_course_of_a_milestone_is_shown_day_by_day(pilot: Pilot, world: World) -> None:
    for day in (date(2025, 1, 6), date(2025, 1, 20), date(2025, 1, 21), date(2025, 2, 1)):
        world.go_to(day)
        look_at_milestones(world.moment, world.engine)

    days = pilot.json("milestone", "show", "2025-01")["milestone"]["days"]

    assert [(each["day"], each["state_label"]) for each in days] == [
        ("2025-01-06", "进行中"),
        ("2025-01-20", "有风险"),
        ("2025-02-01", "逾期"),
    ]
    shown = pilot("milestone", "show", "2025-01").out
    assert "经过（每日检查）\n2025-01-06  进行中　0" in shown


def test_evidence_withdrawn_counts_no_more_and_stays_on_record(
    pilot: Pilot, world: World, contract: Path
) -> None:
    command = ("milestone", "set", "2024-04", "--evidence", contract, "--done-on", "2024-05-20")
    number = pilot.json(*command)["evidence"]["id"]

    pilot.json("milestone", "unset", number, "--reason", "登错了")

    assert the(pilot, "2024-04")["state_label"] == "逾期"
    assert pilot.refused("milestone", "unset", number, "--reason", "再来") == (
        f"没有编号为 {number} 的有效佐证材料；可用 pilot milestone show 查看"
    )
    assert pilot.json(*command)["is_new"] is True
    with reading(world.engine) as session:
        rows = session.exec(select(MilestoneEvidence)).all()
    assert [row.withdrawn_because for row in rows] == ["登错了", ""]
    assert world.verify() == []


def test_a_target_is_reached_by_the_number_that_the_evidence_states(
    pilot: Pilot, contract: Path
) -> None:
    command = ("milestone", "set", "chain-cases", "--evidence", contract)
    pilot.json(*command, "--done-on", "2024-10-30", "--number", 2)
    assert the(pilot, "chain-cases")["state_label"] == "进行中"

    pilot.json(*command, "--done-on", "2024-12-30", "--number", 4)

    reached = the(pilot, "chain-cases")
    assert (reached["value"], reached["done_on"]) == (4, "2024-12-30")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ("2024-01", "--done-on", "2024-03-20"),
            "2024-01 由系统按“申报公示期满转入诊断的案卷数；已撤回的不计”计量，不凭佐证材料登记",
        ),
        (
            ("2024-04", "--done-on", "2025-01-07"),
            "完成日期 2025-01-07 晚于今天（2025-01-06），请核对",
        ),
        (
            ("2024-04", "--done-on", "2014-05-20"),
            "完成日期 2014-05-20 早于试点开始日（2024-01-01），请核对",
        ),
        (
            ("chain-cases", "--done-on", "2024-05-20"),
            "chain-cases 须写明佐证材料所载的数量（--number），1 以上",
        ),
        (
            ("2024-04", "--done-on", "2024-05-20", "--number", "3"),
            "2024-04 不按数量计量，请去掉 --number",
        ),
    ],
)
def test_evidence_that_cannot_be_right_is_refused(
    pilot: Pilot, contract: Path, arguments: tuple[str, ...], reason: str
) -> None:
    assert pilot.refused("milestone", "set", *arguments, "--evidence", contract) == reason


def test_a_reading_is_weighed_first_and_put_in_force_on_record(pilot: Pilot, world: World) -> None:
    command = ("milestone", "reading", "batch-2-transformation", "annex", "--reason", "以附件为准")
    before = world.dump()
    weighed = pilot.json(*command)
    assert world.dump() == before

    applied = pilot.json(*command, "--by", "周明", "--apply")
    again = pilot.json(*command, "--apply")

    [batch] = weighed["batches"]
    assert (batch["before"], batch["after"]) == (
        ["2025-01-01", "2025-10-31"],
        ["2025-03-01", "2025-10-31"],
    )
    assert applied["batches"] == weighed["batches"]
    assert (weighed["is_applied"], applied["is_applied"], again["is_applied"]) == (
        False,
        True,
        False,
    )
    with reading(world.engine) as session:
        row = session.exec(select(Batch).where(Batch.number == 2)).one()
        choices = session.exec(select(ReadingChoice)).all()
    assert (row.transformation_from, row.transformation_until) == (
        date(2025, 3, 1),
        date(2025, 10, 31),
    )
    assert [choice.reading for choice in choices] == ["annex"]
    shown = pilot("milestone", "show", "2025-03").out
    assert "理由      以附件为准" in shown
    assert "选定      周明，2025-01-06" in shown
    assert world.verify() == []


def test_the_midterm_report_is_due_by_the_reading_in_force(pilot: Pilot) -> None:
    assert the(pilot, "2024-08")["evidence_due_on"] == "2024-12-31"

    pilot.json("milestone", "reading", "midterm-evaluation", "annex", "--reason", "从严", "--apply")

    assert the(pilot, "2024-08")["evidence_due_on"] == "2024-10-31"


def test_a_reading_that_is_none_is_refused_with_those_there_are(pilot: Pilot) -> None:
    command = ("milestone", "reading", "midterm-evaluation")

    assert pilot.refused(*command, "mine", "--reason", "x", "--apply") == (
        "midterm-evaluation 没有名为 mine 的读法；应为 body、annex 之一"
    )
    assert pilot.refused(*command, "annex", "--reason", " ", "--apply") == (
        "必须写明理由（--reason）"
    )
    assert pilot.refused("milestone", "reading", "x", "annex", "--reason", "x").startswith(
        "没有编号为 x 的矛盾；共有 batch-1-transformation、"
    )


def test_items_that_run_to_the_end_of_the_batch_move_with_it(
    pilot: Pilot, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan's two readings end on one day: only a batch moved by hand shows that items move."""
    case_no = world.started(Stage.TRANSFORMATION, "implement")
    with world.engine.begin() as connection:
        connection.execute(
            Batch.metadata.tables["batch"]
            .update()
            .values(transformation_until=date(2025, 10, 31) + timedelta(days=1))
        )
        items = Batch.metadata.tables["work_item"]
        connection.execute(
            items.update().where(items.c.closed_at.is_(None)).values(due_on=date(2025, 11, 1))
        )

    command = ("milestone", "reading", "batch-2-transformation", "annex", "--reason", "x")
    [item] = pilot.json(*command, "--apply")["items"]

    assert (item["case_no"], item["before"], item["after"]) == (
        case_no,
        "2025-11-01",
        "2025-10-31",
    )
    assert world.open_item(case_no).due_on == date(2025, 10, 31)
