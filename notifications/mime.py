"""The parts of a mail as they travel: MIME (RFC 2045, 2046), put down in their final order.

What the standard library's `EmailMessage` does on its way there (a class for each header, parsing
and folding lines that are always the same, a search for a boundary, line by line through a
generator) costs more than all the rest of sending a mail. A test has it read everything back.
"""

import re
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: How lines end in a mail.
CRLF: Final = "\r\n"
#: What a line of base64 holds.
_LINE: Final = re.compile(".{1,76}")


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A mail to one person, ready to travel."""

    to_address: str
    content: bytes


def fixed(name: str, value: str) -> str:
    """Return the line of a short header of plain ASCII; `ValueError` for anything else."""
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"{name} may hold neither linefeed nor anything but ASCII: {value!r}")
    return f"{name}: {value}{CRLF}"


def text_part(kind: str, words: str, *, disposition: str = "") -> str:
    """Return `words` as a part of the type `text/kind`.

    In base64: 8bit lines would reach servers that never offered 8BITMIME.
    """
    lines = CRLF.join(words.splitlines())
    coded = b2a_base64(f"{lines}{CRLF}".encode(), newline=False).decode("ascii")
    return (
        f"Content-Type: text/{kind}{CRLF}"
        f"Content-Transfer-Encoding: base64{CRLF}"
        f"{disposition}{CRLF}"
        f"{CRLF.join(_LINE.findall(coded))}{CRLF}"
    )


def multipart(kind: str, parts: Sequence[str]) -> str:
    """Return `parts` as one of the type `multipart/kind`; each kind stands once in a mail."""
    # Base64 holds no `_`, so no line of a body can be taken for the boundary.
    boundary = f"===============_{kind}_=="
    inside = "".join(f"--{boundary}{CRLF}{part}{CRLF}" for part in parts)
    return (
        f'Content-Type: multipart/{kind};{CRLF} boundary="{boundary}"{CRLF}{CRLF}'
        f"{inside}--{boundary}--{CRLF}"
    )
