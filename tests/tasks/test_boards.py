"""The board and the worklists: what stands where, and where a click leads."""

from dataclasses import replace
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

from models.operations.calls import CallForBoard
from models.operations.worklists import BoardRow, OpenItem
from models.rules.stages import Role, Stage
from models.tables.case import WorkItem
from notifications.settings import MailMode
from tasks.pages.words import cell
from tasks.pages.work import board_page, worklist_page
from tasks.prefect_runs import run_name, run_tags

LATE = OpenItem(
    item_id=59,
    case_no="HS-1-0008",
    enterprise="示例[百草]|制药",
    batch=1,
    county="西塞山区",
    stage=Stage.APPLICATION,
    step="county-review",
    step_label="县市区初审",
    party_id=7,
    party="示例西塞山经信局",
    role=Role.COUNTY_BUREAU,
    round=1,
    opened_on=date(2024, 3, 15),
    due_on=date(2024, 3, 22),
    days_left=-1,
    reason="",
    is_overdue=True,
)
ROW = BoardRow(
    stage=Stage.APPLICATION,
    label="申报",
    open_items=1,
    waiting={Role.COUNTY_BUREAU: 1},
    overdue=1,
)


def _links(line: str) -> list[str]:
    return [part.split(")")[0] for part in line.split("](")[1:]]


def _line(page: str, begin: str) -> str:
    [line] = [line for line in page.splitlines() if line.startswith(begin)]
    return line


def test_a_number_on_the_board_leads_to_the_runs_it_counts() -> None:
    page = board_page([ROW], [LATE], [], {}, {7: "/w/7"})

    stage, waiting = (parse_qs(urlsplit(link).query) for link in _links(_line(page, "| 申报")))

    [searched] = stage["flow-run-search"]
    assert run_name(Stage.APPLICATION, LATE.case_no, LATE.enterprise, 1).startswith(searched)
    assert not run_name(Stage.DIAGNOSIS, LATE.case_no, LATE.enterprise, 1).startswith(searched)
    tags = run_tags(Stage.APPLICATION, 1, "西塞山区", Role.COUNTY_BUREAU)
    assert {*stage["tags"], *waiting["tags"]} <= {*tags}
    assert waiting["tags"] == ["等待:县市区经信部门"]
    assert (stage["state"], waiting["state"]) == (["Suspended"], ["Suspended"])


def test_the_board_tells_what_is_overdue_and_leads_to_case_and_worklist() -> None:
    page = board_page([ROW], [LATE], ["演示数据"], {LATE.case_no: "run-8"}, {7: "/w/7"})

    assert "**演示数据**" in page
    assert _line(page, "| [HS-1-0008]") == (
        "| [HS-1-0008](/v2/runs/flow-run/run-8) | 示例\\[百草\\]\\|制药 | 示例西塞山经信局 "
        "| 申报 · 县市区初审（事项 59） | 2024-03-22 | **逾期 1 天** |"
    )
    assert _line(page, "| [示例西塞山经信局]") == (
        "| [示例西塞山经信局](/w/7) | 县市区经信部门 | 1 | **1** | 2024-03-22 |"
    )


def test_the_number_of_overdue_items_leads_to_the_list_of_them() -> None:
    page = board_page([ROW], [LATE], [], {}, {7: "/w/7"}, others={"逾期事项": "/o"})

    assert "| [**1**](/o) |" in _line(page, "| 申报")
    assert "| [**1**](/o) |" in _line(page, "| **合计**")


def test_the_board_says_where_mail_goes() -> None:
    page = board_page([ROW], [LATE], [], {}, {7: "/w/7"}, mail_mode=MailMode.CATCH.label)

    assert _line(page, "邮件方式") == "邮件方式：本机拦截（不会发给任何人）"


def test_who_is_nobody_has_nothing_to_do_but_on_an_objection() -> None:
    notice = OpenItem(**{**vars(LATE), "role": Role.SYSTEM, "party": "公示期（系统）"})

    assert "公示期满由系统自动办结，无需办理" in worklist_page([notice], None, {})
    assert "无需办理" not in worklist_page([LATE], None, {})


def test_a_cell_stays_one_cell() -> None:
    assert cell("甲|乙\n# [丙](http://x)<b>") == r"甲\|乙 \# \[丙\](http://x)\<b\>"


def test_a_mail_that_reached_nobody_stands_on_the_board_without_person_or_number() -> None:
    item = WorkItem(case_no="HS-1-0008", stage=Stage.APPLICATION, step="county-review")
    since = datetime(2024, 3, 24, 20, tzinfo=UTC)  # the 25th in Huangshi
    calls = [
        CallForBoard(number=3, party="示例|局", case_no="HS-1-0008", item=item, since=since),
        CallForBoard(number=4, party="示例局", case_no="", item=None, since=since),
    ]

    page = board_page([ROW], [], [], {}, {}, calls)

    assert _line(page, "| 示例\\|局") == (
        "| 示例\\|局 | 1 | HS-1-0008（申报 · 县市区初审） | 2024-03-25 | 3 |"
    )
    assert _line(page, "| 示例局") == "| 示例局 | 1 |  | 2024-03-25 | 4 |"
    assert "待电话通知" not in board_page([ROW], [], [], {}, {})


def test_whom_no_mail_reaches_stands_on_the_board_once_however_many_there_are() -> None:
    days = [datetime(2024, 3, day, tzinfo=UTC) for day in range(1, 8)]
    calls = [
        CallForBoard(
            number=day.day, party="示例局", case_no=f"HS-1-{day.day:04}", item=None, since=day
        )
        for day in days
    ]

    page = board_page([ROW], [], [], {}, {}, calls)

    assert _line(page, "| 示例局") == (
        "| 示例局 | 7 | HS-1-0001、HS-1-0002、HS-1-0003 等 7 件 | 2024-03-01 | 1、2、3 等 7 个 |"
    )


def test_after_the_end_the_board_lists_all_that_is_left_to_wind_down() -> None:
    early = replace(LATE, case_no="HS-1-0009", is_overdue=False, days_left=3)

    page = board_page([ROW], [LATE, early], ["已失效"], {}, {7: "/w/7"}, has_lapsed=True)

    assert "**已失效**" in page
    assert "## 待收尾案卷（2 件）" in page
    assert "HS-1-0009" in page
    assert "## 已逾期事项" not in page
