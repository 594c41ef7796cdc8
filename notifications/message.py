"""A mail as it travels: RFC 5322 by the standard library, and nothing that could add a header."""

import re
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import Policy
from email.utils import format_datetime
from functools import lru_cache
from typing import Self

from models.rules.clock import SHANGHAI
from models.rules.errors import PilotError
from models.rules.mail import checked_address
from notifications.calendar_file import calendar_text
from notifications.mime import POLICY, Fixed, Letter, set_words
from notifications.render import RenderedMail
from notifications.settings import MailSettings

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class HeaderRefusedError(PilotError):
    """A header would hold a line break or a control character: somebody tries to add headers."""

    def __init__(self, header: str, given: str) -> None:
        """Name the header, and show what was given."""
        self.header = header
        self.given = given
        super().__init__(f"邮件头 {header} 不得含换行或控制字符：{given!r}")


class _Words(str):
    """A header that is written as RFC 2047 words throughout, whatever its text looks like.

    The policy's own headers parse what they are given: they would decode a name that looks like an
    encoded word, and Python 3.11 loses spaces when it writes a long Chinese display name.
    """

    name: str
    words: str
    address: str | None

    @classmethod
    def of(cls, name: str, words: str, address: str | None = None) -> Self:
        """Return the header `name` that holds `words` and, for a mailbox, its `address`."""
        if _CONTROLS.search(words):
            raise HeaderRefusedError(name, words)
        header = cls(words if address is None else _mailbox(words, checked_address(address)))
        header.name, header.words, header.address = name, words, address
        return header

    def fold(self, *, policy: Policy) -> str:
        """Return the header's lines: what the policy asks of a header object."""
        written = _written(self.name, self.words, policy.linesep)
        if self.address is not None:
            written += f"{policy.linesep if written else ''} <{self.address}>"
        return f"{self.name}: {written}{policy.linesep}"


# The sender of all mails is the same, and people get more than one.
@lru_cache(maxsize=1024)
def _written(name: str, words: str, linesep: str) -> str:
    return Header(words, "utf-8", header_name=name).encode(linesep=linesep)


@lru_cache(maxsize=1024)
def _mailbox(words: str, address: str) -> str:
    return str(Address(words, addr_spec=address))


def build_message(
    mail: RenderedMail,
    settings: MailSettings,
    *,
    to_name: str,
    to_address: str,
    message_id: str,
    date: datetime,
    trial: str | None,
) -> Letter:
    """Return `mail` as a message to one person: its text, the same in HTML, its deadlines.

    Raises `MailAddressError` for an impossible address and `HeaderRefusedError` for a value that
    would add a header.
    """
    message = Letter(policy=POLICY)
    for header in (
        _Words.of("From", settings.from_name, settings.from_address),
        _Words.of("To", to_name, to_address),
        _Words.of("Reply-To", settings.from_name, settings.reply_to or settings.from_address),
        _Words.of("Subject", mail.subject),
    ):
        message[header.name] = header
    message["Date"] = Fixed.of("Date", format_datetime(date.astimezone(SHANGHAI)))
    message["Message-ID"] = Fixed.of("Message-ID", message_id)
    # Keeps holiday notices of the recipients from answering.
    message["Auto-Submitted"] = Fixed.of("Auto-Submitted", "auto-generated")
    message["X-Pilot-Mode"] = Fixed.of("X-Pilot-Mode", settings.mode.value)
    if trial is not None:
        message["X-Pilot-Trial"] = _Words.of("X-Pilot-Trial", trial)
    set_words(message, mail.text, mail.html)
    if mail.deadlines:
        message.add_attachment(
            calendar_text(mail.deadlines, office=settings.from_name, address=settings.from_address),
            subtype="calendar",
            params={"method": "PUBLISH"},
            filename="deadline.ics",
            cte="base64",
        )
    return message


def recipient(message: EmailMessage) -> str:
    """Return the one address that a message from `build_message` goes to."""
    header = message["To"]
    assert isinstance(header, _Words)  # noqa: S101 -- build_message sets it,
    assert header.address is not None  # noqa: S101 -- with an address
    return header.address
