"""When mail that is not urgent may go out."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.clock import SHANGHAI
from models.rules.sending_hours import SendingHours, next_sending_time
from models.rules.working_days import HolidaysUnknownError, is_working_day, known_years

OFFICE = SendingHours(starts_at=time(8), ends_at=time(18), working_days_only=True)
ALWAYS = SendingHours(starts_at=time(8), ends_at=time(18), working_days_only=False)
SECOND = timedelta(seconds=1)


def shanghai(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        (shanghai(2025, 1, 6, 10), shanghai(2025, 1, 6, 10)),
        (shanghai(2025, 1, 6, 7, 59, 59), shanghai(2025, 1, 6, 8)),
        (shanghai(2025, 1, 6, 8), shanghai(2025, 1, 6, 8)),
        (shanghai(2025, 1, 6, 17, 59, 59), shanghai(2025, 1, 6, 17, 59, 59)),
        (shanghai(2025, 1, 6, 18), shanghai(2025, 1, 7, 8)),
        (shanghai(2025, 1, 10, 20), shanghai(2025, 1, 13, 8)),  # Friday night: Monday
        (shanghai(2025, 1, 26, 10), shanghai(2025, 1, 26, 10)),  # a Sunday made up for (调休)
        (shanghai(2025, 1, 28, 10), shanghai(2025, 2, 5, 8)),  # over the Spring Festival
        (datetime(2025, 1, 5, 23, 30, tzinfo=UTC), shanghai(2025, 1, 6, 8)),  # Monday here
    ],
)
def test_a_mail_goes_in_the_hours_of_working_days(at, sent):
    assert next_sending_time(at, OFFICE, is_working_day) == sent


def test_where_every_day_will_do_only_the_hours_count():
    assert next_sending_time(shanghai(2025, 1, 28, 19), ALWAYS, is_working_day) == shanghai(
        2025, 1, 29, 8
    )


def test_a_year_that_is_not_known_is_refused():
    last = known_years()[-1]

    with pytest.raises(HolidaysUnknownError):
        next_sending_time(shanghai(last, 12, 31, 19), OFFICE, is_working_day)


def test_hours_that_never_come_are_refused():
    with pytest.raises(ValueError, match="starts at"):
        SendingHours(starts_at=time(18), ends_at=time(8), working_days_only=True)


def is_open(at: datetime, hours: SendingHours, worked: frozenset[date]) -> bool:
    local = at.astimezone(SHANGHAI)
    return hours.starts_at <= local.time() < hours.ends_at and (
        not hours.working_days_only or local.date() in worked
    )


@given(
    at=st.datetimes(datetime(2025, 1, 1), datetime(2025, 12, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    offs=st.sets(st.integers(0, 400)),
    starts=st.times(max_value=time(23, 58)),
    length=st.integers(1, 24 * 60),
    working_days_only=st.booleans(),
)
def test_it_is_the_first_instant_from_then_on_at_which_mail_may_go(
    at, offs, starts, length, working_days_only
):
    begins = datetime.combine(date(2025, 1, 1), starts)
    ends = min(begins + timedelta(minutes=length), datetime.combine(date(2025, 1, 1), time.max))
    hours = SendingHours(starts_at=starts, ends_at=ends.time(), working_days_only=working_days_only)
    # Every third day is worked at least, so that a search ends.
    worked = frozenset(
        date(2025, 1, 1) + timedelta(days=n) for n in range(420) if n % 3 == 0 or n not in offs
    )

    sent = next_sending_time(at, hours, worked.__contains__)

    assert sent >= at
    assert is_open(sent, hours, worked)
    assert next_sending_time(sent, hours, worked.__contains__) == sent
    # Nothing in between was open: neither just before, nor at any full quarter of an hour.
    if sent > at:
        assert not is_open(at, hours, worked)
        assert not is_open(sent - timedelta(microseconds=1), hours, worked)
        probe = at
        while probe < sent:
            assert not is_open(probe, hours, worked)
            probe += timedelta(minutes=15)
