"""The end of every mail: the real dispatcher, with a letterbox where the mail server would be.

Leases and retries run on the machine's time here as everywhere (`models.tables.mail.machine_now`);
on which of the programme's days a mail went out is when it was queued.
"""

from collections.abc import Callable

from deployments.replay.cast import DEAD
from models.rules.mail import Attempt, MailOutcome
from notifications.message import recipient
from notifications.mime import Letter
from notifications.settings import MailMode, MailSettings
from tasks.database import transaction
from tasks.mail import dispatch_once

_SERVER = "replay"
_AT_ONCE = 500


class Letterbox:
    """Takes every mail but those to addresses that are dead; nothing leaves the process."""

    def __init__(self) -> None:
        """Be empty; what the environment says of mail does not matter."""
        self.settings = MailSettings(mode=MailMode.CATCH)
        self.before_content: Callable[[], None] | None = None

    def send(self, message: Letter) -> Attempt:
        """Take the message as a server would: say yes, or that there is no such person."""
        if recipient(message).startswith(DEAD):
            return Attempt(
                outcome=MailOutcome.REFUSED,
                code=550,
                server=_SERVER,
                reason="对方服务器答复：没有这个邮箱（550）",
                detail="550 5.1.1 no such user",
                is_address_dead=True,
            )
        if self.before_content is not None:
            self.before_content()
        return Attempt(
            outcome=MailOutcome.ACCEPTED,
            code=250,
            server=_SERVER,
            reason="已送达（重放）",
            detail="250 2.0.0 Ok",
            is_caught=True,
        )

    def empty_outbox(self) -> None:
        """Send all that waits, also what takes the place of mails that came back."""
        while True:
            report = dispatch_once(transaction, self, limit=_AT_ONCE)
            if not (report.sent or report.failed or report.passed_on):
                return
