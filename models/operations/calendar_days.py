"""The working-day calendar as a table: deadlines are look-ups."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import bindparam
from sqlalchemy import select as select_rows
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from models.rules.errors import PilotError
from models.rules.working_days import HolidaysUnknownError, calendar_days
from models.tables.programme import CalendarDay

_DAY = CalendarDay.metadata.tables["calendar_day"]
_IS_WORKDAY = select_rows(_DAY.c.is_workday).where(_DAY.c.day == bindparam("on"))


class CalendarNotLoadedError(PilotError):
    """A deadline falls where the calendar table ends."""

    def __init__(self, day: date, working_days: int) -> None:
        """Name the day counted from, and what to do."""
        self.day = day
        self.working_days = working_days
        super().__init__(
            f"无法从 {day} 起推算 {working_days} 个工作日：日历表没有载入到那一天。"
            "请运行 pilot db upgrade；如仍不行，说明该年节假日安排尚未公布"
        )


def load_years(session: Session, years: Iterable[int]) -> None:
    """Fill the calendar with `years`; years that are there already are left alone.

    The years must join on to what is loaded, so that working days are counted without a gap.
    Raises `HolidaysUnknownError` for a year whose holidays are not known.
    """
    last = session.exec(select(func.max(CalendarDay.day))).one()
    wanted = sorted(set(years))
    if last:
        wanted = list(range(last.year + 1, max(wanted, default=last.year) + 1))
    append_days(session, [each for year in wanted for each in calendar_days(year)])


def append_days(session: Session, days: Iterable[tuple[date, bool]]) -> None:
    """Append `days`, each with whether it is worked, to the calendar; they must join on to it."""
    count = session.exec(select(func.max(CalendarDay.workday_no))).one() or 0
    rows = []
    for day, is_workday in days:
        count += is_workday
        rows.append(CalendarDay(day=day, is_workday=is_workday, workday_no=count))
    session.add_all(rows)
    session.flush()


def add_working_days(session: Session, day: date, working_days: int) -> date:
    """Return the `working_days`-th working day after `day`; `day` itself is not counted.

    Raises `HolidaysUnknownError` or `CalendarNotLoadedError`; it never guesses (Civil Code
    200-203).
    """
    start, end = aliased(CalendarDay), aliased(CalendarDay)
    due = session.exec(
        select(col(end.day))
        .join(start, col(end.workday_no) == col(start.workday_no) + working_days)
        .where(col(start.day) == day, end.is_workday)
    ).first()
    if due is not None:
        return due
    raise not_loaded(session, day, working_days)


def working_days_ahead(session: Session, day: date, working_days: int) -> date:
    """Return the `working_days`-th working day after `day`, or the last day that is known."""
    start, end = aliased(CalendarDay), aliased(CalendarDay)
    reached, last = session.exec(
        select(
            select(func.min(col(end.day)))
            .join(start, col(end.workday_no) == col(start.workday_no) + working_days)
            .where(col(start.day) == day)
            .scalar_subquery(),
            func.max(CalendarDay.day),
        )
    ).one()
    return reached or max(last or day, day)


def not_loaded(session: Session, day: date, working_days: int = 0) -> PilotError:
    """Return the refusal to count `working_days` from `day`, where the calendar has no answer."""
    first, last = session.exec(select(func.min(CalendarDay.day), func.max(CalendarDay.day))).one()
    if last is None or day < first:
        return CalendarNotLoadedError(day, working_days)
    return HolidaysUnknownError(max(last.year + 1, day.year), range(first.year, last.year + 1))


def neighbouring_workdays(session: Session, day: date) -> tuple[date | None, date | None]:
    """Return the last working day on or before `day` and the first on or after it.

    None where the calendar does not reach so far.
    """
    before, after = session.exec(
        select(
            select(func.max(CalendarDay.day))
            .where(col(CalendarDay.day) <= day, col(CalendarDay.is_workday))
            .scalar_subquery(),
            select(func.min(CalendarDay.day))
            .where(col(CalendarDay.day) >= day, col(CalendarDay.is_workday))
            .scalar_subquery(),
        )
    ).one()
    return before, after


def is_workday(session: Session, day: date) -> bool:
    """Return whether people work on `day`; refused as `not_loaded` says where it is not known."""
    session.flush()  # the year may have been entered just now
    worked = session.connection().execute(_IS_WORKDAY, {"on": day}).scalar()
    if worked is None:
        raise not_loaded(session, day)
    return bool(worked)


def require_loaded(session: Session, day: date) -> None:
    """Refuse, as `not_loaded` says, unless the calendar holds `day`."""
    is_workday(session, day)


def working_days_between(session: Session, earlier: date, later: date) -> int | None:
    """Return how many working days lie after `earlier` up to `later` (negative when past).

    None where the calendar does not hold one of the days.
    """
    numbers: dict[date, int] = dict(
        session.exec(
            select(col(CalendarDay.day), col(CalendarDay.workday_no)).where(
                col(CalendarDay.day).in_([earlier, later])
            )
        ).all()
    )
    if earlier not in numbers or later not in numbers:
        return None
    return numbers[later] - numbers[earlier]
