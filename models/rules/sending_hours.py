"""When mail that is not urgent may go out: on working days, between two times of day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from models.rules.clock import SHANGHAI

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class SendingHours:
    """From `starts_at` until before `ends_at`, in Shanghai."""

    starts_at: time
    ends_at: time
    working_days_only: bool

    def __post_init__(self) -> None:
        """Refuse hours that never come."""
        if self.starts_at >= self.ends_at:
            raise ValueError(f"starts at {self.starts_at}, ends at {self.ends_at}")


def next_sending_time(
    at: datetime, hours: SendingHours, is_workday: Callable[[date], bool]
) -> datetime:
    """Return `at` where mail may go out then, else the next instant at which it may.

    Raises what `is_workday` raises of a day whose holidays it does not know; it never guesses.
    """
    day = at.astimezone(SHANGHAI).date()
    while True:
        if not hours.working_days_only or is_workday(day):
            opens = datetime.combine(day, hours.starts_at, SHANGHAI)
            if at < opens:
                return opens
            if at < datetime.combine(day, hours.ends_at, SHANGHAI):
                return at
        day += _DAY
