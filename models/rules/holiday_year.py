"""A year's holidays and make-up days as an office enters them, checked for slips of the pen."""

import csv
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from models.rules.errors import PilotError

#: Statutory holidays on fixed days of the Gregorian calendar: a list without them is not whole.
_ALWAYS_OFF = ((1, 1, "元旦"), (5, 1, "劳动节"), (10, 1, "国庆节"))
_OFF, _WORKED = ("休", "休息", "放假"), ("班", "上班", "调休上班")
_SATURDAY = 5


class HolidayFileError(PilotError):
    """The file cannot be used; nothing of it has been taken."""

    def __init__(self, *problems: str) -> None:
        """List everything that is wrong."""
        self.problems = problems
        super().__init__("节假日文件不可用，未改变任何内容：" + "；".join(problems))


@dataclass(frozen=True, kw_only=True)
class HolidayYear:
    """A year: the days on which nobody works, weekends aside, and the weekend days that are worked.

    Days off that fall on a weekend may be listed: the notices name holidays from day to day.
    """

    year: int
    #: The notice it rests on.
    source: str
    days_off: frozenset[date]
    make_up_days: frozenset[date]

    def days(self) -> list[tuple[date, bool]]:
        """Return every day of the year in order, each with whether it is a working day."""
        first, last = date(self.year, 1, 1), date(self.year, 12, 31)
        every = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return [
            (
                day,
                day in self.make_up_days
                or (day.weekday() < _SATURDAY and day not in self.days_off),
            )
            for day in every
        ]


def checked_year(
    year: int, source: str, days_off: Sequence[date], make_up_days: Sequence[date]
) -> HolidayYear:
    """Return the year, or raise `HolidayFileError` with everything that cannot be right."""
    problems = [] if source.strip() else ["没有写明依据（source），例如国务院办公厅通知的文号"]
    listed = [*days_off, *make_up_days]
    problems += [f"{day} 不在 {year} 年" for day in listed if day.year != year]
    problems += [f"{day} 重复" for day in sorted({d for d in listed if listed.count(d) > 1})]
    problems += [
        f"{day} 是{_weekday(day)}，本来就上班，不是调休上班日"
        for day in make_up_days
        if day.weekday() < _SATURDAY
    ]
    off = frozenset(days_off)
    problems += [
        f"缺少{name} {day}"
        for day, name in ((date(year, month, d), name) for month, d, name in _ALWAYS_OFF)
        if day not in off
    ]
    if problems:
        raise HolidayFileError(*problems)
    return HolidayYear(
        year=year, source=source.strip(), days_off=off, make_up_days=frozenset(make_up_days)
    )


def read_holiday_toml(text: str) -> HolidayYear:
    """Return the year in a TOML file: `year`, `source`, `days_off`, `make_up_days`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise HolidayFileError(f"不是有效的 TOML（{error}）") from error
    problems = [
        f"没有 {key} 这一项（拼写有误？）"
        for key in tables.keys() - {"year", "source", "days_off", "make_up_days"}
    ]
    problems += [f"缺少 {key}" for key in ("year", "source", "days_off") if key not in tables]
    year = tables.get("year", 0)
    if not isinstance(year, int) or not 1 <= year <= date.max.year:
        problems.append("year 应为年份，例如 2027")
    lists = {key: tables.get(key, []) for key in ("days_off", "make_up_days")}
    for key, days in lists.items():
        if not isinstance(days, list) or any(type(day) is not date for day in days):
            problems.append(f"{key} 应为日期的列表，例如 [2027-01-01, 2027-01-02]")
    if problems:
        raise HolidayFileError(*problems)
    return checked_year(year, str(tables["source"]), lists["days_off"], lists["make_up_days"])


def read_holiday_csv(lines: Iterable[str], source: str) -> HolidayYear:
    """Return the year in a CSV file: a day and 休 or 班 in each line, below a heading or not."""
    days: dict[str, list[date]] = {"off": [], "worked": []}
    problems = []
    for number, row in enumerate(csv.reader(lines), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and cells[0] in ("日期", "date")):
            continue
        kind = cells[1] if len(cells) > 1 else ""
        try:
            day = _day(cells[0])
        except ValueError:
            problems.append(f"第 {number} 行“{cells[0]}”不是日期，应形如 2027-01-01")
            continue
        if kind in _OFF:
            days["off"].append(day)
        elif kind in _WORKED:
            days["worked"].append(day)
        else:
            problems.append(f"第 {number} 行“{kind}”应为“休”或“班”")
    if not problems and not days["off"]:
        problems.append("文件里没有休息日")
    if problems:
        raise HolidayFileError(*problems)
    return checked_year(days["off"][0].year, source, days["off"], days["worked"])


def _day(cell: str) -> date:
    """Return the day; 2027/1/1 is what Excel makes of 2027-01-01 when it saves a CSV."""
    year, month, day = cell.replace("/", "-").split("-")
    return date(int(year), int(month), int(day))


def _weekday(day: date) -> str:
    return f"星期{'一二三四五六日'[day.weekday()]}"
