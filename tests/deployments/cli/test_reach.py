"""`pilot mail suppressed` and `pilot mail calls`, on both databases."""

from datetime import timedelta

import pytest
from sqlmodel import select

from deployments.cli.instance import account
from models.operations import reach
from models.operations.mail_lists import mail_health
from models.tables.mail import OutboxMail, machine_now
from models.tables.party import Contact
from tasks.database import transaction
from tests.builders import World
from tests.deployments.cli.conftest import Pilot


@pytest.fixture
def call(world: World) -> int:
    """A call that is to be made, and its number: the first mail of a case reached nobody."""
    world.open()
    with transaction(world.engine) as session:
        mail = session.exec(select(OutboxMail)).one()
        people = session.exec(
            select(Contact).where(
                Contact.party_id == session.get_one(Contact, mail.contact_id).party_id
            )
        )
        for person in people:
            person.phone = "0714-6000000"
            reach.suppress(session, person.email, reason="邮箱停用", by="系统", at=machine_now())
        reach.pass_on(session, mail.id or 0, why="收件地址不存在", now=machine_now())
    return 1


def test_an_address_is_stopped_and_lifted_on_record(pilot: Pilot) -> None:
    assert pilot("mail", "suppressed", "add", "Lin@example.com", "--reason", "离职").status == 0
    assert pilot("mail", "suppressed", "lift", "lin@example.com", "--reason", "返聘").status == 0

    assert pilot.json("mail", "suppressed", "list")["suppressed"] == []
    [kept] = pilot.json("mail", "suppressed", "list", "--all")["suppressed"]
    assert (kept["address"], kept["reason"], kept["by"]) == ("lin@example.com", "离职", account())
    assert (kept["lift_reason"], kept["lifted_by"]) == ("返聘", account())
    assert kept["lifted_at"] >= kept["since"]


def test_an_address_may_be_stopped_anew_after_it_was_lifted(pilot: Pilot) -> None:
    for reason in ("一", "二"):
        pilot("mail", "suppressed", "add", "lin@example.com", "--reason", reason)
        pilot("mail", "suppressed", "lift", "lin@example.com", "--reason", "恢复")
    pilot("mail", "suppressed", "add", "lin@example.com", "--reason", "三")

    history = pilot.json("mail", "suppressed", "list", "--all")["suppressed"]
    assert [each["reason"] for each in history] == ["三", "二", "一"]
    assert "三" in pilot("mail", "suppressed", "list").out


def test_what_makes_no_sense_is_refused(pilot: Pilot) -> None:
    add, lift = ("mail", "suppressed", "add"), ("mail", "suppressed", "lift")
    assert "lin@" in pilot.refused(*add, "lin@", "--reason", "离职")
    assert pilot.refused(*add, "lin@example.com", "--reason", " ").startswith("请写明原因")
    assert pilot.refused(*lift, "lin@example.com", "--reason", "返聘") == (
        "lin@example.com 不在停发名单上；可用 pilot mail suppressed list 查看"
    )
    pilot(*add, "lin@example.com", "--reason", "离职")
    assert "已在停发名单上" in pilot.refused(*add, "LIN@example.com", "--reason", "离职")


def test_the_call_list_says_whom_to_call_what_about_and_why(pilot: Pilot, call: int) -> None:
    [listed] = pilot.json("mail", "calls", "list")["calls"]

    assert (listed["call_id"], listed["template"], listed["why"]) == (
        call,
        "item_opened",
        "收件地址不存在",
    )
    assert listed["party"] == "示例精工装备"
    assert {person["phone"] for person in listed["people"]} == {"0714-6000000"}
    page = pilot("mail", "calls", "list").out
    assert "0714-6000000" in page
    assert listed["case_no"] in page


def test_a_call_is_done_once_with_who_and_what_came_of_it(pilot: Pilot, call: int) -> None:
    assert pilot.refused("mail", "calls", "done", call, "--note", " ").startswith("请写明通话结果")
    # Of several, all or none.
    assert "编号为 99" in pilot.refused("mail", "calls", "done", call, 99, "--note", "已告知")
    assert pilot("mail", "calls", "done", call, "--note", "已告知").status == 0

    assert pilot.json("mail", "calls", "list")["calls"] == []
    [done] = pilot.json("mail", "calls", "list", "--all")["calls"]
    assert (done["note"], done["done_by"]) == ("已告知", account())
    assert "已告知" in pilot("mail", "calls", "list", "--all").out
    assert pilot.refused("mail", "calls", "done", call, "--note", "再打") == (
        f"电话通知 {call} 已由 {account()} 办结：已告知"
    )
    assert "没有编号为 99 的电话通知" in pilot.refused("mail", "calls", "done", 99, "--note", "x")


def test_a_mail_that_was_passed_on_is_shown_as_such_and_calls_are_a_finding(
    pilot: Pilot, call: int
) -> None:
    [mail] = pilot.json("mail", "list")["mails"]
    assert mail["passed_on_at"] is not None
    assert "转发" in pilot("mail", "show", mail["mail_id"]).out

    with transaction(pilot.world.engine) as session:
        session.get_one(OutboxMail, mail["mail_id"]).bounced_at = machine_now()
        health = mail_health(session)

    assert "被退回" in pilot("mail", "list").out
    assert "1 件须电话通知" in pilot("doctor").out
    # The mail itself has been dealt with.
    assert (health.failed, health.waiting) == (0, 0)


def test_what_is_held_back_for_the_sending_hours_does_not_count_as_waiting(
    pilot: Pilot, world: World
) -> None:
    world.open()
    with transaction(world.engine) as session:
        assert mail_health(session).waiting == 1
        mail = session.exec(select(OutboxMail)).one()
        mail.next_try_at = machine_now() + timedelta(hours=3)

    with transaction(world.engine) as session:
        assert mail_health(session).waiting == 0
