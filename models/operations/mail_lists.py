"""The outbox to look at: which mail went to whom, and how it fared. Nothing is changed."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, exists, func, or_, select

from models.rules.errors import PilotError
from models.rules.mail import MailOutcome, MailState
from models.tables.mail import MailAttempt, OutboxMail, machine_now


class UnknownMailNumberError(PilotError):
    """There is no such mail."""

    def __init__(self, mail_id: int) -> None:
        """Name the number asked for."""
        super().__init__(f"没有编号为 {mail_id} 的邮件；可用 pilot mail list 查看")


@dataclass(frozen=True, kw_only=True)
class MailHealth:
    """How many mails failed for good, and how many wait since when."""

    failed: int
    waiting: int
    #: Machine time.
    oldest_waiting: datetime | None


def mails(
    session: Session,
    *,
    case_no: str | None = None,
    state: MailState | None = None,
    to: str | None = None,
) -> list[tuple[OutboxMail, bool]]:
    """Return the mails, the newest first, and of each whether this machine's mailbox took it.

    `to` is looked for in address, name and party.
    """
    is_caught = exists().where(
        col(MailAttempt.mail_id) == col(OutboxMail.id),
        col(MailAttempt.outcome) == MailOutcome.ACCEPTED,
        col(MailAttempt.is_caught),
    )
    wanted = select(OutboxMail, is_caught).order_by(col(OutboxMail.id).desc())
    if case_no is not None:
        wanted = wanted.where(OutboxMail.case_no == case_no)
    if state is not None:
        wanted = wanted.where(OutboxMail.state == state)
    if to is not None:
        wanted = wanted.where(
            or_(
                col(OutboxMail.to_address).icontains(to, autoescape=True),
                col(OutboxMail.to_name).icontains(to, autoescape=True),
                col(OutboxMail.to_party).icontains(to, autoescape=True),
            )
        )
    return [(mail, caught) for mail, caught in session.exec(wanted)]


def mail_numbered(session: Session, mail_id: int) -> tuple[OutboxMail, list[MailAttempt]]:
    """Return a mail and every try to send it, or raise `UnknownMailNumberError`."""
    mail = session.get(OutboxMail, mail_id)
    if mail is None:
        raise UnknownMailNumberError(mail_id)
    attempts = session.exec(
        select(MailAttempt).where(MailAttempt.mail_id == mail_id).order_by(col(MailAttempt.id))
    )
    return mail, list(attempts)


def mail_health(session: Session) -> MailHealth:
    """Return what `pilot doctor` has to know of the outbox."""
    counts = {
        state: (count, oldest)
        for state, count, oldest in session.exec(
            select(OutboxMail.state, func.count(), func.min(OutboxMail.entered_at))
            .where(
                col(OutboxMail.state).not_in((MailState.SENT, MailState.CANCELLED)),
                # The next contact or a call has taken its place.
                col(OutboxMail.passed_on_at).is_(None),
                # What is held back for the sending hours waits by right.
                (col(OutboxMail.attempts) > 0) | (col(OutboxMail.next_try_at) <= machine_now()),
            )
            .group_by(col(OutboxMail.state))
        )
    }
    waiting = [counts[s] for s in (MailState.QUEUED, MailState.SENDING) if s in counts]
    return MailHealth(
        failed=counts.get(MailState.FAILED, (0, None))[0],
        waiting=sum(count for count, _ in waiting),
        oldest_waiting=min((oldest for _, oldest in waiting), default=None),
    )


def waiting_mails(session: Session) -> int:
    """Return how many mails wait for a dispatcher."""
    waiting = col(OutboxMail.state).in_((MailState.QUEUED, MailState.SENDING))
    return session.exec(select(func.count()).select_from(OutboxMail).where(waiting)).one()
