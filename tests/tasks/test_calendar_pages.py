"""The pages of the calendar: milestones with their picture, what is overdue, what mail is ahead."""

import re
from datetime import date
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

from models.operations.milestones import progress
from models.operations.reminders import forecast_reminders
from models.operations.worklists import open_items
from models.rules.stages import Stage
from tasks.database import reading
from tasks.pages.gantt import gantt_svg
from tasks.pages.mail import mail_page
from tasks.pages.milestones import milestone_page
from tasks.pages.overdue import overdue_page
from tasks.prefect_runs import OVERDUE_TAG, run_name
from tests.builders import ENTERPRISE, World

SVG = "{http://www.w3.org/2000/svg}"


def lines_of(page: str, begin: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith(begin)]


def test_the_board_tells_every_item_of_both_years_and_every_target(world: World) -> None:
    world.started(Stage.DIAGNOSIS, "assign-provider")
    programme = world.moment.programme
    with reading(world.engine) as session:
        standings = progress(session, programme, date(2025, 2, 3))

    page = milestone_page(programme, standings, date(2025, 2, 3), ["演示数据"], "![图](data:x)")

    assert page.startswith("# 里程碑看板\n\n**演示数据**\n\n截至 2025-02-03。")
    assert page.index("![图](data:x)") < page.index("## 2024 年") < page.index("## 2025 年")
    for each in standings:
        assert each.short in page
    assert "| 1 | 第二批试点企业申报遴选 | 01-01 至 01-31 | 1 家／100 家以上 | **逾期** |" in page
    assert (
        "| 第二批试点企业申报遴选 | **逾期** | 2025-01-31 | 99 家 | 市经信局、县市区经信部门 |"
        in page
    )
    assert "| 完成改造的企业 | 2025-12-31 | 0 家／超过 200 家 |" in page


def test_the_picture_has_a_bar_for_each_item_and_a_line_where_today_is(world: World) -> None:
    programme = world.moment.programme
    with reading(world.engine) as session:
        standings = progress(session, programme, world.today)

    picture = ElementTree.fromstring(  # noqa: S314 -- of our own making
        gantt_svg(programme, standings, world.today, ["<演示>"])
    )
    words = [text.text or "" for text in picture.iter(f"{SVG}text")]

    assert [word.split("　")[0] for word in words if word.startswith(("2024-", "2025-"))] == [
        each.key for each in programme.milestones
    ]
    assert f"今天 {world.today:%m-%d}" in words
    assert "里程碑进度 · 截至 2025-01-06　<演示>" in words
    # Half of the two years lies before the second one's first Monday.
    [line] = [line for line in picture.iter(f"{SVG}line") if line.get("stroke") == "#cf3a3a"]
    [second] = [
        float(text.get("x", "0")) for text in picture.iter(f"{SVG}text") if text.text == "2025年"
    ]
    assert 0 < float(line.get("x1", "0")) - second < 10


def test_on_the_last_day_the_words_of_today_stay_within_the_picture(world: World) -> None:
    with reading(world.engine) as session:
        programme = world.moment.programme
        standings = progress(session, programme, date(2025, 12, 31))

    svg = gantt_svg(programme, standings, date(2025, 12, 31), [])

    [place] = re.findall(r'<text x="([0-9.]+)"[^>]*>今天 12-31', svg)
    assert float(place) + 38 <= 860


def test_after_the_end_the_picture_has_no_line_of_today(world: World) -> None:
    programme = world.moment.programme
    with reading(world.engine) as session:
        standings = progress(session, programme, date(2026, 2, 1))

    assert "今天" not in gantt_svg(programme, standings, date(2026, 2, 1), [])


def test_the_overdue_stand_by_batch_and_stage_and_lead_to_their_runs(world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "assign-provider")
    world.go_to(date(2025, 3, 3))
    with reading(world.engine) as session:
        items = open_items(session, today=world.today)

    page = overdue_page(items, [], {case_no: "run-1"}, {2: "第二批"})

    assert "## 第二批 · 诊断（1 项）" in page
    assert len(lines_of(page, f"| [{case_no}](/v2/runs/flow-run/run-1) | {ENTERPRISE} |")) == 1
    [address] = [line for line in page.splitlines() if line.startswith("[查看运行](")]
    query = parse_qs(urlsplit(address.removeprefix("[查看运行](").removesuffix(")")).query)
    assert query["tags"] == [OVERDUE_TAG]
    assert query["flow-run-search"][0] in run_name(Stage.DIAGNOSIS, case_no, ENTERPRISE, 1)
    assert overdue_page([], [], {}, {}).endswith("目前没有逾期事项。")


def test_the_forecast_names_parties_and_cases_but_no_person_and_no_address(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    until = date(2025, 1, 20)
    with reading(world.engine) as session:
        reminders = world.moment.programme.reminders
        ahead = forecast_reminders(session, reminders, world.today, until)

    page = mail_page(ahead, until, 2, [])

    assert "合并为 5 封邮件，另有 2 封正在排队发送" in page
    assert f"| 2025-01-10 | 示例大冶经信局 | 1 | 1 |  | {case_no} |" in page
    assert f"| 2025-01-14 | 示例大冶经信局 | 1 | 1 | **1** | {case_no} |" in page
    assert not any(each.name in page or each.email in page for each in ahead)
