"""`pilot item extend|stop|restart`: a deadline is moved once, on record, or refused in words."""

from datetime import date

import pytest
from sqlmodel import col, select

from models.operations.runs import ask, claim_wakes
from models.rules.stages import Stage
from models.tables.case import StageRun
from models.tables.mail import OutboxMail
from models.tables.reminder import Reminder
from notifications.contexts import read_context
from notifications.render import render
from tasks.database import reading, transaction
from tasks.reminding import remind
from tests.builders import World
from tests.deployments.cli.conftest import Pilot


@pytest.fixture
def diagnosis(world: World) -> str:
    """A case whose provider was asked on 2025-01-14 for its report, due on 2025-02-10."""
    case_no = world.started(Stage.DIAGNOSIS, "assign-provider")
    world.go_to(date(2025, 1, 14))
    world.answer(case_no)
    assert world.open_item(case_no).due_on == date(2025, 2, 10)
    return case_no


def due_on(world: World, case_no: str) -> date | None:
    return world.open_item(case_no).due_on


def mails(world: World) -> list[tuple[str, str]]:
    """Return (recipient, subject) of the mails about moved deadlines."""
    with reading(world.engine) as session:
        found = session.exec(
            select(OutboxMail)
            .where(OutboxMail.template == "deadline_moved")
            .order_by(col(OutboxMail.id))
        ).all()
    return [
        (mail.to_name, render(read_context(mail.template, mail.context)).subject) for mail in found
    ]


def test_an_extension_is_counted_over_holidays_told_and_on_record(
    pilot: Pilot, world: World, diagnosis: str
) -> None:
    item = world.item_id(diagnosis)

    said = pilot.json("item", "extend", item, "--days", 5, "--reason", "企业停产检修")

    assert (said["before"], said["due_on"]) == ("2025-02-10", "2025-02-17")
    assert due_on(world, diagnosis) == date(2025, 2, 17)
    assert mails(world) == [
        ("何平", "【演示】【期限延长】示例精工装备：诊断·咨询诊断，2025年2月17日截止")
    ]
    entry = pilot.json("case", "history", diagnosis)["entries"][-1]
    assert entry["action"] == "诊断 · 咨询诊断：延长期限 5 个工作日"
    assert entry["said"] == [["期限", "2025-02-17"], ["理由", "企业停产检修"]]
    assert world.verify() == []


def test_the_same_extension_twice_is_one(pilot: Pilot, world: World, diagnosis: str) -> None:
    asked = ("item", "extend", world.item_id(diagnosis), "--days", 5, "--reason", "检修")
    pilot.json(*asked)
    before = world.dump()

    again = pilot.json(*asked)

    assert (again["is_repeat"], again["due_on"]) == (True, "2025-02-17")
    assert world.dump() == before
    world.go_to(date(2025, 1, 15))
    assert pilot.json(*asked)["due_on"] == "2025-02-24"


def test_a_stopped_clock_has_no_deadline_and_the_restart_gives_the_days_back(
    pilot: Pilot, world: World, diagnosis: str
) -> None:
    item = world.item_id(diagnosis)
    world.go_to(date(2025, 1, 22))
    stop = ("item", "stop", item, "--reason", "企业停产检修", "--waits-for", "企业")
    pilot.json(*stop)
    before = world.dump()
    assert pilot.json(*stop)["is_repeat"] is True
    assert world.dump() == before

    world.go_to(date(2025, 2, 14))
    [shown] = pilot.json("item", "list")["items"]
    assert (shown["due_on"], shown["is_overdue"]) == (None, False)
    assert shown["stop"] == {
        "since": "2025-01-22",
        "waits_for": "enterprise",
        "waits_for_label": "企业",
        "reason": "企业停产检修",
    }
    assert (
        "自 2025-01-22 起暂停计时，等待企业：企业停产检修" in pilot("case", "show", diagnosis).out
    )
    assert pilot.json("item", "list", "--overdue")["items"] == []
    assert remind(world.moment, world.engine) == 0

    # 2025-01-23, 24, 26, 27 and from 2025-02-05 to 14: thirteen working days.
    said = pilot.json("item", "restart", item)

    assert (said["stopped_days"], said["due_on"]) == (13, "2025-02-27")
    before = world.dump()
    assert pilot.json("item", "restart", item)["is_repeat"] is True
    assert world.dump() == before
    assert [subject for _, subject in mails(world)] == [
        "【演示】【暂停计时】示例精工装备：诊断·咨询诊断",
        "【演示】【恢复计时】示例精工装备：诊断·咨询诊断，2025年2月27日截止",
    ]
    assert world.verify() == []


def test_days_used_are_told_by_party_and_those_stopped_are_his_who_was_waited_for(
    pilot: Pilot, world: World, diagnosis: str
) -> None:
    before = pilot.json("case", "show", diagnosis)["working_days"]
    world.go_to(date(2025, 1, 15))
    pilot.json("item", "stop", world.item_id(diagnosis), "--reason", "检修", "--waits-for", "企业")
    world.go_to(date(2025, 1, 20))
    pilot.json("item", "restart", world.item_id(diagnosis))
    world.go_to(date(2025, 1, 21))

    used = pilot.json("case", "show", diagnosis)["working_days"]

    # The provider's clock ran on the 15th and the 21st and stood still from the 16th to the 20th.
    assert used == {**before, "provider": 2, "enterprise": before.get("enterprise", 0) + 3}
    assert "企业 3，服务商 2，公示 6" in pilot("case", "show", diagnosis).out


