"""Deadlines as the calendar table reckons them, against days counted by hand from the notices."""

from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from models.operations.calendar_days import (
    add_working_days,
    neighbouring_workdays,
    working_days_between,
)
from models.rules.stages import Stage
from models.rules.working_days import HolidaysUnknownError
from models.tables.case import WorkItem
from models.tables.programme import Batch, CalendarDay
from tasks.database import reading, transaction
from tests.builders import World

_2024 = "国办发明电〔2023〕7号（2024年部分节假日安排）"
_2025 = "国办发明电〔2024〕12号（2025年部分节假日安排）"

#: From, working days, due day, what lies between, and the source of that.
NOTICES = (
    (date(2024, 9, 27), 5, date(2024, 10, 10), "国庆，9月29日（周日）上班", _2024),
    (date(2025, 1, 22), 5, date(2025, 2, 5), "春节，1月26日（周日）上班", _2025),
    (date(2025, 9, 26), 5, date(2025, 10, 10), "国庆、中秋，9月28日（周日）上班", _2025),
    (date(2024, 2, 5), 5, date(2024, 2, 18), "春节，到期日是调休的周日", _2024),
    (date(2025, 2, 5), 3, date(2025, 2, 8), "到期日是调休的周六", _2025),
    (date(2024, 10, 11), 1, date(2024, 10, 12), "到期日是调休的周六", _2024),
    (date(2024, 12, 31), 1, date(2025, 1, 2), "年末，元旦", _2025),
    (date(2024, 12, 25), 5, date(2025, 1, 2), "年末，元旦", _2025),
    (date(2025, 12, 30), 1, date(2025, 12, 31), "年末", _2025),
)

#: The end of a month in the plan, and the last working day not after it (policy facts, 4).
MONTH_ENDS = (
    (date(2024, 3, 31), date(2024, 3, 29), "周日"),
    (date(2024, 6, 30), date(2024, 6, 28), "周日"),
    (date(2024, 8, 31), date(2024, 8, 30), "周六"),
    (date(2024, 9, 30), date(2024, 9, 30), "周一"),
    (date(2024, 11, 30), date(2024, 11, 29), "周六"),
    (date(2024, 12, 31), date(2024, 12, 31), "周二"),
    (date(2025, 1, 31), date(2025, 1, 27), "春节，1月28日起放假"),
    (date(2025, 10, 31), date(2025, 10, 31), "周五"),
    (date(2025, 12, 31), date(2025, 12, 31), "周三"),
)


def test_notices_over_holidays_make_up_days_and_year_ends(world: World) -> None:
    with reading(world.engine) as session:
        for day, n, due, why, source in NOTICES:
            assert add_working_days(session, day, n) == due, (why, source)


def test_month_ends_on_days_off_go_back_to_the_last_working_day(world: World) -> None:
    with reading(world.engine) as session:
        for end, last, why in MONTH_ENDS:
            assert neighbouring_workdays(session, end)[0] == last, why


def test_a_step_to_a_month_end_on_a_holiday_is_due_on_the_working_day_before_it(
    world: World,
) -> None:
    case_no = world.open()  # applications close on 2025-01-31, in the Spring Festival

    assert world.open_item(case_no).due_on == date(2025, 1, 27)


def test_a_step_to_a_day_that_is_past_is_due_at_once_and_not_on_a_day_off(world: World) -> None:
    world.go_to(date(2025, 2, 1))  # a Saturday of the Spring Festival
    case_no = world.open()

    assert world.open_item(case_no).due_on == date(2025, 2, 5)


def test_2027_is_refused_with_what_to_do(world: World) -> None:
    with reading(world.engine) as session:
        for day, n in ((date(2026, 12, 31), 1), (date(2026, 12, 25), 10), (date(2027, 1, 4), 1)):
            with pytest.raises(HolidaysUnknownError) as refused:
                add_working_days(session, day, n)
            assert str(refused.value) == (
                "尚不知道 2027 年的节假日安排（已知 2024—2026 年），无法推算工作日；"
                "请用 pilot calendar add 按国务院通知录入该年，"
                "或升级 chinesecalendar 后运行 pilot db upgrade"
            )


def test_adding_and_counting_back_agree_on_every_day_and_no_deadline_is_a_day_off(
    world: World,
) -> None:
    with reading(world.engine) as session:
        days = session.exec(select(CalendarDay).order_by(col(CalendarDay.day))).all()
        worked = {each.day for each in days if each.is_workday}
        for place, day in enumerate(days[: -366 - 40 : 7]):
            n = 1 + place % 40
            due = add_working_days(session, day.day, n)
            assert due in worked
            assert working_days_between(session, day.day, due) == n


def test_every_deadline_of_every_opening_day_is_a_working_day(world: World) -> None:
    """Steps by working days and steps to a date of the batch, opened on any day."""
    with transaction(world.engine) as session:
        batch = session.exec(select(Batch).where(Batch.number == 2)).one()
        batch.transformation_until = date(2025, 10, 4)  # a Saturday of the National Day holiday
    world.started(Stage.TRANSFORMATION, "implement")
    for number in range(24):
        world.go_to(date(2025, 1, 6) + timedelta(days=5 * number))
        world.open(world.register_enterprise())

    with reading(world.engine) as session:
        due = set(session.exec(select(WorkItem.due_on)).all()) - {None}
        off = session.exec(
            select(CalendarDay.day).where(
                col(CalendarDay.day).in_(due), ~col(CalendarDay.is_workday)
            )
        ).all()

    assert date(2025, 9, 30) in due
    assert list(off) == []
