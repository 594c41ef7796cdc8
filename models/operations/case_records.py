"""One record a case with all that the county's summary table (推荐汇总表) holds.

Each table is read once for all cases, however many there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlmodel import Session, col, func, select

from models.forms.application import SubmitForm
from models.operations.worklists import CaseRow
from models.rules.clock import day_of
from models.rules.stages import Stage
from models.tables.case import Answer, Case, WorkItem
from models.tables.party import Contact, Party
from models.tables.records import (
    AcceptanceReview,
    Assessment,
    Award,
    Contract,
    Expenditure,
    Grade,
    Payment,
)

_Row = TypeVar("_Row", Assessment, Contract, Grade, Award, Payment, AcceptanceReview)


@dataclass(frozen=True, kw_only=True)
class CaseRecord:
    """What is known of one case; what has not come about yet is None."""

    row: CaseRow
    enterprise: Party
    contact: Contact | None
    application: SubmitForm | None
    provider: str
    assessor: str
    contract: Contract | None
    #: The day on which the enterprise said that the change is complete.
    implemented_on: date | None
    #: Paid, over all lines declared; and what of it was recognised.
    declared_spend: Decimal | None
    eligible_spend: Decimal | None
    review: AcceptanceReview | None
    baseline: Assessment | None
    assessment: Assessment | None
    grade: Grade | None
    award: Award | None
    payment: Payment | None
    opened_on: date
    closed_on: date | None


def case_records(session: Session, rows: Sequence[CaseRow]) -> list[CaseRecord]:
    """Return the records of the cases listed, in their order."""
    cases = {case.case_no: case for case in session.exec(select(Case))}
    parties = {party.id: party for party in session.exec(select(Party))}
    people = {
        contact.party_id: contact
        for contact in session.exec(select(Contact).where(Contact.is_primary))
    }
    assessments = _last(session, Assessment, ~col(Assessment.is_baseline))
    baselines = _last(session, Assessment, col(Assessment.is_baseline))
    contracts, grades = _last(session, Contract), _last(session, Grade)
    awards, payments = _last(session, Award, ~col(Award.is_void)), _last(session, Payment)
    reviews = _last(session, AcceptanceReview)
    spending = _spending(session)
    applications, implemented = _applications(session), _implemented(session)

    def name(party_id: int | None) -> str:
        return parties[party_id].name if party_id is not None else ""

    records = []
    for row in rows:
        case = cases[row.case_no]
        declared, eligible = spending.get(row.case_no, (None, None))
        records.append(
            CaseRecord(
                row=row,
                enterprise=parties[case.enterprise_id],
                contact=people.get(case.enterprise_id),
                application=applications.get(row.case_no),
                provider=name(case.provider_id),
                assessor=name(case.assessor_id),
                contract=contracts.get(row.case_no),
                implemented_on=implemented.get(row.case_no),
                declared_spend=declared,
                eligible_spend=eligible,
                review=reviews.get(row.case_no),
                baseline=baselines.get(row.case_no),
                assessment=assessments.get(row.case_no),
                grade=grades.get(row.case_no),
                award=awards.get(row.case_no),
                payment=payments.get(row.case_no),
                opened_on=day_of(case.opened_at),
                closed_on=day_of(case.closed_at) if case.closed_at else None,
            )
        )
    return records


def _last(session: Session, table: type[_Row], *conditions: Any) -> dict[str, _Row]:
    """Return the newest row of every case."""
    found = session.exec(select(table).where(*conditions).order_by(col(table.id)))
    return {row.case_no: row for row in found}


def _spending(session: Session) -> Mapping[str, tuple[Decimal, Decimal | None]]:
    sums = session.exec(
        select(
            Expenditure.case_no,
            func.sum(Expenditure.paid_sum),
            func.sum(Expenditure.eligible_sum),
        )
        .where(~col(Expenditure.is_replaced))
        .group_by(col(Expenditure.case_no))
    )
    return {case_no: (paid, eligible) for case_no, paid, eligible in sums}


def _applications(session: Session) -> dict[str, SubmitForm]:
    """Return the application last accepted of every case, where today's form can read it."""
    texts = session.exec(
        select(WorkItem.case_no, Answer.form)
        .join(WorkItem, col(WorkItem.id) == col(Answer.item_id))
        .where(
            WorkItem.stage == Stage.APPLICATION,
            WorkItem.step == "submit",
            Answer.is_accepted,
        )
        .order_by(col(Answer.id))
    )
    forms = {}
    for case_no, text in texts:
        try:
            forms[case_no] = SubmitForm.model_validate_json(text)
        except ValidationError:  # a form of an earlier year, with other fields
            forms.pop(case_no, None)
    return forms


def _implemented(session: Session) -> dict[str, date]:
    found = session.exec(
        select(WorkItem.case_no, WorkItem.closed_at)
        .where(WorkItem.step == "implement", WorkItem.outcome == "completed")
        .order_by(col(WorkItem.id))
    )
    return {case_no: day_of(closed_at) for case_no, closed_at in found if closed_at}
