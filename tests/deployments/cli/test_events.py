"""`pilot event`: events, invitations with an entry for the calendar, attendance."""

from datetime import date, timedelta

import pytest
from icalendar import Calendar
from sqlmodel import select

from models.rules.stages import Role, Stage
from models.tables.mail import OutboxMail
from notifications.calendar_file import calendar_text
from notifications.contexts import read_context
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
    assert (event["invited"], event["came"]) == (2, 1)
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
