"""What a caught mail holds, bodies and attachments, whatever a stranger has made of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default
from typing import Any

#: Letters that would lead a name out of its folder, or hide what it is.
_NOT_IN_A_NAME = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]')
_LONGEST_NAME = 120
_MOST_NESTED = 100


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """One attachment, decoded."""

    name: str
    #: As its sender says; nobody has looked whether it is that.
    media_type: str
    content: bytes

    @property
    def size(self) -> str:
        """Its size as a person reads it."""
        size = len(self.content)
        return f"{size:,} 字节" if size < 10_000 else f"{size / 1024:,.0f} KB"


def parsed(content: bytes) -> EmailMessage:
    """Return the mail; nothing that comes in is so broken that it is none."""
    # Of one that is nested until no parser comes back, only the headers are read.
    is_too_deep = content.lower().count(b"multipart/") > _MOST_NESTED
    message = BytesParser(policy=default).parsebytes(content, headersonly=is_too_deep)
    assert isinstance(message, EmailMessage)  # noqa: S101 -- what the policy makes
    return message


def body(message: EmailMessage, subtype: str) -> str | None:
    """Return a body as text, whatever it claims to be encoded in; None where there is none."""
    part = message.get_body((subtype,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # a charset nobody knows
        return _bytes(part).decode("utf-8", "replace")


def attachments(message: EmailMessage) -> list[Attachment]:
    """Return all that is neither of the two bodies, in the order of the mail."""
    bodies = [message.get_body((subtype,)) for subtype in ("plain", "html")]
    return [
        Attachment(
            name=_name(part) or f"附件{number}",
            media_type=_plain(part.get_content_type()),
            content=_bytes(part),
        )
        for number, part in enumerate(_leaves(message, bodies), start=1)
    ]


def _leaves(message: EmailMessage, bodies: list[Any]) -> Iterator[Message]:
    for part in message.walk():
        if not part.is_multipart() and not any(part is each for each in bodies):
            yield part


def _name(part: Message) -> str:
    try:
        given = part.get_filename("")
    except (LookupError, ValueError):  # an encoding nobody knows
        return ""
    return _NOT_IN_A_NAME.sub("_", _plain(given)).strip(" .")[-_LONGEST_NAME:]


def _plain(text: str) -> str:
    """Return the text without what no page could write: bytes that were no letters."""
    return text.encode("utf-8", "replace").decode()


def _bytes(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
