"""A mail as it travels: RFC 5322 by the standard library, and nothing that could add a header."""

import re
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache

from models.rules.clock import SHANGHAI
from models.rules.errors import PilotError
from models.rules.mail import checked_address
from notifications.calendar_file import calendar_text, file_name, method_of
from notifications.mime import CRLF, Letter, fixed, multipart, text_part
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
    sender, office = settings.from_address, settings.from_name
    headers = [
        _mailbox("From", office, sender),
        _mailbox("To", to_name, to_address),
        _mailbox("Reply-To", office, settings.reply_to or sender),
        _words("Subject", mail.subject) + CRLF,
        fixed("Date", format_datetime(date.astimezone(SHANGHAI))),
        fixed("Message-ID", message_id),
        # Keeps holiday notices of the recipients from answering.
        fixed("Auto-Submitted", "auto-generated"),
        fixed("X-Pilot-Mode", settings.mode.value),
    ]
    if trial is not None:
        headers.append(_words("X-Pilot-Trial", trial) + CRLF)
    headers.append(fixed("MIME-Version", "1.0"))
    body = multipart(
        "alternative",
        [
            text_part('plain; charset="utf-8"', mail.text),
            text_part('html; charset="utf-8"', mail.html),
        ],
    )
    if mail.deadlines:
        disposition = f'attachment; filename="{file_name(mail.deadlines)}"'
        calendar = text_part(
            f'calendar; charset="utf-8"; method="{method_of(mail.deadlines)}"',
            calendar_text(mail.deadlines, office=office, address=sender),
            disposition=fixed("Content-Disposition", disposition),
        )
        body = multipart("mixed", [body, calendar])
    return Letter(to_address=to_address, content="".join((*headers, body)).encode("ascii"))


# The sender of all mails is the same.
@lru_cache(maxsize=1024)
def _mailbox(name: str, words: str, address: str) -> str:
    """Return the header of a person: the name, if there is one, and the address."""
    checked = checked_address(address)
    if not words:
        return f"{name}: {checked}{CRLF}"
    return f"{_words(name, words)}{CRLF} <{checked}>{CRLF}"


# People get more than one mail.
@lru_cache(maxsize=1024)
def _words(name: str, words: str) -> str:
    """Return a header, without its line end, written as RFC 2047 words whatever it looks like.

    A name that looks like an encoded word must not be decoded, and Python 3.11's own headers lose
    spaces when they write a long Chinese display name.
    """
    if _CONTROLS.search(words):
        raise HeaderRefusedError(name, words)
    return f"{name}: {Header(words, 'utf-8', header_name=name).encode(linesep=CRLF)}"
