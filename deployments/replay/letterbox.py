"""The end of every mail: the outbox's own states, with a letterbox where the mail server would be.

Leases and retries run on the machine's time here as everywhere (`models.tables.mail.machine_now`);
on which of the programme's days a mail went out is when it was queued. The words are written as the
dispatcher writes them; the message around them, five times the work, would be read by nobody.
"""

from datetime import timedelta
from typing import Final

from sqlmodel import Session

from deployments.replay.cast import DEAD
from models.operations import outbox, reach
from models.operations.outbox import ClaimedMail, TakenMail
from models.operations.reminder_mails import write_reminders
from models.operations.settled_matters import drop_settled
from models.rules.mail import Attempt, MailOutcome
from models.tables.mail import machine_now
from notifications.contexts import read_context
from notifications.render import render
from tasks.database import transaction

_OWNER: Final = "replay"
_DOMAIN: Final = "huangshi.example.com"
_AT_ONCE: Final = 500
_LEASE: Final = timedelta(minutes=5)

_TAKEN = Attempt(
    outcome=MailOutcome.ACCEPTED,
    code=250,
    server=_OWNER,
    reason="已送达（重放）",
    detail="250 2.0.0 Ok",
    is_caught=True,
)
_NOBODY = Attempt(
    outcome=MailOutcome.REFUSED,
    code=550,
    server=_OWNER,
    reason="对方服务器答复：没有这个邮箱（550）",
    detail="550 5.1.1 no such user",
    is_address_dead=True,
)


def empty_outbox() -> None:
    """Send all that waits, also what takes the place of mails that came back.

    Each round is one transaction: nobody is killed here, and what was not sent is sent again.
    """
    claimed = True
    while claimed:
        with transaction() as session:
            claimed = _send(session)


def _send(session: Session) -> bool:
    """Take what waits as a server would; False where nothing did."""
    claimed = outbox.claim(
        session,
        owner=_OWNER,
        limit=_AT_ONCE,
        now=machine_now(),
        lease=_LEASE,
        domain=_DOMAIN,
    )
    unsettled = drop_settled(session, write_reminders(session, claimed))
    for mail in reach.set_aside(session, unsettled, now=machine_now()):
        if mail.to_address.startswith(DEAD):
            outbox.mark_failed(session, mail, _NOBODY, now=machine_now())
            reach.refused_for_good(session, mail, _NOBODY, now=machine_now())
        else:
            _deliver(session, mail)
    return bool(claimed)


def _deliver(session: Session, mail: ClaimedMail) -> None:
    words = render(read_context(mail.template, mail.context))
    outbox.mark_sent(
        session.connection(),
        TakenMail(
            mail=mail,
            attempt=_TAKEN,
            subject=words.subject,
            text=words.text,
            html=words.html,
            at=machine_now(),
        ),
    )
