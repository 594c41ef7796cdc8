"""The dispatcher: sends what is queued in the outbox, with no transaction open.

It runs in the clock process, outside Prefect: this module must not import it (2 s and 100 MB).
"""

import logging
import os
import socket
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlmodel import Session

from models.operations import outbox, reach
from models.operations.outbox import ClaimedMail
from models.rules.errors import PilotError
from models.rules.mail import MOST_ATTEMPTS, Attempt, MailAddressError, MailOutcome
from models.tables.mail import machine_now
from notifications.contexts import read_context
from notifications.message import build_message
from notifications.render import RenderedMail, render
from notifications.smtp import Sender

#: How long a claimed mail is ours. After that another dispatcher may take us for dead.
LEASE = timedelta(minutes=5)

#: With less than this left of its lease a mail is not begun: another one may soon send it, too.
#: A handful of answers from the server, each within the connection's time-out.
_NEEDED = timedelta(minutes=2)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DispatchReport:
    """How many mails one round of the dispatcher sent, will try again, gave up, gave back."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    #: Not tried after all, because the server was at fault or the lease nearly over.
    released: int = 0
    #: Not tried, because the address is on the list or the person has left.
    passed_on: int = 0


def dispatch_once(
    transaction: Callable[[], AbstractContextManager[Session]],
    sender: Sender,
    *,
    now: Callable[[], datetime] = machine_now,
    limit: int = 50,
    lease: timedelta = LEASE,
) -> DispatchReport:
    """Send up to `limit` mails that are due, each on its own: a bad one holds up no other.

    Every mail is marked in its own transaction as soon as the server has answered, so that a kill
    leaves at most one mail that was taken and not noted; it is sent again under the same
    Message-ID. When the server itself fails, the rest of the round goes back untouched.
    """
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
    with transaction() as session:
        claimed = outbox.claim(
            session,
            owner=owner,
            limit=limit,
            now=now(),
            lease=lease,
            domain=sender.settings.domain,
        )
        mails = reach.set_aside(session, claimed, now=now())
    counts = {"sent": 0, "retried": 0, "failed": 0}
    untried = deque(mails)
    try:
        while untried and untried[0].next_try_at - now() >= _NEEDED:
            ending, attempt = _send(transaction, sender, untried.popleft(), now)
            counts[ending] += 1
            if attempt.is_servers_fault:
                break
    finally:  # also when we are told to stop: the next round need not wait for the lease's end
        if untried:
            with transaction() as session:
                outbox.release(session, untried, now=now())
    passed_on = len(claimed) - len(mails)
    return DispatchReport(**counts, released=len(untried), passed_on=passed_on)


def _send(
    transaction: Callable[[], AbstractContextManager[Session]],
    sender: Sender,
    mail: ClaimedMail,
    now: Callable[[], datetime],
) -> tuple[str, Attempt]:
    """Try one mail and note how it went; returns its ending and what the server said."""
    rendered, attempt = _attempt(sender, mail, now())
    with transaction() as session:
        match attempt.outcome:
            case MailOutcome.ACCEPTED:
                assert rendered is not None  # noqa: S101 -- accepted, so it had words
                outbox.mark_sent(
                    session,
                    mail,
                    attempt,
                    subject=rendered.subject,
                    text=rendered.text,
                    html=rendered.html,
                    now=now(),
                )
                return "sent", attempt
            case MailOutcome.TRY_AGAIN:
                will_retry = outbox.mark_retry(session, mail, attempt, now=now())
            case MailOutcome.REFUSED:
                if outbox.mark_failed(session, mail, attempt, now=now()):
                    reach.refused_for_good(session, mail, attempt, now=now())
                will_retry = False
    # No address: it would stand in the log for ever.
    _log.warning("mail %s (%s): %s", mail.id, mail.template, attempt.outcome.label)
    return ("retried" if will_retry else "failed"), attempt


def _attempt(
    sender: Sender, mail: ClaimedMail, now: datetime
) -> tuple[RenderedMail | None, Attempt]:
    """Return the words and how the server took them; without words when they cannot be made."""
    if mail.attempts > MOST_ATTEMPTS:  # its dispatcher died each time, before it could say why
        return None, _refused(f"已尝试 {MOST_ATTEMPTS} 次，每次都中途中断，不再重试")
    try:
        context = read_context(mail.template, mail.context)
        rendered = render(context)
        message = build_message(
            rendered,
            sender.settings,
            to_name=mail.to_name,
            to_address=mail.to_address,
            message_id=mail.message_id,
            date=now,
            trial=context.trial_note,
        )
    except PilotError as error:
        return None, _refused(str(error), is_address_dead=isinstance(error, MailAddressError))
    except (
        Exception
    ) as error:  # whatever a template or an old context can raise ends this mail only
        _log.exception("mail %s (%s) cannot be written", mail.id, mail.template)
        return None, _refused(f"邮件内容无法生成，请联系系统维护人员（{type(error).__name__}）")
    return rendered, sender.send(message)


def _refused(reason: str, *, is_address_dead: bool = False) -> Attempt:
    return Attempt(outcome=MailOutcome.REFUSED, reason=reason, is_address_dead=is_address_dead)
