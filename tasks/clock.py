"""What time it is for the programme: the wall's, a demonstration's day, or `PILOT_TODAY`.

`PILOT_TODAY` is a day, on which the wall's time of day goes on, or an instant that stands still
(`2024-03-25T10:00`, Shanghai time), as a replay sets it.
"""

import os
from datetime import date, datetime
from functools import cache

from pydantic import TypeAdapter, ValidationError

from models.policy import Programme
from models.rules.clock import SHANGHAI, day_of
from models.rules.errors import PilotError
from models.tables.programme import ProgrammeRow


class TodayError(PilotError):
    """`PILOT_TODAY` is no day."""

    def __init__(self) -> None:
        """Say what it should look like."""
        super().__init__("环境变量 PILOT_TODAY 应为日期，例如 2024-03-25")


#: The day, or the instant, to which the whole system is moved, for trials and replays.
_MOVED_TO: TypeAdapter[date | datetime] = TypeAdapter(date | datetime)


@cache
def _given(text: str | None) -> tuple[date | None, datetime | None]:
    """Return the day and, if one is given, the instant that the variable's `text` names."""
    if not text:
        return None, None
    try:
        today = _MOVED_TO.validate_python(text)
    except ValidationError:
        raise TodayError from None
    if not isinstance(today, datetime):
        return today, None
    at = today if today.tzinfo else today.replace(tzinfo=SHANGHAI)
    return day_of(at), at


def moved_to(programme: ProgrammeRow | None) -> date | None:
    """Return the day the system is moved to: `PILOT_TODAY`, else a demonstration's own day."""
    today, _ = _given(os.environ.get("PILOT_TODAY"))
    if today is None and programme is not None:
        return programme.demonstration_today
    return today


def programme_now(programme: ProgrammeRow | None) -> datetime:
    """Return the programme's instant, aware: today's or the moved day, at the wall's time of day.

    Read once, in the flow or the command; everything below takes it as `at` or `today`.
    """
    _, at = _given(os.environ.get("PILOT_TODAY"))
    if at is not None:
        return at
    wall = datetime.now(SHANGHAI)
    day = moved_to(programme)
    return wall if day is None else datetime.combine(day, wall.timetz())


def trial_note(programme: ProgrammeRow | None) -> str | None:
    """Return what every page and mail must say when this is not the real thing."""
    notes = []
    if programme is not None and programme.is_demonstration:
        notes.append("演示数据")
    if day := moved_to(programme):
        notes.append(f"系统日期 {day}")
    return " · ".join(notes) or None


def lapse_note(programme: Programme, today: date) -> str | None:
    """Return what every board says once the document has lapsed (plan, last paragraph)."""
    if not programme.has_lapsed(today):
        return None
    return (
        f"{programme.document_no} 已于 {programme.ends_on} 期满失效："
        "不再受理新的申报，未办结案卷待收尾"
    )
