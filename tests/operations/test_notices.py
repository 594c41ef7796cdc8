"""Public notices: their days across holidays, and what keeps one from ending."""

from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from models.forms.base import FormError
from models.operations.answering import SYSTEM
from models.operations.effects.notices import (
    NoObjectionError,
    NoticeNotOverError,
    ObjectionPendingError,
)
from models.operations.notices import NoticesBegun, begin_notices
from models.rules.stages import Role, Stage
from models.tables.audit import AuditEntry
from models.tables.party import Party
from models.tables.records import PublicNotice
from tasks.answering import NoticesEnded, end_notices
from tasks.database import reading, transaction
from tests.builders import OTHER_ENTERPRISE, World

_OBJECTION = {"outcome": "登记异议", "objector": "石坚", "reach": "电话", "content": "不实"}
_DAY = timedelta(days=1)


def _begin(world: World) -> NoticesBegun:
    with transaction(world.engine) as session:
        return begin_notices(session, world.moment.programme, world.moment.at)


def _end(world: World) -> NoticesEnded:
    return end_notices(world.moment, world.engine)


def _notices(world: World) -> list[PublicNotice]:
    with reading(world.engine) as session:
        return list(session.exec(select(PublicNotice).order_by(col(PublicNotice.id))))


@pytest.mark.parametrize(
    ("begins_on", "ends_on"),
    [
        # Golden dates of the programme's two years, looked up in the State Council's notices.
        (date(2024, 9, 27), date(2024, 10, 10)),  # 国庆, with the make-up days 09-29 and 10-12
        (date(2025, 1, 22), date(2025, 2, 5)),  # 春节, with the make-up day 01-26
        (date(2025, 9, 26), date(2025, 10, 10)),  # 国庆 and 中秋 together, with 09-28
        (date(2025, 1, 26), date(2025, 2, 8)),  # begun on a Sunday that is worked
        (date(2024, 3, 25), date(2024, 4, 1)),  # a plain week
    ],
)
def test_a_notice_lasts_five_working_days_after_the_first(
    world: World, begins_on: date, ends_on: date
) -> None:
    world.go_to(date(2024, 3, 1))
    case_no = world.started(Stage.APPLICATION, "public-notice")
    world.go_to(begins_on)

    begun = _begin(world)

    assert begun == NoticesBegun((f"公示〔{begins_on:%Y%m%d}〕申报2",), 1)
    assert [(notice.starts_on, notice.ends_on) for notice in _notices(world)] == [
        (begins_on, ends_on)
    ]
    assert world.open_item(case_no).due_on == ends_on
    world.go_to(ends_on)
    assert _end(world) == NoticesEnded((), ())
    world.go_to(ends_on + _DAY)
    assert [receipt.case_no for receipt in _end(world).receipts] == [case_no]
    assert world.at(case_no) == (Stage.DIAGNOSIS, "assign-provider", 1)


@pytest.mark.parametrize(
    "day_off", [date(2025, 1, 11), date(2025, 1, 29), date(2025, 10, 1), date(2025, 1, 1)]
)
def test_nothing_is_published_on_a_day_off(world: World, day_off: date) -> None:
    world.started(Stage.APPLICATION, "public-notice")
    world.go_to(day_off)
    before = world.dump()

    assert _begin(world) == NoticesBegun((), 0)

    assert world.dump() == before


def test_a_second_sweep_of_the_day_changes_nothing(world: World) -> None:
    world.started(Stage.APPLICATION, "public-notice")
    _begin(world)
    before = world.dump()

    assert _begin(world) == NoticesBegun((), 0)
    assert _end(world) == NoticesEnded((), ())

    assert world.dump() == before