def test_a_moved_deadline_is_reminded_of_anew(pilot: Pilot, world: World, diagnosis: str) -> None:
    world.go_to(date(2025, 2, 7))
    remind(world.moment, world.engine)  # before-10, before-5
    pilot.json("item", "extend", world.item_id(diagnosis), "--days", 2, "--reason", "检修")

    for day in (10, 11, 12):
        world.go_to(date(2025, 2, day))
        remind(world.moment, world.engine)

    with reading(world.engine) as session:
        proofs = session.exec(
            select(Reminder.rule, Reminder.due_on, Reminder.reminded_on).where(
                Reminder.item_id == world.item_id(diagnosis)
            )
        ).all()
    assert sorted(rule for rule, due, _ in proofs if due == date(2025, 2, 10)) == [
        "before-10",
        "before-5",
    ]
    # Ten and five days before the new day lay behind when it was set.
    assert sorted((rule, on) for rule, due, on in proofs if due == date(2025, 2, 12)) == [
        ("before-1", date(2025, 2, 11)),
        ("on-the-day", date(2025, 2, 12)),
    ]


def test_the_form_that_stands_is_put_up_anew_once(
    pilot: Pilot, world: World, diagnosis: str
) -> None:
    with transaction(world.engine) as session:
        run = session.exec(
            select(StageRun).where(StageRun.case_no == diagnosis, StageRun.stage == Stage.DIAGNOSIS)
        ).one()
        run.flow_run_id = "a-run"
        ask(session, run)
    pilot.json("item", "extend", world.item_id(diagnosis), "--days", 1, "--reason", "检修")

    with transaction(world.engine) as session:
        woken = claim_wakes(session, limit=9)
        again = claim_wakes(session, limit=9)
    with transaction(world.engine) as session:
        ask(session, session.exec(select(StageRun).where(StageRun.flow_run_id == "a-run")).one())
        after = claim_wakes(session, limit=9)

    assert [flow_run for _, flow_run in woken] == ["a-run"]
    assert (again, after) == ([], [])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ("extend", "--until", "2025-02-15", "--reason", "检修"),
            "2025-02-15 不是工作日，期限须落在工作日上，例如 2025-02-14 或 2025-02-17",
        ),
        (
            ("extend", "--until", "2025-02-07", "--reason", "检修"),
            "现在的期限是 2025-02-10，2025-02-07 不晚于它，不是延长",
        ),
        (
            ("extend", "--until", "2026-01-05", "--reason", "检修"),
            "延长后的期限 2026-01-05 晚于试点期末 2025-12-31（黄政办函〔2024〕12号），"
            "不能延长到试点结束之后",
        ),
        (("extend", "--days", "5", "--reason", " "), "必须写明理由（--reason）"),
        (
            ("extend", "--until", "2027-01-04", "--reason", "检修"),
            "尚不知道 2027 年的节假日安排（已知 2024—2026 年），无法推算工作日；"
            "请用 pilot calendar add 按国务院通知录入该年，"
            "或升级 chinesecalendar 后运行 pilot db upgrade",
        ),
        (("restart",), "事项 {item} 没有暂停计时，无须恢复"),
        (
            ("stop", "--waits-for", "服务商", "--reason", "忙"),
            "该事项本来就由服务商办理，不能以等待服务商为由暂停；--waits-for 应为另一方，"
            "需要更多时间时用 pilot item extend",
        ),
        (
            ("extend", "--days", "5", "--reason", "检修", "--by", "路人"),
            "经办人“路人”不是“示例市经信局”登记的联系人；已登记：周明、吴静",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_plain_words(
    pilot: Pilot, world: World, diagnosis: str, arguments: tuple[str, ...], why: str
) -> None:
    item = world.item_id(diagnosis)
    name, *rest = arguments

    assert pilot.refused("item", name, item, *rest) == why.format(item=item)


def test_moves_in_the_wrong_order_are_refused(pilot: Pilot, world: World, diagnosis: str) -> None:
    item = world.item_id(diagnosis)
    pilot.json("item", "stop", item, "--reason", "检修", "--waits-for", "企业")

    stopped = f"事项 {item} 自 2025-01-14 起已暂停计时（等待企业：检修），不能"
    hint = f"；先运行 pilot item restart {item}"
    assert pilot.refused("item", "extend", item, "--days", 1, "--reason", "再等") == (
        f"{stopped}延长{hint}"
    )
    assert pilot.refused("item", "stop", item, "--reason", "别的", "--waits-for", "企业") == (
        f"{stopped}再次暂停{hint}"
    )
    # Who answers nevertheless has answered.
    world.answer(diagnosis)
    assert pilot.refused("item", "restart", item) == (
        f"事项 {item} 已办结，期限不能再改；经过见 pilot case history {diagnosis}"
    )


def test_a_public_notice_is_not_moved(pilot: Pilot, world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    item = world.item_id(case_no)

    assert pilot.refused("item", "extend", item, "--days", 1, "--reason", "x") == (
        f"事项 {item} 是公示，其期限就是公示期，不能延长、暂停或恢复"
    )


def test_an_extension_needs_days_or_a_day(pilot: Pilot) -> None:
    assert pilot("item", "extend", 1, "--reason", "x").status == 2
    both = ("--days", 1, "--until", "2025-02-17")
    assert pilot("item", "extend", 1, *both, "--reason", "x").status == 2
