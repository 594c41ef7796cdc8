"""`pilot answer`: every step can be answered, and every refusal changes nothing."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from models.rules.stages import CaseStatus, Channel, Stage
from models.tables.audit import AuditEntry
from tasks.database import reading
from tests.builders import ENTERPRISE, OTHER_ENTERPRISE, World
from tests.deployments.cli.conftest import Pilot


def settings(form: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the `--set`s that say what `form` says."""
    for name, value in form.items():
        if isinstance(value, Mapping):
            yield from settings(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            for place, each in enumerate(value):
                yield from settings(each, f"{prefix}{name}.{place}.")
        else:
            yield "--set"
            yield f"{prefix}{name}={value}"


def test_a_case_is_carried_from_application_to_payment_by_settings(
    pilot: Pilot, world: World
) -> None:
    case_no = world.open()
    while world.case(case_no).status is CaseStatus.ACTIVE:
        if world.open_item(case_no).step == "public-notice":
            world.end_notice(case_no)
            continue
        ran = pilot("answer", world.item_id(case_no), *settings(world.typical(case_no)))
        assert (ran.status, ran.err) == (0, ""), ran

    assert world.case(case_no).status is CaseStatus.COMPLETED
    assert "案卷状态  已办结（补助已拨付）" in ran.out
    with reading(world.engine) as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.party == ENTERPRISE)).all()
    assert {entry.channel for entry in entries} == {Channel.COMMAND_LINE}
    assert all(entry.identity.startswith("命令行（系统账户 ") for entry in entries)
    assert world.verify() == []


def test_the_receipt_says_what_comes_next(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")

    ran = pilot("answer", world.item_id(case_no), *settings(world.typical(case_no)))

    said = [line.rstrip() for line in ran.out.splitlines()]
    assert re.fullmatch(r"时间      2025-01-06 \d\d:\d\d", said.pop(6))
    assert said == [
        "◆ 系统日期 2025-01-06",
        "✓ 已办理",
        f"回执号    {case_no}-0003",
        f"案卷      {case_no} {ENTERPRISE}",
        "办理      申报 · 县市区初审：推荐",
        "经办人    陈立（示例大冶经信局）",
        "下一步    事项 3 · 申报 · 市级审核",
        "办理单位  示例市经信局",
        "截止      2025-01-13",
    ]


def test_a_form_comes_from_a_file_and_settings_lie_over_it(
    pilot: Pilot, world: World, tmp_path: Path
) -> None:
    case_no = world.open()
    form = {**world.typical(case_no), "headcount": 10, "is_committed": False}
    file = tmp_path / "form.json"
    file.write_text(json.dumps(form), encoding="utf-8")

    document = pilot.json(
        "answer",
        world.item_id(case_no),
        *("--form", file, "--set", "headcount=12", "--set", "is_committed=是"),
    )

    assert document["receipt"]["outcome"] == "submitted"
    assert document["receipt"]["next_step_label"] == "县市区初审"
    assert pilot.json("case", "show", case_no)["case"]["headcount"] == 12


def test_a_toml_form_keeps_money_exact(pilot: Pilot, world: World, tmp_path: Path) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "contract")
    file = tmp_path / "form.toml"
    file.write_text(
        'contract_no = "HT-1"\nsigned_on = 2025-01-06\namount = 300000.10\n'
        'products = "MES"\nprice_detail = "一次性"\n',
        encoding="utf-8",
    )

    pilot.json("answer", world.item_id(case_no), "--form", file)

    facts = pilot.json("case", "show", case_no)["case"]
    # The provider was known and did not have to be named.
    assert (facts["contract_sum"], facts["provider"]) == ("300000.10", "示例云帆数字科技")


def test_what_is_known_needs_not_be_said_again(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.say(case_no, outcome="退回补正", opinion="请更正从业人数")

    pilot.json(
        "answer",
        world.item_id(case_no),
        *("--set", "outcome=提交申报", "--set", "headcount=190", "--set", "is_committed=true"),
    )

    facts = pilot.json("case", "show", case_no)["case"]
    assert (facts["headcount"], facts["planned_spend"]) == (190, "300000.00")


def test_one_line_of_a_list_is_changed_and_the_others_stay(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.ACCEPTANCE, "review")
    form = {name: v for name, v in world.typical(case_no).items() if name != "lines"}

    pilot.json(
        "answer",
        world.item_id(case_no),
        *settings(form),
        *("--set", "lines.0.eligible_sum=123456.78"),
    )

    assert pilot.json("case", "show", case_no)["case"]["eligible_spend"] == "123456.78"


def test_the_same_words_again_get_the_same_receipt(pilot: Pilot, world: World) -> None:
    case_no = world.open()
    command = ("answer", world.item_id(case_no), *settings(world.typical(case_no)))
    first = pilot.json(*command)
    after = world.dump()

    second = pilot.json(*command)

    assert second == first
    assert world.dump() == after


def test_the_same_key_again_gets_the_same_receipt_whatever_is_said(
    pilot: Pilot, world: World
) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "implement")
    item_id = world.item_id(case_no)
    progress = ("--set", "outcome=上报进度", "--key", "2025-01")

    first = pilot.json("answer", item_id, *progress, "--set", "progress=40")
    second = pilot.json("answer", item_id, *progress, "--set", "progress=50")

    assert second == first
    assert pilot.json("item", "show", item_id)["fields"][2]["known"] == "40"


def test_the_person_and_the_party_can_be_named(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "city-review")

    receipt = pilot.json(
        "answer",
        world.item_id(case_no),
        *("--set", "outcome=拟入选", "--as", "吴静", "--party", "市经信局"),
    )["receipt"]

    assert (receipt["handler"], receipt["party"]) == ("吴静", "示例市经信局")


