"""`pilot case export`: the county's summary table, one row a case."""

from datetime import datetime
from typing import Any

import pytest

from models.rules.stages import Stage
from tasks.workbooks.case_table import SHEET
from tests.builders import ENTERPRISE, OTHER_ENTERPRISE, World
from tests.deployments.cli.conftest import Pilot
from tests.tasks.workbooks.sheets import Paper


def table(pilot: Pilot, name: str, *filters: object) -> list[dict[str, Any]]:
    path = pilot.home / name
    document = pilot.json("case", "export", "-o", path, *filters)
    rows = Paper(path).rows(SHEET)
    assert document["cases"] == len(rows)
    return rows


def test_every_case_is_a_row_with_what_is_known_of_it(pilot: Pilot, world: World) -> None:
    paid = world.open()
    world.walk(paid)
    new = world.open(OTHER_ENTERPRISE)
    facts = pilot.json("case", "show", paid)["case"]

    first, second = table(pilot, "all.xlsx")

    assert (first["案卷号"], first["企业名称"], first["统一社会信用代码"]) == (
        paid,
        ENTERPRISE,
        facts["credit_code"],
    )
    assert (first["规上/规下"], first["上年度从业人数"], first["主营业务"]) == (
        "规上",
        186,
        "零部件加工与装配",
    )
    assert (first["合同金额（元）"], first["申报实付支出（元）"]) == (600000, 300000)
    assert (first["认定支出（元）"], first["补助金额（元）"], first["已拨付（元）"]) == (
        300000,
        120000,
        120000,
    )
    assert (first["补助比例（%）"], first["状态"]) == ("40", "已办结（补助已拨付）")
    assert str(first["拨付日期"].date()) == facts["paid_on"]
    assert isinstance(first["项目开始日期"], datetime)
    assert isinstance(first["项目完成日期"], datetime)
    assert first["改造内容"] == "MES、设备联网网关、云服务一年"
    assert (first["联系人"], bool(first["联系邮箱"])) == ("林峰", True)
    assert (second["案卷号"], second["当前步骤"], second["合同金额（元）"]) == (
        new,
        "提交申报",
        None,
    )


def test_the_filters_of_the_list_choose_the_rows(pilot: Pilot, world: World) -> None:
    world.open()
    other = world.started(Stage.APPLICATION, "county-review", enterprise=OTHER_ENTERPRISE)

    assert [row["案卷号"] for row in table(pilot, "q.xlsx", "--q", OTHER_ENTERPRISE)] == [other]
    assert table(pilot, "none.xlsx", "--stage", "补助") == []


def test_a_file_that_is_there_is_not_replaced(pilot: Pilot, world: World) -> None:
    world.open()
    path = pilot.home / "a.xlsx"
    path.write_text("somebody's")

    assert "已存在" in pilot.refused("case", "export", "-o", path)
    assert path.read_text() == "somebody's"
    assert pilot("case", "export", "-o", path, "--force").status == 0
    assert pilot("case", "export", "-o", pilot.home / "a.csv").status == 2


@pytest.mark.parametrize("command", ["list", "export"])
def test_a_county_or_a_batch_that_there_is_not_is_refused_and_no_empty_table_made(
    pilot: Pilot, world: World, command: str
) -> None:
    world.open()
    path = pilot.home / "a.xlsx"
    wanted = ("case", command, *(("-o", path) if command == "export" else ()))

    assert "县市区“武汉市”不在试点范围内" in pilot.refused(*wanted, "--county", "武汉市")
    assert pilot.refused(*wanted, "--batch", "9") == "没有第 9 批"
    assert not path.exists()
    assert pilot(*wanted, "--county", "黄石港区").status == 0  # known, without a case so far


def test_a_folder_that_is_not_there_is_named(pilot: Pilot, world: World) -> None:
    world.open()

    assert "目录不存在" in pilot.refused("case", "export", "-o", pilot.home / "no" / "a.xlsx")
