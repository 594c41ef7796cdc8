"""`pilot worklist`: items go out as an Excel and come back as answers, each row on its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from sqlmodel import select

from models.rules.stages import CaseStatus, Channel, Role, Stage
from models.tables.case import Answer
from models.tables.worklist import WorklistExport
from tasks.database import reading
from tasks.workbooks.worklist_sheets import ITEM, REASON, RECEIPT, STATUS, layouts
from tests.builders import CITY, COUNTY, ENTERPRISE, FINANCE, OTHER_ENTERPRISE, World
from tests.deployments.cli.conftest import Pilot
from tests.tasks.workbooks.sheets import Paper

LAYOUTS = {(layout.stage, layout.step.key): layout for layout in layouts()}
REVIEW = LAYOUTS[Stage.APPLICATION, "county-review"].title
DECLARE = LAYOUTS[Stage.TRANSFORMATION, "declare"]


def exported(pilot: Pilot, party: str, name: str = "list.xlsx") -> Paper:
    path = pilot.home / name
    ran = pilot("worklist", "export", "--party", party, "-o", path)
    assert (ran.status, ran.err) == (0, ""), ran
    return Paper(path)


def imported(pilot: Pilot, path: Path, *options: object) -> tuple[int, dict[str, Any]]:
    ran = pilot("worklist", "import", path, *options, "--json")
    return ran.status, json.loads(ran.out)


def two_reviews(world: World) -> tuple[str, str]:
    return (
        world.started(Stage.APPLICATION, "county-review"),
        world.started(Stage.APPLICATION, "county-review", enterprise=OTHER_ENTERPRISE),
    )


def test_a_case_is_carried_from_application_to_payment_by_worklists(
    pilot: Pilot, world: World
) -> None:
    case_no = world.open()
    number = 0
    while world.case(case_no).status is CaseStatus.ACTIVE:
        item = world.open_item(case_no)
        if item.step == "public-notice":
            world.end_notice(case_no)
            continue
        number += 1
        layout = LAYOUTS[item.stage, item.step]
        paper = exported(pilot, world.party_name(item.party_id), f"{number}.xlsx")
        first = layout.step.form.outcomes()
        form = {"outcome": next(iter(first)).label, **world.typical(case_no)}
        paper.fill(layout, item.id or 0, form)

        status, document = imported(pilot, paper.save())

        assert (status, document["accepted"]) == (0, 1), document

    assert world.case(case_no).status is CaseStatus.COMPLETED
    assert number == len([step for _, step in LAYOUTS if step != "public-notice"]) == 17
    with reading(world.engine) as session:
        answers = session.exec(select(Answer).where(Answer.channel != Channel.SYSTEM)).all()
        exports = session.exec(select(WorklistExport)).all()
    assert {answer.channel for answer in answers} == {Channel.EXCEL}
    assert len(exports) == number
    assert world.verify() == []


def test_each_row_is_answered_on_its_own_and_twice_gives_the_same_receipts(
    pilot: Pilot, world: World
) -> None:
    good, bad = two_reviews(world)
    paper = exported(pilot, COUNTY)
    layout = LAYOUTS[Stage.APPLICATION, "county-review"]
    paper.fill(layout, world.item_id(good), world.typical(good))
    paper.put(REVIEW, paper.row_of(REVIEW, world.item_id(bad)), {"办理结果": "推荐"})
    path = paper.save()

    ran = pilot("worklist", "import", path)
    after = world.dump()
    status, document = imported(pilot, path)

    assert ran.status == 1
    assert ran.err.startswith("✗ 1 行未受理（原因见 ")
    assert "其余 1 行已受理，仍然有效" in ran.err
    assert (status, document["accepted"], document["refused"]) == (1, 1, 1)
    assert world.dump() == after
    first = Paper(pilot.home / "list.结果.xlsx").rows(REVIEW)
    second = Paper(pilot.home / "list.结果2.xlsx").rows(REVIEW)
    assert first == second
    assert [(row[STATUS], row[RECEIPT]) for row in first] == [
        ("已受理", f"{good}-0003"),
        ("未受理", None),
    ]
    assert first[0][REASON] == f"推荐，经办人 陈立；下一步：市级审核（{CITY}）"
    assert first[1][REASON].startswith("推荐须逐项确认申报条件，尚未确认：")


def test_what_was_refused_is_mended_in_the_results_and_handed_in_again(
    pilot: Pilot, world: World
) -> None:
    good, bad = two_reviews(world)
    paper = exported(pilot, COUNTY)
    layout = LAYOUTS[Stage.APPLICATION, "county-review"]
    item_id = world.item_id(bad)
    paper.fill(layout, world.item_id(good), world.typical(good))
    paper.put(REVIEW, paper.row_of(REVIEW, item_id), {"办理结果": "推荐"})
    imported(pilot, paper.save())
    mended = Paper(pilot.home / "list.结果.xlsx")
    mended.fill(layout, item_id, world.typical(bad))

    status, document = imported(pilot, mended.save())

    assert status == 0
    assert [row["receipt"]["number"] for row in document["rows"]] == [
        f"{good}-0003",
        f"{bad}-0003",
    ]
    assert document["results_file"].endswith("list.结果2.xlsx")


def test_a_row_nobody_filled_in_is_left_alone(pilot: Pilot, world: World) -> None:
    two_reviews(world)
    path = exported(pilot, COUNTY).path
    before = world.dump()

    status, document = imported(pilot, path)

    assert (status, document["skipped"], document["refused"]) == (0, 2, 0)
    assert world.dump() == before


def test_who_answers_can_be_said_once_for_all_rows(pilot: Pilot, world: World) -> None:
    case_no, _ = two_reviews(world)
    paper = exported(pilot, COUNTY)
    layout = LAYOUTS[Stage.APPLICATION, "county-review"]
    paper.fill(layout, world.item_id(case_no), {**world.typical(case_no), "handler": "陈立"})

    status, document = imported(pilot, paper.save(), "--as", "外人")

    assert status == 1
    assert "外人" in document["rows"][0]["reason"]


#: What somebody wrote into a row -> words of the refusal.
TAMPERED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"案卷号": "HS-2-0009"}, "锁定内容与系统不一致"),
    ({"企业名称": "别的企业"}, "锁定内容与系统不一致"),
    ({ITEM: 1}, "不在本清单之内"),
    ({ITEM: 99}, "不在本清单之内"),
    ({ITEM: "一"}, "无法识别"),
    ({"审核意见": "=1+1"}, "是公式"),
    ({"审核意见": 914202810000000019}, "15 位"),
    ({"办理结果": "随便"}, "应为下列之一"),
    ({"办理结果": None}, "没有选择“办理结果”"),
    ({"经办人": "外人"}, "外人"),
)


def test_a_row_that_was_tampered_with_or_cannot_be_read_is_refused_and_changes_nothing(
    pilot: Pilot, world: World
) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    path = exported(pilot, COUNTY).path
    item_id = world.item_id(case_no)
    before = world.dump()
    for changes, words in TAMPERED:
        paper = Paper(path)
        row = paper.row_of(REVIEW, item_id)
        paper.fill(LAYOUTS[Stage.APPLICATION, "county-review"], item_id, world.typical(case_no))
        paper.put(REVIEW, row, changes)

        status, document = imported(pilot, paper.save(pilot.home / "tampered.xlsx"))

        assert status == 1, changes
        assert words in document["rows"][0]["reason"], changes
        assert world.dump() == before, changes


def test_an_item_of_another_list_is_refused_even_if_all_its_facts_agree(
    pilot: Pilot, world: World
) -> None:
    mine, other = two_reviews(world)
    theirs = world.party_name(world.case(other).enterprise_id)
    world.answer(other)
    world.say(other, outcome="退回补正", opinion="请补充")  # now the enterprise is asked
    paper = exported(pilot, COUNTY)
    item_id = world.item_id(other)
    row = paper.row_of(REVIEW, world.item_id(mine))
    paper.put(REVIEW, row, {ITEM: item_id, "案卷号": other, "企业名称": theirs})
    paper.put(REVIEW, row, {"办理结果": "不予推荐", "审核意见": "不符合"})
    before = world.dump()

    status, document = imported(pilot, paper.save())

    assert status == 1
    assert document["rows"][0]["reason"].startswith(f"事项 {item_id} 不在本清单之内")
    assert world.dump() == before


def test_two_rows_for_one_item_are_both_refused(pilot: Pilot, world: World) -> None:
    first, second = two_reviews(world)
    paper = exported(pilot, COUNTY)
    row = paper.row_of(REVIEW, world.item_id(second))
    paper.fill(
        LAYOUTS[Stage.APPLICATION, "county-review"], world.item_id(first), world.typical(first)
    )
    paper.put(
        REVIEW,
        row,
        {ITEM: world.item_id(first), "办理结果": "不予推荐", "审核意见": "不符合"},
    )

    status, document = imported(pilot, paper.save())

    assert (status, document["refused"], document["accepted"]) == (1, 2, 0)
    assert "在第 4、5 行重复" in document["rows"][0]["reason"]


def test_a_line_of_a_list_that_is_nobodys_holds_up_the_answers_it_might_belong_to(
    pilot: Pilot, world: World
) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "declare")
    paper = exported(pilot, ENTERPRISE)
    item_id = world.item_id(case_no)
    form = {"outcome": "提交支出申报", **world.typical(case_no)}
    paper.fill(DECLARE, item_id, form)
    [lines] = DECLARE.lists
    paper.put(lines, paper.row_of(lines, item_id) + 1, {ITEM: None, "类别": "软件"})

    status, document = imported(pilot, paper.save())

    assert (status, document["accepted"], document["refused"]) == (1, 0, 2)
    said = "第 5 行没有事项编号，无法确定属于哪一项"
    assert [(row["sheet"], row["reason"]) for row in document["rows"]] == [
        (DECLARE.title, f"工作表“{lines}”：{said}"),
        (lines, said),
    ]


def test_what_was_declared_is_filled_in_for_the_one_who_reviews_it(
    pilot: Pilot, world: World
) -> None:
    case_no = world.started(Stage.ACCEPTANCE, "review")
    item = world.open_item(case_no)
    layout = LAYOUTS[Stage.ACCEPTANCE, "review"]
    paper = exported(pilot, world.party_name(item.party_id))
    [lines] = layout.lists

    rows = paper.rows(lines)

    assert (rows[0][ITEM], rows[0]["发票号码"], rows[0]["认定金额（元）"]) == (
        item.id,
        f"FP-{case_no}",
        300000,
    )
    assert {row[ITEM] for row in rows[:10]} == {item.id}
    assert {row["发票号码"] for row in rows[1:]} == {None}


#: What somebody did to the file -> words of the refusal.
SPOILT: tuple[tuple[Callable[[Any], object], str], ...] = (
    (lambda book: book.remove(book["导出信息"]), "缺少“导出信息”"),
    (lambda book: setattr(book[REVIEW], "title", "我的表"), "改过名称"),
    (lambda book: book.remove(book[REVIEW]), "没有待办事项的工作表"),
    (lambda book: book[REVIEW].delete_cols(8), "缺少列：办理结果"),
)


def test_a_file_that_lost_what_makes_it_a_worklist_is_refused_as_a_whole(
    pilot: Pilot, world: World
) -> None:
    world.started(Stage.APPLICATION, "county-review")
    path = exported(pilot, COUNTY).path
    for spoil, words in SPOILT:
        paper = Paper(path)
        spoil(paper.book)

        said = pilot.refused("worklist", "import", paper.save(pilot.home / "spoilt.xlsx"))

        assert words in said
    assert not list(pilot.home.glob("*.结果*"))


def test_a_file_of_another_instance_is_refused(pilot: Pilot, world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")
    paper = exported(pilot, COUNTY)
    paper.book["导出信息"]["A2"] = "0" * 32
    other = pilot.home / "other.xlsx"
    Workbook().save(other)

    assert "不是本系统导出的待办清单" in pilot.refused("worklist", "import", paper.save())
    assert "不是可导入的待办清单" in pilot.refused("worklist", "import", other)


def test_an_export_that_cannot_be_is_refused_and_notes_nothing(pilot: Pilot, world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")
    taken = pilot.home / "taken.xlsx"
    taken.write_text("somebody's")
    export = ("worklist", "export", "-o", taken)

    assert "没有待办事项" in pilot.refused(
        "worklist", "export", "-o", pilot.home / "a.xlsx", "--party", FINANCE
    )
    assert "没有登记名为" in pilot.refused(*export, "--party", "无名")
    assert "已存在" in pilot.refused(*export, "--party", COUNTY)
    assert pilot(*export).status == 2
    assert taken.read_text() == "somebody's"
    assert pilot(*export, "--role", Role.COUNTY_BUREAU.label, "--force").status == 0
    assert Paper(taken).rows(REVIEW)[0]["企业名称"] == ENTERPRISE


def test_nothing_is_answered_where_the_results_could_not_be_written(
    pilot: Pilot, world: World
) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    paper = exported(pilot, COUNTY)
    paper.fill(
        LAYOUTS[Stage.APPLICATION, "county-review"], world.item_id(case_no), world.typical(case_no)
    )

    said = pilot.refused("worklist", "import", paper.save(), "-o", pilot.home / "no" / "a.xlsx")

    assert "无法写入" in said


def test_lines_ended_as_windows_does_are_not_taken_for_a_change(pilot: Pilot, world: World) -> None:
    case_no = world.open()
    world.answer(case_no, needs="第一行\r\n第二行\r\n=1+1", main_business="'=加工")
    world.say(case_no, outcome="退回补正", opinion="请补充")
    path = exported(pilot, ENTERPRISE).path

    status, document = imported(pilot, path)

    assert (status, document["skipped"]) == (0, 1), document
