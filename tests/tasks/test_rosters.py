"""Import of a roster: all or nothing, twice the same, nothing checked is overwritten."""

import os
import signal
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlmodel import col, select

from models.operations.registering import Person, put_contact
from models.operations.rosters.plan import RowState
from models.rules.stages import Role, Stage
from models.tables.audit import RegisterEntry
from models.tables.party import Contact
from tasks.database import reading, transaction
from tasks.rosters import Imported, Wanted
from tests.builders import ENTERPRISE, World
from tests.operations.at_once import at_once, split
from tests.rosters import (
    a_contact,
    an_enterprise,
    brought_in,
    code,
    fill,
    two_enterprises,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "名册.xlsx"


def people(world: World, name: str, role: Role = Role.ENTERPRISE) -> list[tuple[object, ...]]:
    party = world.party(role, name)
    with reading(world.engine) as session:
        rows = session.exec(
            select(Contact).where(Contact.party_id == party.id).order_by(col(Contact.id))
        )
        return [(each.name, each.email, each.phone, each.is_primary) for each in rows]


def states(done: Imported) -> dict[str, int]:
    return {state.value: number for state, number in done.plan.counts().items() if number}


def findings(done: Imported) -> list[tuple[str, int, str, str]]:
    return [(each.sheet, each.row, each.column, each.what) for each in done.plan.findings]


def test_a_roster_is_registered_with_its_people_and_its_trail(world: World, file: Path) -> None:
    sheets = two_enterprises()
    sheets["企业"][0] |= {
        "规上/规下": "规上",
        "企业规模": "小型",
        "企业性质": "民营",
        "成立日期": "2012-05-18",
        "注册地址": "某路 1 号",
        "主营业务": "零件",
        "前一年从业人数": 110,
        "上年度营业收入（元）": 86000000.5,
    }
    sheets["服务商"] = [{"服务商名称": "名册科技", "在资源池内": "是", "承接上限（家）": 3}]
    sheets["联系人"].append(a_contact("名册科技", 单位类别="服务商"))

    done = brought_in(world, fill(file, sheets), Wanted.ADD)

    assert (done.is_done, states(done), done.examples) == (True, {"new": 6}, 5)
    first = world.party(Role.ENTERPRISE, "名册企业1")
    assert first.model_dump(exclude={"id"}) == {
        "role": Role.ENTERPRISE,
        "name": "名册企业1",
        "credit_code": code(1),
        "county": "大冶市",
        "industry": "高端装备",
        "is_above_scale": True,
        "size": "small",
        "ownership": "民营",
        "founded_on": date(2012, 5, 18),
        "address": "某路 1 号",
        "main_business": "零件",
        "headcount": 120,
        "headcount_before": 110,
        "revenue": Decimal("86000000.50"),
        "is_admitted": False,
        "capacity": None,
    }
    assert people(world, "名册企业2") == [("林一", "lin@example.com", "13900000000", True)]
    provider = world.party(Role.PROVIDER, "名册科技")
    assert (provider.is_admitted, provider.capacity) == (True, 3)
    with reading(world.engine) as session:
        entries = session.exec(
            select(RegisterEntry).where(RegisterEntry.registered_id == first.id)
        ).all()
    assert [(entry.action, entry.before) for entry in entries] == [("名册导入", "{}")]
    assert "文件 名册.xlsx" in entries[0].identity
    assert world.verify() == []


def test_the_same_file_again_changes_nothing(world: World, file: Path) -> None:
    brought_in(world, fill(file, two_enterprises()))
    before = world.dump()

    again = brought_in(world, file)

    assert (again.is_done, states(again)) == (True, {"same": 4})
    assert world.dump() == before


def test_an_empty_template_and_its_examples_import_nothing(world: World, file: Path) -> None:
    before = world.dump()

    done = brought_in(world, fill(file, {}))

    assert (done.is_done, states(done), done.examples) == (True, {}, 5)
    assert world.dump() == before


def test_a_change_is_shown_with_before_and_after_and_waits_for_consent(
    world: World, file: Path
) -> None:
    brought_in(world, fill(file, two_enterprises()))
    sheets = two_enterprises()
    sheets["企业"][0]["从业人数"] = 130
    sheets["联系人"][1] |= {"电子邮箱": "new@example.com"}
    before = world.dump()

    asked = brought_in(world, fill(file, sheets), Wanted.ADD)

    assert (asked.is_done, asked.plan.asks, world.dump()) == (False, True, before)
    assert [(row.name, row.changes) for row in asked.plan.rows() if row.changes] == [
        ("名册企业1", (("从业人数", 120, 130, ""),)),
        ("名册企业2 林一", (("电子邮箱", "lin@example.com", "new@example.com", ""),)),
    ]
    done = brought_in(world, file)
    assert (done.is_done, states(done)) == (True, {"changed": 2, "same": 2})
    assert world.party(Role.ENTERPRISE, "名册企业1").headcount == 130
    assert people(world, "名册企业2") == [("林一", "new@example.com", "13900000000", True)]
    assert world.verify() == []


def test_an_empty_cell_leaves_what_is_registered(world: World, file: Path) -> None:
    sheets = two_enterprises()
    sheets["企业"][0]["主营业务"] = "零件"
    brought_in(world, fill(file, sheets))

    done = brought_in(world, fill(file, two_enterprises()))

    assert states(done) == {"same": 4}
    assert world.party(Role.ENTERPRISE, "名册企业1").main_business == "零件"


def test_what_an_application_has_declared_is_kept_unless_told_otherwise(
    world: World, file: Path
) -> None:
    world.started(Stage.APPLICATION, "city-review")
    known = world.party(Role.ENTERPRISE, ENTERPRISE)
    row = {
        "企业名称": ENTERPRISE,
        "统一社会信用代码": known.credit_code,
        "所属县市区": known.county,
        "所属行业": known.industry,
        "从业人数": (known.headcount or 0) + 1,
        "注册地址": "某路 1 号",
    }

    done = brought_in(world, fill(file, {"企业": [row]}))

    [planned] = done.plan.rows()
    assert planned.state is RowState.CHANGED
    assert planned.changes == (
        ("注册地址", "", "某路 1 号", ""),
        ("从业人数", known.headcount, (known.headcount or 0) + 1, "县市区已审核推荐"),
    )
    kept = world.party(Role.ENTERPRISE, ENTERPRISE)
    assert (kept.headcount, kept.address) == (known.headcount, "某路 1 号")
    assert states(brought_in(world, file)) == {"kept": 1}
    brought_in(world, file, overwrites_checked=True)
    assert world.party(Role.ENTERPRISE, ENTERPRISE).headcount == (known.headcount or 0) + 1


def test_a_first_contact_steps_back_for_the_one_who_is_named(world: World, file: Path) -> None:
    brought_in(world, fill(file, two_enterprises()))
    second = a_contact("名册企业1", "陈二", 电子邮箱="chen@example.com", 是否第一联系人="是")

    done = brought_in(world, fill(file, {"联系人": [second]}))

    assert [row.changes for row in done.plan.rows()] == [(("是否第一联系人", "林一", "陈二", ""),)]
    assert people(world, "名册企业1") == [
        ("林一", "lin@example.com", "", False),
        ("陈二", "chen@example.com", "", True),
    ]
    assert states(brought_in(world, file)) == {"same": 1}


def test_an_enterprise_is_known_by_its_code_and_may_be_renamed(world: World, file: Path) -> None:
    brought_in(world, fill(file, two_enterprises()))
    renamed = an_enterprise(1, 企业名称="名册企业新名")

    done = brought_in(world, fill(file, {"企业": [renamed], "联系人": [a_contact("名册企业新名")]}))

    assert states(done) == {"changed": 1, "same": 1}
    assert people(world, "名册企业新名") == [("林一", "lin@example.com", "", True)]


def test_every_mistake_is_named_by_sheet_row_and_column_and_nothing_is_done(
    world: World, file: Path
) -> None:
    known = world.party(Role.ENTERPRISE, ENTERPRISE)
    before = world.dump()
    sheets = {
        "企业": [
            an_enterprise(1, 统一社会信用代码=code(1)[:-1] + "ZZ"),
            an_enterprise(2, 所属县市区="武汉市", 所属行业="农业"),
            an_enterprise(3, **{"从业人数": 1500, "上年度营业收入（元）": "900,000,000"}),
            an_enterprise(4, 成立日期="2099-01-01", 企业规模="大型"),
            an_enterprise(5),
            an_enterprise(6, 企业名称="名册企业5"),
            an_enterprise(7, 企业名称=ENTERPRISE),
            an_enterprise(8, 统一社会信用代码=known.credit_code, 企业名称="示例恒力机床"),
            an_enterprise(9, 企业名称="=1+1"),
            an_enterprise(10, 企业名称="示例精密制造有限公司"),
        ],
        "主管部门": [
            {"部门类别": "县市区经信部门", "部门名称": "新大冶经信局", "所属县市区": "大冶市"},
            {"部门类别": "县市区经信部门", "部门名称": "无县经信局"},
            {"部门类别": "市财政局", "部门名称": "另一财政局"},
        ],
        "联系人": [
            a_contact("名册企业5", 电子邮箱="nobody"),
            a_contact("没有的企业", 电话="123"),
            a_contact("没有的企业", "陈二"),
            a_contact(ENTERPRISE, "甲", 是否第一联系人="是"),
            a_contact(ENTERPRISE, "乙", 是否第一联系人="是"),
        ],
    }

    done = brought_in(world, fill(file, sheets))

    assert (done.is_done, world.dump()) == (False, before)
    assert [(sheet, row, column) for sheet, row, column, _ in findings(done)] == [
        ("企业", 5, "统一社会信用代码"),
        ("企业", 6, "所属县市区"),
        ("企业", 6, "所属行业"),
        ("企业", 7, "上年度营业收入（元）"),
        ("企业", 8, "企业规模"),
        ("企业", 8, "成立日期"),
        ("企业", 10, "企业名称"),
        ("企业", 11, "统一社会信用代码"),
        ("企业", 12, "统一社会信用代码"),
        ("企业", 13, "企业名称"),
        ("企业", 14, "企业名称"),
        ("主管部门", 5, "部门名称"),
        ("主管部门", 6, "所属县市区"),
        ("主管部门", 7, "部门名称"),
        ("联系人", 5, "电子邮箱"),
        ("联系人", 6, "电话"),
        ("联系人", 7, "单位名称"),
        ("联系人", 9, "是否第一联系人"),
    ]
    said = {(sheet, row): what for sheet, row, _, what in findings(done)}
    assert said["企业", 10] == "与第 9 行名称重复"
    assert said["企业", 11] == f"“{ENTERPRISE}”已用统一社会信用代码 {known.credit_code} 登记"
    assert said["企业", 13].startswith("是公式")
    assert said["企业", 14] == "仍是示例行的内容"
    assert said["主管部门", 5] == "县市区经信部门已登记为“示例大冶经信局”，大冶市只有一个"


def test_somebody_new_needs_a_person_to_write_to(world: World, file: Path) -> None:
    done = brought_in(world, fill(file, {"企业": [an_enterprise(1)]}))

    assert findings(done) == [("企业", 5, "企业名称", "新登记的单位没有联系人")]


def test_the_annotated_copy_marks_the_cells_and_can_be_mended_and_imported(
    world: World, file: Path
) -> None:
    sheets = two_enterprises()
    sheets["企业"][1]["所属县市区"] = "武汉市"

    done = brought_in(world, fill(file, sheets))

    assert done.copy is not None
    assert done.copy.name == "名册.核对.xlsx"
    book = load_workbook(done.copy)
    cell = book["企业"].cell(6, 3)
    assert (cell.value, cell.fill.fgColor.rgb) == ("武汉市", "00FFC7CE")
    assert cell.comment is not None
    assert cell.comment.text.startswith("“武汉市”不在试点范围内")
    listed = [[each.value for each in row] for row in book["问题"].iter_rows(min_row=3)]
    [finding] = done.plan.findings
    assert listed == [[str(x) if i != 1 else x for i, x in enumerate(asdict(finding).values())]]
    assert book["企业"].data_validations.dataValidation, "the drop-downs are there"

    cell.value = "阳新县"
    book.save(done.copy)
    mended = brought_in(world, done.copy, Wanted.ADD)

    assert (mended.is_done, states(mended)) == (True, {"new": 4})


_KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import make_url
from tasks.database import make_engine
from tests.builders import make_world
from tests.rosters import brought_in
import models.operations.rosters.applying as applying

engine = make_engine(make_url(sys.argv[1]))
trail = applying.record_registrations

def die_after(*given, **named):
    trail(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)

applying.record_registrations = die_after
brought_in(make_world(engine), Path(sys.argv[2]))
"""


def test_an_import_killed_before_its_commit_has_changed_nothing(world: World, file: Path) -> None:
    fill(file, two_enterprises())
    before = world.dump()
    url = world.engine.url.render_as_string(hide_password=False)

    ended = subprocess.run(
        [sys.executable, "-c", _KILLED, url, str(file)], env=dict(os.environ), check=False
    )

    assert ended.returncode == -signal.SIGKILL
    assert world.dump() == before
    assert states(brought_in(world, file)) == {"new": 4}


def test_what_a_person_has_mended_is_kept(world: World, file: Path) -> None:
    """A first contact given one by one is not undone by the roster of last month."""
    brought_in(world, fill(file, two_enterprises()))
    party = world.party(Role.ENTERPRISE, "名册企业1")
    with transaction(world.engine) as session:
        person = Person(name="林一", email="mended@example.com")
        put_contact(session, party, person, world.deed("更正联系人"), at=world.moment.at)

    done = brought_in(world, file)

    assert states(done) == {"kept": 1, "same": 3}
    assert [row.changes for row in done.plan.rows() if row.changes] == [
        (("电子邮箱", "mended@example.com", "lin@example.com", "已由人工更正"),)
    ]
    assert people(world, "名册企业1") == [("林一", "mended@example.com", "", True)]
    brought_in(world, file, overwrites_checked=True)
    assert people(world, "名册企业1") == [("林一", "lin@example.com", "", True)]
    assert world.verify() == []


def test_two_imports_of_one_roster_at_once_register_everybody_once(
    world: World, file: Path
) -> None:
    fill(file, two_enterprises())

    done, refused = split(at_once(lambda: brought_in(world, file), lambda: brought_in(world, file)))

    assert refused == []
    assert sorted(states(each).get("new", 0) for each in done) == [0, 4]
    assert people(world, "名册企业1") == [("林一", "lin@example.com", "", True)]
    assert world.verify() == []


def test_somebody_who_has_left_does_not_become_the_first_contact(world: World, file: Path) -> None:
    sheets = two_enterprises()
    sheets["联系人"].append(a_contact("名册企业1", "陈二"))
    brought_in(world, fill(file, sheets))
    with transaction(world.engine) as session:
        [gone] = session.exec(select(Contact).where(Contact.name == "陈二"))
        gone.has_left = True
        session.add(gone)

    sheets["联系人"][-1]["是否第一联系人"] = "是"
    done = brought_in(world, fill(file, sheets))

    assert findings(done) == [
        ("联系人", 7, "是否第一联系人", "“陈二”已登记为离任，不能作第一联系人")
    ]
