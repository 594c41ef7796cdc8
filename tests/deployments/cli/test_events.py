"""`pilot event`: events, invitations with an entry for the calendar, attendance."""

from datetime import date, timedelta

import pytest
from icalendar import Calendar, Event
from sqlmodel import col, select

from models.rules.stages import Role, Stage
from models.tables.mail import OutboxMail
from notifications.calendar_file import calendar_text
from notifications.contexts import read_context
from notifications.message import build_message
from notifications.render import render
from notifications.settings import MailSettings
from tasks.database import reading
from tests.builders import ENTERPRISE, PROVIDER, World
from tests.deployments.cli.conftest import Pilot

TRAINING = (
    "event", "add", "--kind", "培训", "--name", "提升班", "--place", "会议中心",
    "--starts", "2025-01-10 09:00", "--ends", "2025-01-10 17:00", "--milestone", "2025-04",
)  # fmt: skip


def invitations_of(world: World) -> list[OutboxMail]:
    with reading(world.engine) as session:
        return list(
            session.exec(select(OutboxMail).where(OutboxMail.template == "event_invitation"))
        )


def test_an_event_is_entered_once_and_counts_when_it_is_over(pilot: Pilot, world: World) -> None:
    first, again = pilot.json(*TRAINING), pilot.json(*TRAINING)

    assert (first["is_new"], again["is_new"]) == (True, False)
    assert first["event"]["id"] == again["event"]["id"]

    def held() -> int:
        listed = pilot.json("milestone", "list")["milestones"]
        return next(int(each["value"]) for each in listed if each["key"] == "2025-04")

    assert held() == 0
    world.go_to(date(2025, 1, 10))
    assert held() == 1
    assert world.verify() == []


def test_those_invited_get_one_mail_each_with_the_hours_of_the_event(
    pilot: Pilot, world: World
) -> None:
    world.started(Stage.APPLICATION, "county-review")
    number = pilot.json(*TRAINING)["event"]["id"]

    first = pilot.json("event", "invite", number, "--batch", 2, "--note", "请带电脑")
    again = pilot.json("event", "invite", number, "--batch", 2)

    assert (first["invited"], first["mails"]) == ([ENTERPRISE], 1)
    assert (again["invited"], again["mails"]) == ([], 0)
    [mail] = invitations_of(world)
    context = read_context(mail.template, mail.context)
    calendar = Calendar.from_ical(
        calendar_text(context.deadlines, office="市经信局", address="office@example.com")
    )
    [entry] = calendar.events
    assert (entry.start.isoformat(), entry.end.isoformat()) == (
        "2025-01-10T01:00:00+00:00",
        "2025-01-10T09:00:00+00:00",
    )
    assert (str(entry["LOCATION"]), str(entry["SUMMARY"])) == ("会议中心", "【演示】提升班")
    assert str(entry["DESCRIPTION"]) == "请带电脑"


def test_who_came_is_recorded_also_of_those_not_invited(pilot: Pilot, world: World) -> None:
    number = pilot.json(*TRAINING)["event"]["id"]
    pilot.json("event", "invite", number, "--party", ENTERPRISE)
    world.go_to(date(2025, 1, 10) + timedelta(days=1))

    pilot.json("event", "attend", number, ENTERPRISE, "--absent")
    command = ("event", "attend", number, PROVIDER, "--role", "provider", "--people", "高远、何静")
    pilot.json(*command)
    before = world.dump()
    pilot.json(*command)

    assert world.dump() == before
    [event] = pilot.json("event", "list")["events"]
    assert (event["kind_label"], event["invited"], event["came"]) == ("培训", 2, 1)
    shown = pilot.json("event", "show", number)["invitations"]
    assert [(row["party"], row["has_attended"], row["attendees"]) for row in shown] == [
        (ENTERPRISE, False, ""),
        (PROVIDER, True, "高远、何静"),
    ]
    assert "未到" in pilot("event", "show", number).out
    assert world.verify() == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (("--milestone", "2025-01"), "2025-01 不是举办活动的里程碑；应为 2024-06、2024-11、"),
        (("--milestone", "x"), "没有编号为 x 的里程碑；共有 2024-01、"),
        (("--ends", "2025-01-10 08:00"), "活动的结束时间应晚于开始时间"),
    ],
)
def test_an_event_that_cannot_be_is_refused(
    pilot: Pilot, changed: tuple[str, ...], reason: str
) -> None:
    assert pilot.refused(*TRAINING, *changed).startswith(reason)


def test_attendance_before_and_invitations_after_the_event_are_refused(
    pilot: Pilot, world: World
) -> None:
    number = pilot.json(*TRAINING)["event"]["id"]

    assert pilot.refused("event", "attend", number, ENTERPRISE) == (
        "活动“提升班”2025-01-10 09:00 才开始，还不能登记签到"
    )
    assert pilot.refused("event", "invite", number, "--party", "无此单位") == (
        "没有符合条件的单位可邀请"
    )
    assert pilot.refused("event", "show", 99) == (
        "没有编号为 99 的活动；可用 pilot event list 查看"
    )
    world.go_to(date(2025, 1, 11))
    assert pilot.refused("event", "invite", number, "--role", Role.PROVIDER.value) == (
        "活动“提升班”已经结束，不能再邀请"
    )


def changes_of(world: World) -> list[OutboxMail]:
    with reading(world.engine) as session:
        return list(
            session.exec(
                select(OutboxMail)
                .where(OutboxMail.template == "event_changed")
                .order_by(col(OutboxMail.id))
            )
        )


def entry_of(mail: OutboxMail) -> Event:
    context = read_context(mail.template, mail.context)
    text = calendar_text(context.deadlines, office="市经信局", address="office@example.com")
    [entry] = Calendar.from_ical(text).events
    return entry


