"""Working days against the State Council's notices of 2024 and 2025."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.working_days import (
    HolidaysUnknownError,
    add_working_days,
    calendar_days,
    is_working_day,
    known_years,
    last_working_day_on_or_before,
)

PROGRAMME_DAYS = st.dates(date(2024, 1, 1), date(2025, 12, 31))


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2024, 9, 29), True),  # a Sunday worked for the National Day holiday
        (date(2024, 10, 1), False),
        (date(2024, 10, 7), False),
        (date(2024, 10, 12), True),  # a Saturday worked
        (date(2025, 1, 26), True),  # a Sunday worked before the Spring Festival
        (date(2025, 1, 28), False),
        (date(2025, 9, 28), True),
        (date(2025, 11, 15), False),  # a plain Saturday
        (date(2025, 11, 17), True),  # a plain Monday
    ],
)
def test_holidays_and_make_up_days_are_known(day, worked):
    assert is_working_day(day) == worked


@pytest.mark.parametrize(
    ("day", "n", "due"),
    [
        (date(2024, 9, 27), 5, date(2024, 10, 10)),
        (date(2025, 1, 22), 5, date(2025, 2, 5)),
        (date(2025, 9, 26), 5, date(2025, 10, 10)),
        (date(2024, 9, 27), 1, date(2024, 9, 29)),  # a Sunday, but a working day
        (date(2024, 10, 1), 0, date(2024, 10, 8)),  # rolls forward over the holiday
        (date(2024, 10, 8), 0, date(2024, 10, 8)),
        (date(2024, 12, 31), 1, date(2025, 1, 2)),
    ],
)
def test_the_first_day_is_not_counted_and_a_holiday_rolls_forward(day, n, due):
    assert add_working_days(day, n) == due


@pytest.mark.parametrize(
    ("month_end", "last"),
    [
        (date(2024, 3, 31), date(2024, 3, 29)),
        (date(2024, 6, 30), date(2024, 6, 28)),
        (date(2024, 8, 31), date(2024, 8, 30)),
        (date(2024, 11, 30), date(2024, 11, 29)),
        (date(2025, 1, 31), date(2025, 1, 27)),
        (date(2025, 10, 31), date(2025, 10, 31)),
    ],
)
def test_a_month_end_on_a_holiday_goes_back_to_the_last_working_day(month_end, last):
    assert last_working_day_on_or_before(month_end) == last


def test_a_year_without_holidays_is_refused_by_name_with_what_to_do():
    unknown = known_years()[-1] + 1
    with pytest.raises(HolidaysUnknownError) as refused:
        is_working_day(date(unknown, 1, 4))

    assert str(refused.value) == (
        f"尚不知道 {unknown} 年的节假日安排（已知 2004—{unknown - 1} 年），无法推算工作日；"
        "请用 pilot calendar add 按国务院通知录入该年，"
        "或升级 chinesecalendar 后运行 pilot db upgrade"
    )


def test_counting_into_an_unknown_year_is_refused_rather_than_guessed():
    with pytest.raises(HolidaysUnknownError):
        add_working_days(date(known_years()[-1], 12, 31), 1)
    with pytest.raises(HolidaysUnknownError):
        calendar_days(known_years()[0] - 1)


def test_every_year_of_the_programme_is_known():
    assert {2024, 2025, 2026} <= set(known_years())


def test_a_year_has_all_its_days_in_order():
    days = [day for day, _ in calendar_days(2024)]

    assert days == [date(2024, 1, 1) + timedelta(days=n) for n in range(366)]


def test_an_instant_is_not_a_day():
    with pytest.raises(TypeError):
        is_working_day(datetime(2024, 9, 27, 16, 30, tzinfo=UTC))


def test_no_working_days_lie_in_the_past():
    with pytest.raises(ValueError, match="past"):
        add_working_days(date(2024, 9, 27), -1)


@given(day=PROGRAMME_DAYS, n=st.integers(1, 60))
def test_exactly_n_working_days_lie_after_the_day_up_to_the_due_day(day, n):
    due = add_working_days(day, n)

    after = [day + timedelta(days=k) for k in range(1, (due - day).days + 1)]
    assert is_working_day(due)
    assert sum(map(is_working_day, after)) == n


@given(day=PROGRAMME_DAYS, n=st.integers(0, 20), more=st.integers(0, 20))
def test_adding_in_two_parts_is_adding_at_once(day, n, more):
    assert add_working_days(add_working_days(day, n), more) == add_working_days(
        add_working_days(day, 0) if n == 0 else day, n + more
    )


@given(day=st.dates(date(2024, 1, 5), date(2025, 12, 31)))
def test_going_back_stops_at_the_nearest_working_day(day):
    last = last_working_day_on_or_before(day)

    skipped = [last + timedelta(days=k) for k in range(1, (day - last).days + 1)]
    assert is_working_day(last)
    assert [each for each in skipped if is_working_day(each)] == []
