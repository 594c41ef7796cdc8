"""A year that the library does not know, entered by an office: once, on record."""

from datetime import date, datetime

from sqlmodel import Session, col, func, select

from models.operations.audit import Deed
from models.operations.calendar_days import append_days
from models.operations.parties import party_for_role
from models.operations.register_trail import record_registration
from models.rules.errors import PilotError
from models.rules.holiday_year import HolidayYear
from models.rules.stages import Role
from models.rules.working_days import known_years
from models.tables.programme import CalendarDay, ProgrammeRow


class KnownYearError(PilotError):
    """The library knows the year; what it knows is not overwritten."""

    def __init__(self, year: int) -> None:
        """Name the year."""
        super().__init__(
            f"{year} 年的节假日安排由 chinesecalendar 提供，不能用文件覆盖；"
            "日历表缺这一年时运行 pilot db upgrade"
        )


class OtherYearError(PilotError):
    """The year was entered before, and otherwise."""

    def __init__(self, year: int, days: list[date]) -> None:
        """Name the year and some of the days that differ."""
        listed = "、".join(map(str, days[:5])) + ("等" if len(days) > 5 else "")
        super().__init__(
            f"{year} 年已经录入，与此文件有 {len(days)} 天不同（{listed}）；"
            "已有期限按录入的安排推算，不能覆盖"
        )


class GapError(PilotError):
    """Between what is loaded and the year a year is missing."""

    def __init__(self, year: int, wanted: int) -> None:
        """Name the year and the one to enter first."""
        super().__init__(f"不能录入 {year} 年：日历须逐年相接，请先录入 {wanted} 年")


def add_year(session: Session, year: HolidayYear, deed: Deed, *, at: datetime) -> bool:
    """Add `year` to the calendar, with an entry in the register's trail; False when it is there.

    Refused for a year that the library knows, for one that was entered otherwise before, and
    where a year would be left out.
    """
    # Two at once: the second waits here, and then finds the year.
    session.exec(select(ProgrammeRow.key).with_for_update(key_share=True)).all()
    if year.year in known_years():
        raise KnownYearError(year.year)
    last = session.exec(select(func.max(CalendarDay.day))).one()
    if last is not None and year.year <= last.year:
        there: dict[date, bool] = dict(
            session.exec(
                select(col(CalendarDay.day), col(CalendarDay.is_workday)).where(
                    col(CalendarDay.day) >= date(year.year, 1, 1),
                    col(CalendarDay.day) <= date(year.year, 12, 31),
                )
            ).all()
        )
        if other := [day for day, is_worked in year.days() if there.get(day) != is_worked]:
            raise OtherYearError(year.year, other)
        return False
    if last is not None and year.year != last.year + 1:
        raise GapError(year.year, last.year + 1)
    append_days(session, year.days())
    record_registration(
        session,
        deed,
        party_for_role(session, Role.CITY_BUREAU),
        before={},
        after={
            "calendar_year": year.year,
            "source": year.source,
            "days_off": sorted(map(str, year.days_off)),
            "make_up_days": sorted(map(str, year.make_up_days)),
        },
        at=at,
    )
    return True
