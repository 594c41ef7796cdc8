"""Writes the mails of a round ahead of their sending, a step at a time."""

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable
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


class _Draft:
    """A mail on the way to be written."""

    def __init__(self, steps: Generator[None, None, Prepared]) -> None:
        self._steps = steps
        #: None as long as there are steps to be done.
        self.prepared: Prepared | None = None

    def go_on(self) -> None:
        try:
            next(self._steps)
        except StopIteration as end:
            self.prepared = end.value


class Writer:
    """Writes in the moments when the sender waits for the server: each is as long as a step.

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
        self._drafts: deque[_Draft] = deque()
        # One is sent, the next one is finished, that after it begun.
        self.begin()
        self.begin()

    def begin(self) -> None:
        """Do the longest step of the next mail, its first: while the server takes in another."""
        mail = next(self._coming, None)
        if mail is not None:
            self._drafts.append(_Draft(_writing(self._settings, mail, self._now())))
            self._drafts[-1].go_on()

    def carry_on(self) -> None:
        """Do a step of a mail that is begun: while the server hears of another."""
        for draft in self._drafts:
            if draft.prepared is None:
                draft.go_on()
                return

    def take(self) -> Prepared:
        """Return the next mail, written to its end."""
        if not self._drafts:
            self.begin()
        draft = self._drafts.popleft()
        while draft.prepared is None:
            draft.go_on()
        return draft.prepared


def _writing(
    settings: MailSettings, mail: ClaimedMail, now: datetime
) -> Generator[None, None, Prepared]:
    """Return, some steps later, the mail's words and message, or why they cannot be made."""
    if mail.attempts > MOST_ATTEMPTS:  # its dispatcher died each time, before it could say why
        return _refused(mail, f"已尝试 {MOST_ATTEMPTS} 次，每次都中途中断，不再重试")
    try:
        context = read_context(mail.template, mail.context)
        words = render(context)
        yield
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
