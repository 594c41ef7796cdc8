"""The dispatcher: sends what is queued in the outbox, with no transaction open.

It runs in the clock process, outside Prefect: this module must not import it (2 s and 100 MB).
"""

import logging
import os
import socket
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlmodel import Session

from models.operations import outbox, reach
from models.operations.outbox import ClaimedMail
from models.operations.reminder_mails import write_reminders
from models.operations.settled_matters import drop_settled
from models.rules.errors import PilotError
from models.rules.mail import MOST_ATTEMPTS, Attempt, MailAddressError, MailOutcome
from models.tables.mail import machine_now
from notifications.contexts import read_context
from notifications.message import build_message
from notifications.mime import Letter
from notifications.post import Post
from notifications.render import RenderedMail, render
from notifications.settings import MailMode, MailSettings
from notifications.smtp import LONGEST_SECONDS, Sender

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


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A mail ready to be handed to the server; without a message, `refusal` says why."""

    words: RenderedMail | None = None
    message: Letter | None = None
    refusal: Attempt | None = None

    def sendable(self) -> Letter:
        """Return the message of a mail that is not refused."""
        assert self.message is not None  # noqa: S101 -- one of the two is there
        return self.message


def dispatch_once(
    transaction: Callable[[], AbstractContextManager[Session]],
    sender: Sender | Post,
    *,
    now: Callable[[], datetime] = machine_now,
    limit: int = 50,
    lease: timedelta = LEASE,
    is_stopping: Callable[[], bool] = lambda: False,
) -> DispatchReport:
    """Send up to `limit` mails that are due, each on its own: a bad one holds up no other.

    Every mail is marked in its own transaction as soon as the server has answered. That happens
    while the next one is being announced to the server, but its content does not go before: so a
    kill leaves at most one mail that was taken and not noted. It is sent again under the same
    Message-ID. When the server itself fails, the rest of the round goes back untouched.
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
    counts = {"sent": 0, "retried": 0, "failed": 0}
    untried = deque(mails)
    noting: Future[str] | None = None

    def settle() -> None:
        """Wait until the last mail's end is in the database."""
        nonlocal noting
        if noting is not None:
            noted, noting = noting, None
            counts[noted.result()] += 1

    # One writes the next mail and one notes the last one's end while the server is busy.
    with ThreadPoolExecutor(1) as writer, ThreadPoolExecutor(1) as clerk:
        prepared = deque([writer.submit(_prepare, settings, mail, now()) for mail in mails[:2]])
        sender.before_content = settle
        try:
            while untried and untried[0].next_try_at - now() >= _NEEDED and not is_stopping():
                ready = prepared.popleft().result()
                mail = untried.popleft()
                if len(untried) > 1:
                    prepared.append(writer.submit(_prepare, settings, untried[1], now()))
                attempt = ready.refusal or sender.send(ready.sendable())
                settle()  # where it did not come to the content
                noting = clerk.submit(_note, transaction, mail, ready, attempt, now)
                if attempt.is_servers_fault:
                    break
        finally:  # also when we are told to stop: the next round need not wait for the lease's end
            sender.before_content = None
            try:
                settle()
            finally:
                if untried:
                    with transaction() as session:
                        outbox.release(session, untried, now=now())
    return DispatchReport(
        **counts,
        released=len(untried),
        passed_on=len(unsettled) - len(mails),
        cancelled=len(claimed) - len(unsettled),
    )


def _note(
    transaction: Callable[[], AbstractContextManager[Session]],
    mail: ClaimedMail,
    prepared: _Prepared,
    attempt: Attempt,
    now: Callable[[], datetime],
) -> str:
    """Note how one mail fared; returns its ending."""
    with transaction() as session:
        match attempt.outcome:
            case MailOutcome.ACCEPTED:
                words = prepared.words
                assert words is not None  # noqa: S101 -- accepted, so it had words
                outbox.mark_sent(
                    session,
                    mail,
                    attempt,
                    subject=words.subject,
                    text=words.text,
                    html=words.html,
                    now=now(),
                )
                return "sent"
            case MailOutcome.TRY_AGAIN:
                will_retry = outbox.mark_retry(session, mail, attempt, now=now())
                if not will_retry:
                    reach.tries_used_up(session, mail, attempt, now=now())
            case MailOutcome.REFUSED:
                if outbox.mark_failed(session, mail, attempt, now=now()):
                    reach.refused_for_good(session, mail, attempt, now=now())
                will_retry = False
    # No address: it would stand in the log for ever.
    _log.warning("mail %s (%s): %s", mail.id, mail.template, attempt.outcome.label)
    return "retried" if will_retry else "failed"


def _prepare(settings: MailSettings, mail: ClaimedMail, now: datetime) -> _Prepared:
    """Return the mail's words and message, or why they cannot be made."""
    if mail.attempts > MOST_ATTEMPTS:  # its dispatcher died each time, before it could say why
        return _refused(f"已尝试 {MOST_ATTEMPTS} 次，每次都中途中断，不再重试")
    try:
        context = read_context(mail.template, mail.context)
        words = render(context)
        message = build_message(
            words,
            settings,
            to_name=mail.to_name,
            to_address=mail.to_address,
            message_id=mail.message_id,
            date=now,
            trial=context.trial_note,
        )
    except PilotError as error:
        return _refused(str(error), is_address_dead=isinstance(error, MailAddressError))
    except (
        Exception
    ) as error:  # whatever a template or an old context can raise ends this mail only
        _log.exception("mail %s (%s) cannot be written", mail.id, mail.template)
        return _refused(f"邮件内容无法生成，请联系系统维护人员（{type(error).__name__}）")
    return _Prepared(words=words, message=message)


def _refused(reason: str, *, is_address_dead: bool = False) -> _Prepared:
    return _Prepared(
        refusal=Attempt(outcome=MailOutcome.REFUSED, reason=reason, is_address_dead=is_address_dead)
    )