def test_a_moved_event_is_told_to_those_invited_and_moves_in_their_calendars(
    pilot: Pilot, world: World
) -> None:
    number = pilot.json(*TRAINING)["event"]["id"]
    pilot.json("event", "invite", number, "--party", ENTERPRISE, "--party", PROVIDER)
    hours = ("--starts", "2025-01-13 14:00", "--ends", "2025-01-13 17:00")

    world.go_to(date(2025, 1, 7))
    moved = pilot.json("event", "move", number, *hours, "--reason", "专家行程有变")
    again = pilot.json("event", "move", number, *hours, "--reason", "专家行程有变")
    pilot.json("event", "move", number, "--place", "会议中心二楼", "--reason", "换会场")

    assert (moved["mails"], again["mails"]) == (2, 0)
    first, _, last, _ = changes_of(world)
    invitation, *_ = invitations_of(world)
    assert entry_of(first)["UID"] == entry_of(invitation)["UID"]
    assert entry_of(first)["SEQUENCE"] > entry_of(invitation)["SEQUENCE"]
    assert entry_of(first).start.isoformat() == "2025-01-13T06:00:00+00:00"
    assert str(entry_of(last)["LOCATION"]) == "会议中心二楼"
    words = render(read_context(first.template, first.context))
    assert words.subject == "【演示】【活动变更】提升班，2025年1月13日 14:00"
    assert "专家行程有变" in words.text
    assert world.verify() == []


def test_a_cancelled_event_does_not_count_and_leaves_the_calendars(
    pilot: Pilot, world: World
) -> None:
    number = pilot.json(*TRAINING)["event"]["id"]
    pilot.json("event", "invite", number, "--party", ENTERPRISE)

    first = pilot.json("event", "cancel", number, "--reason", "报名不足")
    again = pilot.json("event", "cancel", number, "--reason", "报名不足")

    assert (first["mails"], again["mails"]) == (1, 0)
    [mail] = changes_of(world)
    assert entry_of(mail)["STATUS"] == "CANCELLED"
    context = read_context(mail.template, mail.context)
    text = calendar_text(context.deadlines, office="市经信局", address="office@example.com")
    assert "METHOD:CANCEL" in text
    letter = build_message(
        render(context),
        MailSettings(),
        to_name=mail.to_name,
        to_address=mail.to_address,
        message_id="<1@example.com>",
        date=world.moment.at,
        trial=None,
    )
    assert b'text/calendar; charset="utf-8"; method="CANCEL"' in letter.content
    assert "请勿前往" in render(context).text
    for what, *arguments in (
        ("邀请", "invite", number, "--party", PROVIDER),
        ("改期", "move", number, "--place", "别处", "--reason", "x"),
        ("登记签到", "attend", number, ENTERPRISE),
    ):
        assert pilot.refused("event", *arguments) == (
            f"活动“提升班”已取消，不能再{what}；确要举办请换一个名称另行登记"
        )
    assert "已取消" in pilot.refused(*TRAINING)
    assert "不计入里程碑" in pilot("event", "show", number).out
    world.go_to(date(2025, 1, 13))
    listed = pilot.json("milestone", "list")["milestones"]
    assert next(int(each["value"]) for each in listed if each["key"] == "2025-04") == 0
    assert world.verify() == []


def test_the_list_says_of_a_cancelled_event_that_it_is_and_what_it_belonged_to(
    pilot: Pilot,
) -> None:
    number = pilot.json(*TRAINING)["event"]["id"]
    pilot.json("event", "cancel", number, "--reason", "报名不足")

    event, below = pilot("event", "list").out.split("提升班", 1)[1].splitlines()[:2]

    assert event.split()[-3:] == ["2025-04", "0", "0"]
    assert below.split()[0] == "已取消"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--place", "别处", "--reason", " "), "必须写明理由（--reason），邮件会告知受邀单位"),
        (
            ("--starts", "2025-01-03 09:00", "--ends", "2025-01-03 10:00", "--reason", "x"),
            "新的开始时间 2025-01-03 09:00 已过，请核对",
        ),
        (
            ("--starts", "2025-01-20 09:00", "--ends", "2025-01-20 08:00", "--reason", "x"),
            "活动的结束时间应晚于开始时间",
        ),
        (
            ("--starts", "2025-01-11 09:00", "--ends", "2025-01-11 10:00", "--reason", "x"),
            "已有同名同时的活动“提升班”（编号 2），请核对时间",
        ),
    ],
)
def test_a_move_that_cannot_be_changes_nothing(
    pilot: Pilot, world: World, arguments: tuple[str, ...], reason: str
) -> None:
    pilot.json(*TRAINING)
    pilot.json(*TRAINING, "--starts", "2025-01-11 09:00", "--ends", "2025-01-11 17:00")
    before = world.dump()

    assert pilot.refused("event", "move", 1, *arguments) == reason
    assert world.dump() == before


def test_what_is_over_is_neither_moved_nor_called_off(pilot: Pilot, world: World) -> None:
    pilot.json(*TRAINING)
    world.go_to(date(2025, 1, 13))

    assert (
        pilot.refused("event", "cancel", 1, "--reason", "x") == "活动“提升班”已经结束，不能再取消"
    )
    assert pilot.refused("event", "move", 1, "--place", "y", "--reason", "x") == (
        "活动“提升班”已经结束，不能再改期"
    )
    assert pilot("event", "move", 1, "--reason", "x").status == 2
    assert pilot("event", "move", 1, "--starts", "2025-02-01 09:00", "--reason", "x").status == 2
