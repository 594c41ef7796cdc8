"""The programme's days: what day it is in Shanghai at an instant."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def day_of(at: datetime) -> date:
    """Return the programme's day at the aware instant `at`."""
    return at.astimezone(SHANGHAI).date()
