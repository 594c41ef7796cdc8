"""What the commands show: cases, items, mails, milestones, the trail."""

import json
from datetime import date

from sqlmodel import text

from models.forms.base import StepForm
from models.lifecycle import STEPS
from models.policy import load_programme
from models.rules.stages import Stage
from tasks.database import transaction
from tasks.reminding import remind
from tests.builders import ENTERPRISE, OTHER_ENTERPRISE, World
from tests.deployments.cli.conftest import Pilot

_ALL_STEPS = [(stage, step) for stage, steps in STEPS.items() for step in steps]


def test_cases_are_listed_with_what_they_wait_for(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")

    ran = pilot("case", "list")

    lines = [line.split() for line in ran.out.splitlines()]
    assert [
        case_no,
        ENTERPRISE,
        "大冶市",
        "申报",
        "·",
        "县市区初审",
        "示例大冶经信局",
        "2025-01-13",
    ] in lines


def test_cases_are_chosen_by_words_or_values(pilot: Pilot, world: World) -> None:
    first = world.started(Stage.DIAGNOSIS, "diagnose")
    second = world.open(OTHER_ENTERPRISE)
    world.say(second, outcome="撤回申报", reason="另有安排")

    def cases(*options: str) -> list[str]:
        return [case["case_no"] for case in pilot.json("case", "list", *options)["cases"]]

    assert cases("--stage", "诊断") == cases("--stage", "diagnosis") == [first]
    assert cases("--status", "已撤回") == cases("--status", "withdrawn") == [second]
    assert cases("--q", "恒力", "--batch", "2", "--county", "大冶市") == [second]


def test_a_case_is_shown_with_how_its_subsidy_is_computed(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "propose")

    ran = pilot("case", "show", case_no)

    assert ran.status == 0
    assert "按比例：300,000.00 元 × 40% = 120,000.00 元" in ran.out
    assert "提出补助建议（第 1 轮）" in ran.out


def test_the_history_shows_who_said_what(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.say(case_no, outcome="退回补正", opinion="缺少营业收入证明")

    ran = pilot("case", "history", case_no)
    entries = pilot.json("case", "history", case_no)["entries"]

    assert "申报 · 县市区初审：退回补正" in ran.out
    assert "审核意见：缺少营业收入证明" in ran.out
    assert [entry["number"] for entry in entries] == [1, 2, 3]
    assert entries[2]["channel_label"] == "命令行"


def test_items_are_chosen_by_party_role_and_lateness(pilot: Pilot, world: World) -> None:
    review = world.started(Stage.APPLICATION, "city-review")
    world.open(OTHER_ENTERPRISE)
    world.go_to(world.today.replace(day=20))

    def items(*options: str) -> list[str]:
        return [item["case_no"] for item in pilot.json("item", "list", *options)["items"]]

    assert items("--party", "示例市经信局") == items("--party", "市经信局") == [review]
    assert items("--role", "市经信局") == items("--overdue") == [review]
    assert pilot.refused("item", "list", "--party", "无此单位") == (
        "没有登记名为“无此单位”的单位；可用 pilot party list 查看"
    )


def test_an_overdue_item_says_by_how_many_working_days(pilot: Pilot, world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")
    world.go_to(world.today.replace(day=15))

    ran = pilot("item", "list")

    assert "逾期 2 天" in ran.out
    assert "共 1 项，逾期 1 项；剩余为工作日" in ran.out


def test_every_step_shows_every_field_it_asks_for(pilot: Pilot, world: World) -> None:
    case_no = world.open()
    for stage, step in _ALL_STEPS:
        world.walk(case_no, stage, step.key)

        shown = pilot.json("item", "show", world.item_id(case_no))

        names = {field["name"].split(".")[0] for field in shown["fields"]}
        assert names == set(step.form.model_fields)
        [choices] = [field["choices"] for field in shown["fields"] if field["name"] == "outcome"]
        possible = {o.label for o in step.form.outcomes() if o.value not in step.system_only}
        assert set(choices) == possible
        assert shown["asks"] == step.asks
        ran = pilot("item", "show", world.item_id(case_no))
        assert (ran.status, ran.err) == (0, "")


def test_an_item_shows_what_can_be_chosen_here(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "assign-provider")

    fields = pilot.json("item", "show", world.item_id(case_no))["fields"]

    provider = next(field for field in fields if field["name"] == "provider")
    assert provider["choices"] == ["示例云帆数字科技", "示例磁湖软件"]
    handler = next(field for field in fields if field["name"] == "handler")
    assert (handler["choices"], handler["known"]) == (["周明", "吴静"], "周明")


def test_a_nested_form_is_shown_by_dotted_names(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "declare")

    fields = pilot.json("item", "show", world.item_id(case_no))["fields"]

    line = next(field for field in fields if field["name"] == "lines.0.category")
    assert line == {
        "name": "lines.0.category",
        "title": "类别",
        "description": "",
        "kind": "选择",
        "choices": ["软件", "云服务", "网关", "路由", "其他相关支出"],
        "needed": "必填",
        "known": "",
    }


def test_an_item_that_is_over_or_unknown_is_refused(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")

    assert pilot.refused("item", "show", 1) == (
        f"事项 1 已办结；经过见 pilot case history {case_no}"
    )
    assert pilot.refused("item", "show", 99) == (
        "没有编号为 99 的待办事项；可用 pilot item list 查看"
    )


def test_mails_are_listed_and_shown_before_they_are_sent(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    other = world.open(OTHER_ENTERPRISE)

    listed = pilot.json("mail", "list", "--case", case_no)["mails"]

    assert (listed[0]["to_name"], listed[0]["state_label"]) == ("陈立", "待发送")
    assert {mail["case_no"] for mail in listed} == {case_no}
    assert pilot.json("mail", "list", "--state", "发送失败")["mails"] == []
    [to_other] = pilot.json("mail", "list", "--to", "恒力")["mails"]
    assert to_other["case_no"] == other
    shown = pilot("mail", "show", to_other["mail_id"])
    assert f"主题    {to_other['subject']}" in shown.out
    assert f"案卷号：{other}" in shown.out
    assert pilot.refused("mail", "show", 999) == (
        "没有编号为 999 的邮件；可用 pilot mail list 查看"
    )


def test_a_reminder_says_what_it_reminds_of_before_it_is_sent(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.go_to(date(2025, 1, 15))
    remind(world.moment, world.engine)

    [reminder] = [
        mail for mail in pilot.json("mail", "list")["mails"] if mail["template"] == "due_matters"
    ]

    assert reminder["subject"].endswith("【催办】1 项事项待办理，其中 1 项已逾期")
    assert f"案卷号：{case_no}" in pilot("mail", "show", reminder["mail_id"]).out


def test_all_twenty_milestones_are_listed_word_for_word(pilot: Pilot) -> None:
    listed = pilot.json("milestone", "list")["milestones"]

    assert [each["wording"] for each in listed] == [
        each.wording for each in load_programme().milestones
    ]
    assert len(listed) == 20
    assert pilot("milestone", "list").status == 0


def test_a_milestone_shows_both_readings_where_the_plan_contradicts_itself(pilot: Pilot) -> None:
    shown = pilot("milestone", "show", "2024-08")

    assert "方案自相矛盾：中期绩效评价的时间" in shown.out
    assert "现行读法  2024 年 10 月-12 月：开展试点城市建设中期绩效评价；" in shown.out
    assert "另一读法" in shown.out
    assert "黄政办函〔2024〕12号 附件1 第8项" in shown.out
    assert "责任单位  市经信局、市财政局（待核）" in shown.out


def test_every_contradiction_is_shown_at_a_milestone(pilot: Pilot) -> None:
    programme = load_programme()
    shown = {
        each["key"]
        for milestone in programme.milestones
        for each in pilot.json("milestone", "show", milestone.key)["milestone"]["contradictions"]
    }

    assert shown == {each.key for each in programme.contradictions}


def test_an_unknown_milestone_is_refused_with_those_there_are(pilot: Pilot) -> None:
    assert pilot.refused("milestone", "show", "2024-99").startswith(
        "没有编号为 2024-99 的里程碑；共有 2024-01、2024-02、"
    )


def test_an_intact_trail_is_told_with_status_0(pilot: Pilot, world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")

    assert pilot.json("audit", "verify")["is_intact"] is True
    assert "✓ 核验 20 条，全部衔接，未被改动" in pilot("audit", "verify").out


def test_a_changed_trail_is_told_with_status_1(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    with transaction(world.engine) as session:
        # As somebody with the database in hand would: the trigger that forbids it goes first.
        if world.engine.dialect.name == "sqlite":
            triggers = session.connection().execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            )
            for (name,) in triggers.all():
                session.connection().execute(text(f'DROP TRIGGER "{name}"'))
        else:
            session.connection().execute(text("SET session_replication_role = replica"))
        session.connection().execute(text("UPDATE audit_entry SET actor = '路人' WHERE number = 2"))

    ran = pilot("audit", "verify", "--json")

    assert (ran.status, ran.err) == (1, "")
    assert json.loads(ran.out)["faults"] == [
        {"where": f"{case_no} 第 2 条", "what": "内容与哈希不符，已被改动"}
    ]
    assert "发现 1 处问题" in pilot("audit", "verify").out


def test_every_field_of_every_form_has_a_title() -> None:
    untitled = [
        (step.form.__name__, name)
        for _, step in _ALL_STEPS
        for name, field in step.form.model_fields.items()
        if not field.title
    ]

    assert untitled == []
    assert all(issubclass(step.form, StepForm) for _, step in _ALL_STEPS)
