"""What an answer is given in: the case, its item, who answers, and the day."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, update
from sqlmodel import Session

from models.lifecycle import Step
from models.operations.case_in_hand import AskedItem, CaseInHand
from models.operations.parties import Applicant
from models.policy import Programme
from models.rules.errors import PilotError
from models.tables.case import Case

_CASE = Case.metadata.tables["case_file"]
_THE_CASE = update(_CASE).where(_CASE.c.case_no == bindparam("case"))
_GIVE_PROVIDER = _THE_CASE.values(provider_id=bindparam("party"))
_GIVE_ASSESSOR = _THE_CASE.values(assessor_id=bindparam("party"))


@dataclass(frozen=True, kw_only=True)
class Answering:
    """Everything an effect may look at; `today` is the programme's day at `at`."""

    session: Session
    programme: Programme
    case: CaseInHand
    item: AskedItem
    step: Step
    enterprise: Applicant
    handler: str
    at: datetime
    today: date

    def give_provider(self, party_id: int) -> None:
        """Make the party the case's provider, if it is not so already."""
        if self.case.provider_id == party_id:
            return
        self.case.provider_id = party_id
        given = {"case": self.case.case_no, "party": party_id}
        self.session.connection().execute(_GIVE_PROVIDER, given)

    def give_assessor(self, party_id: int) -> None:
        """Make the party the case's assessor."""
        self.case.assessor_id = party_id
        given = {"case": self.case.case_no, "party": party_id}
        self.session.connection().execute(_GIVE_ASSESSOR, given)


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