def test_without_words_the_command_shows_what_is_asked(pilot: Pilot, world: World) -> None:
    item_id = world.item_id(world.open())
    before = world.dump()

    ran = pilot("answer", item_id)

    assert (ran.status, ran.err) == (
        2,
        "✗ 尚未填写：请用 --set 或 --form；用法见 pilot answer --help\n",
    )
    assert "统一社会信用代码" in ran.out
    assert world.dump() == before


_SUBMIT = (Stage.APPLICATION, "submit")
_PROPOSE = (Stage.SUBSIDY, "propose")


@pytest.mark.parametrize(
    ("place", "given", "reason"),
    [
        (_SUBMIT, ["headcount=-1"], "从业人数：不能小于 0"),
        (_SUBMIT, ["headcount=many"], "从业人数：应为整数"),
        (_SUBMIT, ["revenue=1.234"], "上年度营业收入（元）：金额最多两位小数（精确到分）"),
        (_SUBMIT, ["outcome=随便"], "办理结果：应为下列之一：提交申报、撤回申报"),
        (_SUBMIT, ["nosuch=1"], "nosuch：没有这一项，请检查名称"),
        (_SUBMIT, ["is_committed=否"], "承诺：提交申报须勾选真实性承诺"),
        (_SUBMIT, ["handler=路人"], "经办人“路人”不是“示例精工装备”登记的联系人；已登记：林峰"),
        (
            _SUBMIT,
            ["county=武汉市"],
            "所属县市区“武汉市”不在试点范围内，应为下列之一："
            "大冶市、阳新县、黄石港区、西塞山区、下陆区、开发区·铁山区",
        ),
        (_SUBMIT, ["outcome"], "--set outcome：应写成 名称=内容"),
        (_SUBMIT, ["=1"], "--set =1：等号前应有名称"),
        (_SUBMIT, ["needs.deep=1"], "--set needs.deep=1：“deep”的上一级不是一组内容"),
        (
            (Stage.DIAGNOSIS, "assign-provider"),
            ["provider=示例池外信息"],
            "服务商“示例池外信息”不在资源池内，不能承接；请选择资源池内的服务商",
        ),
        (
            (Stage.TRANSFORMATION, "declare"),
            ["lines.7.invoice_no=1"],
            "--set lines.7.invoice_no=1：“7”应为序号，从 0 起连续编号",
        ),
        (
            _PROPOSE,
            ["amount=120000.01"],
            None,  # the reason computes; that it names the ceiling is told below
        ),
    ],
    ids=lambda given: ",".join(given) if isinstance(given, list) else None,
)
def test_bad_values_are_refused_and_change_nothing(
    pilot: Pilot, world: World, place: tuple[Stage, str], given: list[str], reason: str | None
) -> None:
    case_no = world.started(*place)
    more = [part for each in given for part in ("--set", each)]

    said = pilot.refused("answer", world.item_id(case_no), *settings(world.typical(case_no)), *more)

    if reason is None:
        assert "120,000.00 元" in said
    else:
        assert said == reason


def test_the_wrong_item_or_party_is_refused(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.open(OTHER_ENTERPRISE)

    assert pilot.refused("answer", 999, "--set", "a=b") == (
        "没有编号为 999 的待办事项；可用 pilot item list 查看"
    )
    assert pilot.refused("answer", 1, "--set", "outcome=撤回申报").startswith(
        "事项 1 已由 林峰 于 2025-01-06 "
    )
    assert pilot.refused(
        "answer",
        world.item_id(case_no),
        *("--set", "outcome=推荐", "--party", "示例阳新经信局"),
    ) == ("事项 2 应由“示例大冶经信局”办理，不是“示例阳新经信局”")


def test_a_file_that_holds_no_form_is_refused(pilot: Pilot, world: World, tmp_path: Path) -> None:
    item_id = world.item_id(world.open())
    bad = {
        "list.json": "[1]",
        "broken.json": "{",
        "broken.toml": "a =",
        "form.txt": "a",
    }
    for name, text in bad.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "gbk.json").write_bytes("{}".encode("utf-16"))

    reasons = {
        name: pilot.refused("answer", item_id, "--form", tmp_path / name).partition("不能使用：")[2]
        for name in (*bad, "gbk.json", "none.json")
    }

    assert reasons["list.json"] == "最外层应为一组“名称：内容”"
    assert reasons["broken.json"].startswith("格式有误（")
    assert reasons["broken.toml"].startswith("格式有误（")
    assert reasons["form.txt"] == "只接受 .json 与 .toml 文件"
    assert reasons["gbk.json"] == "不是 UTF-8 文本"
    assert reasons["none.json"] == "无法读取（没有这个文件或目录）"


def test_a_year_whose_holidays_are_not_known_is_refused(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "propose")
    form = world.typical(case_no)
    item_id = world.item_id(case_no)
    world.go_to(world.today.replace(year=2026, month=12, day=30))

    reason = pilot.refused("answer", item_id, *settings(form))

    assert reason.startswith("尚不知道 2027 年的节假日安排")


def test_an_answer_whose_deadline_falls_in_a_year_without_known_holidays_is_refused(
    pilot: Pilot, world: World
) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    form = [
        part
        for name, value in world.typical(case_no).items()
        for part in ("--set", f"{name}={value}")
    ]
    world.go_to(date(2026, 12, 30))

    refusal = pilot.refused("answer", world.item_id(case_no), *form)

    assert refusal.startswith("尚不知道 2027 年的节假日安排"), refusal
    assert "升级 chinesecalendar" in refusal
