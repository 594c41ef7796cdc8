"""The figures of a replay: milestones, cases, whose days, mails, money; read from its database."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlmodel import Session, col, select

from models.operations.milestones import progress
from models.operations.working_time import days_by_role
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.mail import MailState
from models.rules.milestones import MilestoneState
from models.rules.stages import CaseStatus, Role, Stage
from models.tables.case import Case, WorkItem
from models.tables.mail import OutboxMail
from models.tables.party import Party
from models.tables.programme import Batch
from models.tables.records import Award, Expenditure, Payment

#: Zero with two decimals, so that a sum of nothing is written like any other.
_NOTHING: Final = Decimal("0.00")


@dataclass(frozen=True, kw_only=True)
class MilestoneFigure:
    """How a milestone, or a target of the programme, stands at the end."""

    key: str
    name: str
    ends_on: date
    target: str
    #: What was counted of it; None where only evidence tells.
    value: int | None
    done_on: date | None
    state: MilestoneState


@dataclass(frozen=True, kw_only=True)
class RoleDays:
    """The working days that matters lay with one kind of party."""

    role: Role
    items: int
    working_days: int
    #: How many of the items were answered, or are still open, after they were due.
    overdue: int


@dataclass(frozen=True, kw_only=True)
class MailFigure:
    """What became of the mails of one kind."""

    kind: str
    queued: int
    sent: int
    #: Nobody reads the address: the next contact was written to, or is to be called.
    failed: int
    #: All that it reminds of was settled before it went out.
    cancelled: int


@dataclass(frozen=True, kw_only=True)
class CaseFigure:
    """How many cases of a batch stand like this at the end."""

    batch: int
    status: CaseStatus
    #: Where those that are still on their way stand; None for those that have ended.
    stage: Stage | None
    cases: int


@dataclass(frozen=True, kw_only=True)
class BatchMoney:
    """The money of one batch, in yuan, to the fen."""

    batch: int
    #: Paid by enterprises on invoices, as declared; and what of it was recognised.
    declared: Decimal
    recognised: Decimal
    awards: int
    ceilings: Decimal
    granted: Decimal
    payments: int
    paid: Decimal


def milestones(session: Session, programme: Programme, last: date) -> list[MilestoneFigure]:
    """Return how every milestone and target stands at the end of `last`."""
    return [
        MilestoneFigure(
            key=each.key,
            name=programme.progress[each.key].short,
            ends_on=each.ends_on,
            target=each.target_text,
            value=each.value,
            done_on=each.done_on,
            state=each.state,
        )
        for each in progress(session, programme, last)
    ]


def days(session: Session, last: date) -> list[RoleDays]:
    """Return whose working days have gone by, up to `last` for what is still open."""
    overdue: dict[Role, list[bool]] = {}
    for item, party in session.exec(
        select(WorkItem, Party).join(Party, col(Party.id) == col(WorkItem.party_id))
    ):
        closed_on = day_of(item.closed_at) if item.closed_at else last
        # A notice runs to its last day, and is ended on the next one.
        due_on = None if party.role is Role.SYSTEM else item.due_on
        is_overdue = due_on is not None and closed_on > due_on
        overdue.setdefault(party.role, []).append(is_overdue)
    spent = Counter[Role]()
    for of_case in days_by_role(session, last).values():
        spent.update(of_case)
    return [
        RoleDays(
            role=role,
            items=len(overdue[role]),
            working_days=spent[role],
            overdue=sum(overdue[role]),
        )
        for role in Role
        if role in overdue
    ]


def cases(session: Session) -> list[CaseFigure]:
    """Return how many cases of each batch ended how, or stand where."""
    counted = Counter(
        (batch.number, case.status, case.stage if case.status is CaseStatus.ACTIVE else None)
        for case, batch in session.exec(
            select(Case, Batch).join(Batch, col(Batch.id) == col(Case.batch_id))
        )
    )
    statuses, stages = list(CaseStatus), [None, *Stage]
    return [
        CaseFigure(batch=batch, status=status, stage=stage, cases=number)
        for (batch, status, stage), number in sorted(
            counted.items(),
            key=lambda each: (each[0][0], statuses.index(each[0][1]), stages.index(each[0][2])),
        )
    ]


def mails(session: Session) -> list[MailFigure]:
    """Return what became of the mails, kind by kind."""
    counted: dict[str, Counter[str]] = {}
    for kind, state in session.exec(select(OutboxMail.template, OutboxMail.state)):
        counted.setdefault(kind, Counter())[state] += 1
    return [
        MailFigure(
            kind=kind,
            queued=states.total(),
            sent=states[MailState.SENT],
            failed=states[MailState.FAILED],
            cancelled=states[MailState.CANCELLED],
        )
        for kind, states in sorted(counted.items())
    ]


def money(session: Session) -> list[BatchMoney]:
    """Return the money of every batch."""
    batches = session.exec(select(Batch).order_by(col(Batch.number))).all()
    return [_money_of(session, batch) for batch in batches]


def _money_of(session: Session, batch: Batch) -> BatchMoney:
    lines = session.exec(
        select(Expenditure)
        .join(Case, col(Case.case_no) == col(Expenditure.case_no))
        .where(Case.batch_id == batch.id, ~col(Expenditure.is_replaced))
    ).all()
    awards = session.exec(
        select(Award)
        .join(Case, col(Case.case_no) == col(Award.case_no))
        .where(Case.batch_id == batch.id, ~col(Award.is_void), Award.approved_by != "")
    ).all()
    payments = session.exec(
        select(Payment)
        .join(Case, col(Case.case_no) == col(Payment.case_no))
        .where(Case.batch_id == batch.id)
    ).all()
    return BatchMoney(
        batch=batch.number,
        declared=sum((line.paid_sum for line in lines), _NOTHING),
        recognised=sum((line.eligible_sum or _NOTHING for line in lines), _NOTHING),
        awards=len(awards),
        ceilings=sum((award.ceiling for award in awards), _NOTHING),
        granted=sum((award.amount for award in awards), _NOTHING),
        payments=len(payments),
        paid=sum((payment.amount for payment in payments), _NOTHING),
    )
