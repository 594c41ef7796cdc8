"""When a mail that is queued now may go out. The clock process imports this: no Prefect here."""

from datetime import datetime
from functools import partial

from sqlmodel import Session

from models.operations.calendar_days import CalendarNotLoadedError, is_workday
from models.policy import Programme
from models.rules.sending_hours import next_sending_time
from models.rules.working_days import HolidaysUnknownError
from models.tables.programme import ProgrammeRow
from notifications.contexts import MailContext
from tasks.clock import moved_to


def not_before(
    session: Session,
    kind: type[MailContext],
    programme: Programme,
    row: ProgrammeRow,
    *,
    now: datetime,
) -> datetime | None:
    """Return the machine time to which a mail of this `kind` is held back; None for at once.

    Urgent mails are never held back, nor is anything while the system stands on another day
    (`PILOT_TODAY`, a demonstration): whoever looks on then waits for the mail, and the machine's
    hours mean nothing to the programme's day. Days are those of the calendar that deadlines are
    counted by, an office's own years included; in a year that it lacks a mail goes at once: at
    night is better than never.
    """
    if kind.is_urgent or moved_to(row) is not None:
        return None
    try:
        return next_sending_time(now, programme.sending_hours, partial(is_workday, session))
    except (HolidaysUnknownError, CalendarNotLoadedError):
        return None
