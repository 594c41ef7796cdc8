"""Whose working days have gone by: for each case, by who was waited for."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, func, select, type_coerce, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.functions import GenericFunction
from sqlmodel import Session, col

from models.operations.calendar_days import require_loaded
from models.rules.errors import PilotError
from models.rules.stages import Role
from models.tables.case import WorkItem
from models.tables.columns import ChoiceText
from models.tables.deadline import ClockStop
from models.tables.party import Party
from models.tables.programme import CalendarDay

_From, _Until = aliased(CalendarDay), aliased(CalendarDay)

#: How the roles are summed up, in the order in which they are named.
_GROUPS = (
    ("企业", (Role.ENTERPRISE,)),
    ("服务商", (Role.PROVIDER,)),
    ("机构", (Role.ASSESSOR,)),
    ("主管部门", (Role.COUNTY_BUREAU, Role.CITY_BUREAU, Role.FINANCE_BUREAU)),
    ("公示", (Role.SYSTEM,)),
)


class _ShanghaiDay(GenericFunction[date]):
    """The day in Shanghai, which has no summer time, of an instant in the database."""

    name = "shanghai_day"
    type = Date()
    inherit_cache = True


@compiles(_ShanghaiDay, "sqlite")
def _in_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"date({compiler.process(element.clauses, **options)}, '+8 hours')"


@compiles(_ShanghaiDay, "postgresql")
def _in_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return (
        f"CAST({compiler.process(element.clauses, **options)} AT TIME ZONE 'Asia/Shanghai' AS date)"
    )


def days_by_role(
    session: Session, today: date, case_nos: Collection[str] | None = None
) -> dict[str, dict[Role, int]]:
    """Return, for each case, the working days spent on each role up to `today`, by one query.

    The first day of an item is not counted and its last one is. While a clock stood still, its
    days are those of who was waited for. `case_nos` None means all; a case without items, or a
    role without days, is left out. Refused, as `not_loaded` says, where `today` is not known.
    """
    require_loaded(session, today)
    spent = union_all(_of_items(today, case_nos), *_of_stops(today, case_nos)).subquery("spent")
    days: dict[str, dict[Role, int]] = {}
    for case_no, role, count in session.execute(
        select(spent.c.case_no, spent.c.role, func.sum(spent.c.days))
        .group_by(spent.c.case_no, spent.c.role)
        .order_by(spent.c.case_no)
    ):
        if count:
            days.setdefault(case_no, {})[role] = int(count)
    return days


def days_in_words(days: Mapping[Role, int]) -> str:
    """Return 企业 6，服务商 11，机构 3，主管部门 1; bureaus together, who had no days left out."""
    sums = ((name, sum(days.get(role, 0) for role in roles)) for name, roles in _GROUPS)
    return "，".join(f"{name} {count}" for name, count in sums if count)


def used_in_words(session: Session, today: date, case_no: str) -> str:
    """Return `days_in_words` of one case; where days cannot be counted, why."""
    try:
        days = days_by_role(session, today, {case_no})
    except PilotError as refusal:
        return str(refusal)
    return days_in_words(days.get(case_no, {})) or "—"


def _closed_on() -> ColumnElement[date]:
    day: ColumnElement[date] = _ShanghaiDay(col(WorkItem.closed_at))
    return day


def _of_items(today: date, case_nos: Collection[str] | None) -> Select[Any]:
    return _among(
        select(
            col(WorkItem.case_no).label("case_no"),
            type_coerce(col(Party.role), ChoiceText(Role)).label("role"),
            (col(_Until.workday_no) - col(_From.workday_no)).label("days"),
        )
        .select_from(WorkItem)
        .join(Party, col(Party.id) == col(WorkItem.party_id))
        .join(_From, col(_From.day) == col(WorkItem.opened_on))
        .join(_Until, col(_Until.day) == func.coalesce(_closed_on(), today)),
        case_nos,
    )


def _of_stops(today: date, case_nos: Collection[str] | None) -> list[Select[Any]]:
    """Return the days of each stop twice: off who is asked, on to who was waited for."""
    days = col(_Until.workday_no) - col(_From.workday_no)
    over = func.coalesce(col(ClockStop.restarted_on), _closed_on(), today)
    sides: list[Select[Any]] = []
    for role, count in ((col(Party.role), -days), (col(ClockStop.waits_for), days)):
        counted: Select[Any] = (
            select(
                col(WorkItem.case_no).label("case_no"),
                type_coerce(role, ChoiceText(Role)).label("role"),
                count.label("days"),
            )
            .select_from(ClockStop)
            .join(WorkItem, col(WorkItem.id) == col(ClockStop.item_id))
            .join(Party, col(Party.id) == col(WorkItem.party_id))
            .join(_From, col(_From.day) == col(ClockStop.stopped_on))
            .join(_Until, col(_Until.day) == over)
        )
        sides.append(_among(counted, case_nos))
    return sides


def _among(wanted: Select[Any], case_nos: Collection[str] | None) -> Select[Any]:
    return wanted if case_nos is None else wanted.where(col(WorkItem.case_no).in_(case_nos))
