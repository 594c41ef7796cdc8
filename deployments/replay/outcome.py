"""What has come of a replay, read from the database it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlmodel import Session, col, func, select

from deployments.replay.course import Wanted
from deployments.replay.properties import breaches
from deployments.replay.state import digest
from models.operations.audit import verify
from models.policy import Programme
from models.rules.mail import MailState
from models.rules.stages import CaseStatus, Stage
from models.tables.audit import AuditSeal
from models.tables.case import Answer, Case
from models.tables.mail import OutboxMail
from models.tables.programme import Batch
from models.tables.records import Award, Expenditure, Payment, PublicNotice


@dataclass(frozen=True, kw_only=True)
class MailFigure:
    """What became of the mails of one kind."""

    kind: str
    queued: int
    sent: int
    #: Nobody reads the address: the next contact was written to, or is to be called.
    failed: int


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


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The whole; the same for the same seed, byte for byte, on every machine."""

    seed: int
    enterprises: int
    first: date
    last: date
    policy_version: str
    sealed_days: int
    answers: int
    notices: int
    cases: Sequence[CaseFigure]
    mails: Sequence[MailFigure]
    money: Sequence[BatchMoney]
    audit_entries: int
    #: What the audit trail and the other properties of every replay find amiss.
    breaches: Sequence[str]
    #: Over every row of the database but for machine times and flow runs (`state.py`).
    digest: str

    @property
    def is_sound(self) -> bool:
        """Whether all holds that must hold."""
        return not self.breaches


def outcome_of(session: Session, wanted: Wanted, programme: Programme) -> Outcome:
    """Return what has come of it."""
    entries, _ = verify(session)
    return Outcome(
        seed=wanted.seed,
        enterprises=wanted.enterprises,
        first=wanted.first,
        last=wanted.last,
        policy_version=programme.version,
        sealed_days=_count(session, AuditSeal),
        answers=session.exec(
            select(func.count()).select_from(Answer).where(Answer.is_accepted)
        ).one(),
        notices=_count(session, PublicNotice),
        cases=_cases(session),
        mails=_mails(session),
        money=_money(session),
        audit_entries=entries,
        breaches=breaches(session, programme),
        digest=digest(session),
    )


def _count(session: Session, table: type[AuditSeal | PublicNotice]) -> int:
    return session.exec(select(func.count()).select_from(table)).one()


def _cases(session: Session) -> list[CaseFigure]:
    counted: dict[tuple[int, CaseStatus, Stage | None], int] = {}
    for batch, status, stage, cases in session.exec(
        select(Batch.number, Case.status, Case.stage, func.count())
        .join(Batch, col(Batch.id) == col(Case.batch_id))
        .group_by(col(Batch.number), col(Case.status), col(Case.stage))
    ):
        key = (batch, status, stage if status is CaseStatus.ACTIVE else None)
        counted[key] = counted.get(key, 0) + cases
    order = {member: place for place, member in enumerate([*CaseStatus, *Stage])}
    return [
        CaseFigure(batch=batch, status=status, stage=stage, cases=cases)
        for (batch, status, stage), cases in sorted(
            counted.items(),
            key=lambda each: (each[0][0], order[each[0][1]], order.get(each[0][2], 0)),
        )
    ]


def _mails(session: Session) -> list[MailFigure]:
    counted: dict[str, dict[MailState, int]] = {}
    for kind, state, mails in session.exec(
        select(OutboxMail.template, OutboxMail.state, func.count()).group_by(
            col(OutboxMail.template), col(OutboxMail.state)
        )
    ):
        counted.setdefault(kind, {})[state] = mails
    return [
        MailFigure(
            kind=kind,
            queued=sum(states.values()),
            sent=states.get(MailState.SENT, 0),
            failed=states.get(MailState.FAILED, 0),
        )
        for kind, states in sorted(counted.items())
    ]


def _money(session: Session) -> list[BatchMoney]:
    batches = session.exec(select(Batch).order_by(col(Batch.number))).all()
    return [_money_of(session, batch) for batch in batches]


def _money_of(session: Session, batch: Batch) -> BatchMoney:
    lines = session.exec(
        select(Expenditure.paid_sum, Expenditure.eligible_sum)
        .join(Case, col(Case.case_no) == col(Expenditure.case_no))
        .where(Case.batch_id == batch.id, ~col(Expenditure.is_replaced))
    ).all()
    awards = session.exec(
        select(Award.ceiling, Award.amount)
        .join(Case, col(Case.case_no) == col(Award.case_no))
        .where(Case.batch_id == batch.id, ~col(Award.is_void), Award.approved_by != "")
    ).all()
    payments = session.exec(
        select(Payment.amount)
        .join(Case, col(Case.case_no) == col(Payment.case_no))
        .where(Case.batch_id == batch.id)
    ).all()
    return BatchMoney(
        batch=batch.number,
        declared=sum((paid for paid, _ in lines), _NOTHING),
        recognised=sum((eligible or _NOTHING for _, eligible in lines), _NOTHING),
        awards=len(awards),
        ceilings=sum((ceiling for ceiling, _ in awards), _NOTHING),
        granted=sum((amount for _, amount in awards), _NOTHING),
        payments=len(payments),
        paid=sum(payments, _NOTHING),
    )


#: Zero with two decimals, so that a sum of nothing is written like any other.
_NOTHING = Decimal("0.00")