def test_cases_of_one_stage_are_published_together_and_each_on_its_own_trail(world: World) -> None:
    cases = [
        world.started(Stage.APPLICATION, "public-notice"),
        world.started(Stage.APPLICATION, "public-notice", enterprise=OTHER_ENTERPRISE),
    ]

    begun = _begin(world)

    assert (begun.items, len(begun.notice_nos)) == (2, 1)
    assert len({notice.notice_no for notice in _notices(world)}) == 1
    with reading(world.engine) as session:
        entries = session.exec(
            select(AuditEntry.case_no).where(col(AuditEntry.action).like("%开始公示"))
        ).all()
    assert sorted(entries) == cases
    assert world.verify() == []


def test_sweeps_after_an_outage_of_weeks_end_what_is_over(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    _begin(world)
    world.go_to(world.today + timedelta(days=40))

    receipt = _end(world).receipts[0]

    assert (receipt.case_no, receipt.handler, receipt.party) == (case_no, "系统", "公示期（系统）")


def test_a_pending_objection_keeps_a_notice_from_ending_until_it_is_decided(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    _begin(world)
    world.say(case_no, **_OBJECTION)
    world.go_to(world.today + timedelta(days=30))
    before = world.dump()

    assert _end(world) == NoticesEnded((), ())
    assert world.dump() == before

    world.say(case_no, outcome="异议不成立", decision="无据")
    assert len(_end(world).receipts) == 1


def test_what_cannot_be_ended_is_named_and_holds_up_no_other(world: World) -> None:
    stuck = world.started(Stage.SUBSIDY, "public-notice")
    fine = world.started(Stage.APPLICATION, "public-notice", enterprise=OTHER_ENTERPRISE)
    _begin(world)
    world.go_to(world.today + timedelta(days=30))
    with transaction(world.engine) as session:
        session.exec(
            select(Party).where(Party.role == Role.FINANCE_BUREAU)
        ).one().role = Role.ASSESSOR

    ended = _end(world)

    assert [receipt.case_no for receipt in ended.receipts] == [fine]
    assert ended.refused == (
        (world.item_id(stuck), "没有登记市财政局，无法转交下一步；请先登记该单位及其联系人"),
    )


def test_a_notice_not_begun_cannot_end(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "public-notice")
    world.go_to(world.today + timedelta(days=60))
    before = world.dump()

    assert _end(world) == NoticesEnded((), ())

    assert world.dump() == before
    assert world.at(case_no) == (Stage.SUBSIDY, "public-notice", 1)


def test_an_objection_upheld_starts_a_notice_of_its_own(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    _begin(world)
    world.say(case_no, **_OBJECTION)
    world.say(case_no, outcome="异议成立", decision="属实")
    world.answer(case_no)
    world.go_to(world.today + _DAY)

    assert _begin(world).items == 1

    notices = _notices(world)
    assert [notice.starts_on for notice in notices] == [world.today - _DAY, world.today]


def test_the_system_itself_cannot_end_a_notice_before_its_time(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    item_id, passed = world.item_id(case_no), {"outcome": "passed"}
    with pytest.raises(NoticeNotOverError, match="的公示尚未开始"):
        world.give(item_id, passed, caller=SYSTEM)

    _begin(world)
    last_day = _notices(world)[0].ends_on
    world.go_to(last_day)
    with pytest.raises(NoticeNotOverError, match=f"的公示至 {last_day} 止，尚未期满"):
        world.give(item_id, passed, caller=SYSTEM)

    world.say(case_no, **_OBJECTION)
    world.go_to(last_day + _DAY)
    before = world.dump()
    with pytest.raises(ObjectionPendingError, match="有异议尚未处理，公示不能办结"):
        world.give(item_id, passed, caller=SYSTEM)
    assert world.dump() == before


def test_a_decision_without_an_objection_is_refused(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    before = world.dump()

    for outcome in ("异议成立", "异议不成立"):
        with pytest.raises(NoObjectionError, match="没有待处理的异议；请先登记异议"):
            world.say(case_no, outcome=outcome, decision="无")
    for missing in ("objector", "reach", "content"):
        with pytest.raises(FormError, match="选择“登记异议”时必须填写"):
            world.say(case_no, **{**_OBJECTION, missing: " "})

    assert world.dump() == before
