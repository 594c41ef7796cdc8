"""The digests: what has changed, what is late and whose turn it is; and a sweep that is missing."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlmodel import col, select

from models.operations.effects.transformation import NotFinishedError
from models.operations.parties import party_named
from models.policy.figures import OfficeContact
from models.rules.clock import SHANGHAI, day_of
from models.rules.stages import Role, Stage
from models.rules.working_days import add_working_days
from models.tables.mail import OutboxMail
from models.tables.party import Contact
from models.tables.programme import ProgrammeRow
from notifications.contexts import Digest, read_context
from notifications.render import render
from tasks.database import reading, transaction
from tasks.sweep_watch import report_missing_sweep
from tasks.sweeping import sweep_day
from tests.builders import CITY, COUNTY, World


def digests(world: World, to: str = "周明", *, weekly: bool = False) -> list[Digest]:
    with reading(world.engine) as session:
        mails = session.exec(
            select(OutboxMail)
            .where(OutboxMail.template == "digest", OutboxMail.to_name == to)
            .order_by(col(OutboxMail.id))
        ).all()
    found: list[Digest] = [read_context(mail.template, mail.context) for mail in mails]  # type: ignore[misc]
    return [each for each in found if each.is_weekly is weekly]


def with_leading_group(world: World) -> None:
    """Give the leading group an address."""
    contact = OfficeContact(email="lead@example.com", source="市经信局提供", verified=True)
    bodies = tuple(
        body.model_copy(update={"contact": contact}) if body.key == "leading-group" else body
        for body in world.moment.programme.bodies
    )
    world.moment = replace(world.moment, programme=replace(world.moment.programme, bodies=bodies))


def test_the_daily_digest_tells_what_changed_what_is_late_and_whose_turn_it_is(
    here: World,
) -> None:
    case_no = here.started(Stage.APPLICATION, "county-review")  # due on 2025-01-13
    here.go_to(date(2025, 1, 13))
    sweep_day(here.moment)
    here.go_to(date(2025, 1, 14))
    here.open(here.register_enterprise())
    sweep_day(here.moment)

    first, second = digests(here)

    assert (first.opened, first.late_count, first.is_swept) == (1, 0, None)
    assert first.done == ("申报 · 提交申报：提交申报 1 件",)
    assert (second.since, second.opened, second.done) == (date(2025, 1, 13), 1, ())
    assert (second.is_swept, second.late_count) == (True, 1)
    assert second.late_by == ("县市区经信部门 1 件",)
    [late] = second.late
    assert (late.case_no, late.waits_for, late.days_late) == (case_no, COUNTY, 1)
    words = render(second)
    assert words.subject == "【演示】【每日简报】2025年1月14日：逾期 1 件"
    assert "昨日巡检已完成" in words.text
    assert f"现由 {COUNTY} 办理" in words.text


def test_what_was_done_is_told_in_the_order_of_the_steps(here: World) -> None:
    here.started(Stage.DIAGNOSIS, "diagnose")
    sweep_day(here.moment)

    [told] = digests(here)
    assert [line.split("：")[0] for line in told.done] == [
        "申报 · 提交申报",
        "申报 · 县市区初审",
        "申报 · 市级审核",
        "申报 · 名单公示",
        "诊断 · 指派诊断服务商",
    ]


def test_a_progress_report_is_told_in_the_next_digest_though_its_item_stays_open(
    here: World,
) -> None:
    case_no = here.started(Stage.TRANSFORMATION, "implement")
    sweep_day(here.moment)
    here.moment = replace(here.moment, at=here.moment.at + timedelta(hours=5))
    here.say(case_no, outcome="上报进度", progress=40, note="设备已到货")
    here.say(case_no, outcome="上报进度", progress=55, note="MES 已部署，正在联调")
    with pytest.raises(NotFinishedError):
        here.say(case_no, outcome="改造完成", progress=60, note="尚未完成")
    for _ in range(2):
        here.go_to(add_working_days(day_of(here.moment.at), 1))
        sweep_day(here.moment)

    _, told, after = digests(here)

    assert told.done == ("改造 · 实施改造：上报进度 2 次",)
    assert "改造 · 实施改造：上报进度 2 次" in render(told).text
    assert after.done == ()


def test_an_objection_and_what_became_of_it_are_told(here: World) -> None:
    case_no = here.started(Stage.APPLICATION, "public-notice")
    sweep_day(here.moment)
    here.moment = replace(here.moment, at=here.moment.at + timedelta(hours=5))
    here.say(case_no, outcome="登记异议", objector="王五", reach="13800000000", content="材料不实")
    here.go_to(add_working_days(day_of(here.moment.at), 1))
    sweep_day(here.moment)

    assert digests(here)[-1].done == ("申报 · 名单公示：登记异议 1 次",)


def test_a_day_off_has_no_digest_and_a_sweep_missed_before_is_told(here: World) -> None:
    here.open()
    for day in (17, 18, 22):  # Friday, Saturday, Wednesday
        here.go_to(date(2025, 1, day))
        sweep_day(here.moment)
        sweep_day(here.moment)

    assert [(each.day.day, each.is_swept) for each in digests(here)] == [(17, None), (22, False)]
    assert "昨日未巡检" in render(digests(here)[1]).subject
    assert "上一次是 2025年1月18日" in render(digests(here)[1]).text


def test_the_weekly_digest_goes_out_on_the_first_working_day_of_the_week_or_after(
    here: World,
) -> None:
    with_leading_group(here)
    here.started(Stage.APPLICATION, "county-review")
    # The week of 27 January ends at New Year's eve; that of 3 February begins on the 5th.
    for day in (date(2025, 1, 27), date(2025, 2, 3), date(2025, 2, 4), date(2025, 2, 7)):
        here.go_to(day)
        sweep_day(here.moment)

    weekly = digests(here, "办公室", weekly=True)

    assert [each.day for each in weekly] == [date(2025, 1, 27), date(2025, 2, 5)]
    assert [each.recipient_party for each in weekly] == ["市工业互联网创新发展领导小组"] * 2


def test_the_weekly_list_names_what_has_been_late_for_three_weeks(here: World) -> None:
    with_leading_group(here)
    here.started(Stage.APPLICATION, "county-review")  # due 2025-01-13, late by 15 on 02-08
    for day in (date(2025, 2, 5), date(2025, 2, 10)):
        here.go_to(day)
        sweep_day(here.moment)

    before, after = digests(here, "办公室", weekly=True)

    assert (before.late_count, before.late) == (1, ())
    [late] = after.late
    assert (late.waits_for, late.days_late, after.listed_count) == (COUNTY, 16, 1)
    assert "逾期较久、提请关注" in render(after).text


def test_every_coordinator_whom_mail_reaches_has_the_digest(here: World) -> None:
    with transaction(here.engine) as session:
        bureau = party_named(session, Role.CITY_BUREAU, CITY)
        for name, fate in (
            ("已走", {"has_left": True}),
            ("退信", {"bounced_address": "tui@example.com"}),
        ):
            address = "tui@example.com"
            session.add(Contact(party_id=bureau.id, name=name, email=address, **fate))
    sweep_day(here.moment)

    assert [[each.day for each in digests(here, name)] for name in ("周明", "吴静")] == [
        [here.today]
    ] * 2
    assert digests(here, "已走") == digests(here, "退信") == []


def test_the_weekly_list_is_handed_on_where_the_leading_group_has_no_address(here: World) -> None:
    sweep_day(here.moment)
    sweep_day(here.moment)

    for name in ("周明", "吴静"):
        [weekly] = digests(here, name, weekly=True)
        assert (
            "市工业互联网创新发展领导小组的收件地址尚未登记，本简报请代为转报"
            in render(weekly).text
        )
    assert digests(here, "办公室", weekly=True) == []


def stand_at(world: World, moment: str, *, minutes_after_loading: int = 50_000) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI)
    loaded = at - timedelta(minutes=minutes_after_loading)
    row = ProgrammeRow(**{**world.moment.row.model_dump(), "loaded_at": loaded})
    world.moment = replace(world.moment, at=at, row=row)


def reports(world: World) -> list[OutboxMail]:
    with reading(world.engine) as session:
        return list(
            session.exec(
                select(OutboxMail)
                .where(OutboxMail.template == "sweep_missed")
                .order_by(col(OutboxMail.id))
            )
        )


def test_a_missing_sweep_is_mailed_once_a_day_from_outside_prefect(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PILOT_TODAY")
    sweep_day(here.moment)
    stand_at(here, "2025-01-07T09:29")
    assert report_missing_sweep(here.engine, here.moment) is False
    assert reports(here) == []

    stand_at(here, "2025-01-07T09:30")
    assert report_missing_sweep(here.engine, here.moment) is True
    assert report_missing_sweep(here.engine, here.moment) is True

    mail, another = reports(here)
    assert another.to_name == "吴静"
    words = render(read_context(mail.template, mail.context))
    assert mail.to_name == "周明"
    assert mail.held_until is None
    assert words.subject == "【系统】2025年1月7日的每日巡检没有完成"
    assert "上一次完成的是 2025年1月6日" in words.text
    sweep_day(here.moment)
    assert report_missing_sweep(here.engine, here.moment) is False


def test_a_moved_clock_and_a_system_just_set_up_report_nothing(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_at(here, "2025-01-07T12:00")
    assert report_missing_sweep(here.engine, here.moment) is False
    monkeypatch.delenv("PILOT_TODAY")
    stand_at(here, "2025-01-07T12:00", minutes_after_loading=59)
    assert report_missing_sweep(here.engine, here.moment) is False
    stand_at(here, "2025-01-07T12:00", minutes_after_loading=61)
    assert report_missing_sweep(here.engine, here.moment) is True
