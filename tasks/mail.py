"""The dispatcher: sends what is queued in the outbox, with no transaction open.

It runs in the clock process, outside Prefect: this module must not import it (2 s and 100 MB).
"""

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from models.operations import outbox, reach
from models.operations.outbox import ClaimedMail, TakenMail
from models.operations.reminder_mails import write_reminders
from models.operations.settled_matters import drop_settled
from models.rules.mail import Attempt, MailOutcome
from models.tables.mail import machine_now
from notifications.post import Post
from notifications.settings import MailMode
from notifications.smtp import LONGEST_SECONDS, Sender, nothing
from tasks.database import Statements, Transactions
from tasks.mail_writing import Writer

#: How long a claimed mail is ours. After that another dispatcher may take us for dead.
LEASE = timedelta(minutes=5)

#: With less than this left of its lease a mail is not begun: another one may soon send it, too.
#: As long as the sender gives a mail, and some for noting how it went.
_NEEDED = timedelta(seconds=LONGEST_SECONDS + 20)

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
    #: Not tried, because all that they remind of is settled.
    cancelled: int = 0


def dispatch_once(
    transaction: Transactions,
    sender: Sender | Post,
    *,
    noting: Statements | None = None,
    now: Callable[[], datetime] = machine_now,
    limit: int = 50,
    lease: timedelta = LEASE,
    is_stopping: Callable[[], bool] = lambda: False,
) -> DispatchReport:
    """Send up to `limit` mails that are due, each on its own: a bad one holds up no other.

    What the server takes is noted before another content goes; it hears meanwhile who that one is
    for. So a kill leaves at most one mail that was taken and not noted, which is sent again under
    the same Message-ID. When the server itself fails, the rest of the round goes back untouched.
    """
    settings = sender.settings
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
    with transaction() as session:
        claimed = outbox.claim(
            session,
            owner=owner,
            limit=limit,
            now=now(),
            lease=lease,
            domain=settings.domain,
            per_minute=None if settings.mode is MailMode.CATCH else settings.per_minute,
        )
        unsettled = drop_settled(session, write_reminders(session, claimed))
        mails = reach.set_aside(session, unsettled, now=now())
    sent = retried = failed = 0
    untried = deque(mails)
    noting = noting or partial(_connection_of, transaction)
    writer = Writer(settings, mails, now)
    sender.meanwhile = writer.write
    try:
        while untried and untried[0].next_try_at - now() >= _NEEDED and not is_stopping():
            prepared = writer.take()
            mail = untried.popleft()
            attempt = prepared.refusal or sender.send(
                prepared.sendable(), following=writer.following()
            )
            if attempt.outcome is MailOutcome.ACCEPTED:
                _note_taken(noting, prepared.taken(attempt, now()))
                sent += 1
            elif _note_failure(transaction, mail, attempt, now()):
                retried += 1
            else:
                failed += 1
            if attempt.is_servers_fault:
                break
    finally:  # also when we are told to stop: the next round need not wait for the lease's end
        sender.meanwhile = nothing
        if untried:
            with transaction() as session:
                outbox.release(session, untried, now=now())
    return DispatchReport(
        sent=sent,
        retried=retried,
        failed=failed,
        released=len(untried),
        passed_on=len(unsettled) - len(mails),
        cancelled=len(claimed) - len(unsettled),
    )


def _note_taken(noting: Statements, taken: TakenMail) -> None:
    """Note that a mail was taken."""
    try:
        with noting() as connection:
            outbox.mark_sent(connection, taken)
    except DBAPIError:  # the connection kept for that was lost: there will be a new one
        with noting() as connection:
            outbox.mark_sent(connection, taken)


@contextmanager
def _connection_of(transaction: Transactions) -> Iterator[Connection]:
    with transaction() as session:
        yield session.connection()


def _note_failure(
    transaction: Transactions,
    mail: ClaimedMail,
    attempt: Attempt,
    now: datetime,
) -> bool:
    """Note that a mail was not taken; returns whether it is tried again."""
    will_retry = False
    with transaction() as session:
        if attempt.outcome is MailOutcome.TRY_AGAIN:
            will_retry = outbox.mark_retry(session, mail, attempt, now=now)
            if not will_retry:
                reach.tries_used_up(session, mail, attempt, now=now)
        elif outbox.mark_failed(session, mail, attempt, now=now):
            reach.refused_for_good(session, mail, attempt, now=now)
    # No address: it would stand in the log for ever.
    _log.warning("mail %s (%s): %s", mail.id, mail.template, attempt.outcome.label)
    return will_retry
