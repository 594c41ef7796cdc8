"""What an answer is given in: the case, its item, who answers, and the day."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from models.lifecycle import Step
from models.policy import Programme
from models.rules.errors import PilotError
from models.tables.case import Case, WorkItem
from models.tables.party import Party


@dataclass(frozen=True, kw_only=True)
class Answering:
    """Everything an effect may look at; `today` is the programme's day at `at`."""

    session: Session
    programme: Programme
    case: Case
    item: WorkItem
    step: Step
    enterprise: Party
    handler: str
    at: datetime
    today: date

    @property
    def item_id(self) -> int:
        """The item's number; it is in the database already."""
        assert self.item.id is not None  # noqa: S101
        return self.item.id


class FutureDayError(PilotError):
    """Something is said to have happened on a day that has not come."""

    def __init__(self, what: str, day: date, today: date) -> None:
        """Name what, and both days."""
        self.day = day
        self.today = today
        super().__init__(f"{what} {day} 晚于今天（{today}），请核对")


def require_not_future(what: str, day: date, today: date) -> None:
    """Raise `FutureDayError` if `day` is still to come."""
    if day > today:
        raise FutureDayError(what, day, today)
