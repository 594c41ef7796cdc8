"""Working days by the State Council's holiday notices, make-up days (调休) included."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from itertools import accumulate, repeat, takewhile
from types import MappingProxyType

from chinese_calendar import is_workday
from chinese_calendar.constants import holidays

from models.rules.errors import PilotError

_DAY = timedelta(days=1)


class HolidaysUnknownError(PilotError):
    """A day falls in a year whose holidays have not been announced to this installation."""

    def __init__(self, year: int, known: range | None = None) -> None:
        """Name the year, the years that are known (without any: to the library), what to do."""
        self.year = year
        known = known or known_years()
        super().__init__(
            f"尚不知道 {year} 年的节假日安排（已知 {known[0]}—{known[-1]} 年），无法推算工作日；"
            "请用 pilot calendar add 按国务院通知录入该年，"
            "或升级 chinesecalendar 后运行 pilot db upgrade"
        )


@cache
def known_years() -> range:
    """Return the years whose holidays and make-up days are known."""
    return range(min(holidays).year, max(holidays).year + 1)


@cache
def _days_of(year: int) -> Mapping[date, bool]:
    """Return every day of `year` with whether it is worked; the library itself is slow per day."""
    if year not in known_years():
        raise HolidaysUnknownError(year)
    days = takewhile(
        lambda day: day.year == year,
        accumulate(repeat(_DAY), lambda day, step: day + step, initial=date(year, 1, 1)),
    )
    return MappingProxyType({day: bool(is_workday(day)) for day in days})


def is_working_day(day: date) -> bool:
    """Return whether `day` is worked in mainland China.

    Raises `HolidaysUnknownError` for a year that is not known. An instant is a `TypeError`: which
    day it falls on depends on a time zone that only the caller knows.
    """
    if isinstance(day, datetime):
        raise TypeError(f"{day!r} is an instant, not a day")
    return _days_of(day.year)[day]


def calendar_days(year: int) -> list[tuple[date, bool]]:
    """Return every day of `year` in order, each with whether it is a working day."""
    return list(_days_of(year).items())


def add_working_days(day: date, n: int) -> date:
    """Return the `n`-th working day after `day`; with `n` = 0 `day` itself or the next one.

    The first day is not counted and a last day on a holiday rolls forward (Civil Code 201, 203).
    This is the reference that the calendar table's look-up is tested against.
    """
    if n < 0:
        raise ValueError(f"{n} working days lie in the past")
    while n > 0:
        day += _DAY
        n -= is_working_day(day)
    while not is_working_day(day):
        day += _DAY
    return day


def last_working_day_on_or_before(day: date) -> date:
    """Return `day` if it is worked, else the last working day before it."""
    while not is_working_day(day):
        day -= _DAY
    return day
