"""What has come of a replay, read from the database it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, func, select

from deployments.replay import figures
from deployments.replay.figures import (
    BatchMoney,
    CaseFigure,
    MailFigure,
    MilestoneFigure,
    RoleDays,
)
from deployments.replay.properties import breaches
from deployments.replay.state import digest
from deployments.replay.wanted import Wanted
from models.operations.audit import verify
from models.policy import Programme
from models.tables.audit import AuditSeal
from models.tables.case import Answer
from models.tables.records import PublicNotice


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
    milestones: Sequence[MilestoneFigure]
    cases: Sequence[CaseFigure]
    days: Sequence[RoleDays]
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
        milestones=figures.milestones(session, programme, wanted.last),
        cases=figures.cases(session),
        days=figures.days(session, wanted.last),
        mails=figures.mails(session),
        money=figures.money(session),
        audit_entries=entries,
        breaches=breaches(session, programme),
        digest=digest(session),
    )


def _count(session: Session, table: type[AuditSeal | PublicNotice]) -> int:
    return session.exec(select(func.count()).select_from(table)).one()
