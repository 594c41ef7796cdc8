"""Writes the mails of a round ahead of their sending."""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from models.operations.outbox import ClaimedMail, TakenMail
from models.rules.errors import PilotError
from models.rules.mail import MOST_ATTEMPTS, Attempt, MailAddressError, MailOutcome
from notifications.contexts import read_context
from notifications.message import build_message
from notifications.mime import Letter
from notifications.render import RenderedMail, render
from notifications.settings import MailSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A mail ready to be handed to the server; without a message, `refusal` says why."""

    mail: ClaimedMail
    words: RenderedMail | None = None
    message: Letter | None = None
    refusal: Attempt | None = None

    def sendable(self) -> Letter:
        """Return the message of a mail that is not refused."""
        assert self.message is not None  # noqa: S101 -- one of the two is there
        return self.message

    def taken(self, attempt: Attempt, at: datetime) -> TakenMail:
        """Return what is kept of a mail that the server has taken."""
        words = self.words
        assert words is not None  # noqa: S101 -- accepted, so it had words
        return TakenMail(
            mail=self.mail,
            attempt=attempt,
            subject=words.subject,
            text=words.text,
            html=words.html,
            at=at,
        )


class Writer:
    """Writes ahead, in the moments when the sender waits for the server.

    A thread of its own would take longer: two that take turns at Python's lock wait for one another
    more than they work.
    """

    def __init__(
        self, settings: MailSettings, mails: Iterable[ClaimedMail], now: Callable[[], datetime]
    ) -> None:
        """Write `mails`, in this order."""
        self._settings = settings
        self._now = now
        self._coming = iter(mails)
        self._written: deque[Prepared] = deque()

    def write(self) -> None:
        """Write one more, if there is one."""
        mail = next(self._coming, None)
        if mail is not None:
            self._written.append(_written(self._settings, mail, self._now()))

    def take(self) -> Prepared:
        """Return the next mail."""
        if not self._written:
            self.write()
        return self._written.popleft()

    def following(self) -> Letter | None:
        """Return what will be taken next, unless there is no sending it."""
        if not self._written:
            self.write()
        return self._written[0].message if self._written else None


def _written(settings: MailSettings, mail: ClaimedMail, now: datetime) -> Prepared:
    """Return the mail's words and message, or why they cannot be made."""
    if mail.attempts > MOST_ATTEMPTS:  # its dispatcher died each time, before it could say why
        return _refused(mail, f"已尝试 {MOST_ATTEMPTS} 次，每次都中途中断，不再重试")
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
        return _refused(mail, str(error), is_address_dead=isinstance(error, MailAddressError))
    except (
        Exception
    ) as error:  # whatever a template or an old context can raise ends this mail only
        _log.exception("mail %s (%s) cannot be written", mail.id, mail.template)
        return _refused(mail, f"邮件内容无法生成，请联系系统维护人员（{type(error).__name__}）")
    return Prepared(mail=mail, words=words, message=message)


def _refused(mail: ClaimedMail, reason: str, *, is_address_dead: bool = False) -> Prepared:
    return Prepared(
        mail=mail,
        refusal=Attempt(
            outcome=MailOutcome.REFUSED, reason=reason, is_address_dead=is_address_dead
        ),
    )
