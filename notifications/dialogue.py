"""What is said to a mail server and heard from it: smtplib's dialogue, in fewer round trips."""

import smtplib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from select import POLLIN, poll
from socket import socket
from ssl import SSLSocket
from time import monotonic
from typing import Any, Protocol

from notifications.server import MailServer

#: A server at hand answers sooner.
A_MOMENT = timedelta(milliseconds=10)
_PACKET = 4096
_GO_ON = 354
_REFUSED = 400
_SERVICE_CLOSING = 421


def _nothing() -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Meanwhile:
    """What is done on the way of each mail; most of that is waiting for the server."""

    #: Each time the server thinks about a step before the content.
    announced: Callable[[], None] = _nothing
    #: When the recipient is taken, and nothing of the content has been sent.
    before_content: Callable[[], None] = _nothing
    #: When the server has the content and thinks about it.
    content_sent: Callable[[], None] = _nothing
    #: When an answer is not there after `A_MOMENT`: it may be a long time in coming.
    kept_waiting: Callable[[], None] = _nothing


class Replies:
    """The lines that a server sends; unlike a socket's own file, knows whether there are more."""

    def __init__(self, connection: socket) -> None:
        """Read from `connection`, as smtplib reads from a file."""
        self._connection = connection
        self._unread = bytearray()
        self._arriving = poll()
        self._arriving.register(connection, POLLIN)

    def are_coming(self) -> bool:
        """Wait for a moment, and return whether there is something to be read."""
        if b"\n" in self._unread:
            return True
        if isinstance(self._connection, SSLSocket) and self._connection.pending():
            return True
        return bool(self._arriving.poll(A_MOMENT / timedelta(milliseconds=1)))

    def readline(self, limit: int) -> bytes:
        """Return the next line, `limit` bytes of a longer one, nothing at the end; may time out."""
        unread = self._unread
        while not (end := unread.find(b"\n", 0, limit) + 1) and len(unread) < limit:
            more = self._connection.recv(_PACKET)
            if not more:
                break
            unread += more
        line = bytes(unread[: end or limit])
        del unread[: end or limit]
        return line

    def close(self) -> None:
        """Do nothing: the connection is closed by whoever opened it."""


class Timing(Protocol):
    """How long a dialogue may last, and what is done meanwhile."""

    server: MailServer
    meanwhile: Meanwhile
    #: When the present mail has taken too long (as `monotonic` counts).
    until: float


class Dialogue(smtplib.SMTP):
    """Remembers how far the last mail came, which smtplib tells nobody; keeps to the time.

    What the sender wants done meanwhile is done before an answer is waited for. Where the server
    offers PIPELINING (RFC 2920), the commands before a content go together, in one round trip.
    """

    #: Whether anything of the last mail's content may have reached the server.
    is_content_begun = False
    _is_content_sent = False
    _data_reply: tuple[int, bytes] = (0, b"")
    #: Replies that the server has yet to give; the first one is its greeting.
    _owed = 1
    #: The codes of the last two replies.
    _codes = (0, 0)

    def __init__(self, host: str, port: str, *, sender: Timing, **others: Any) -> None:
        self.sender = sender
        #: Commands that are sent, while smtplib thinks that it has yet to send them.
        self._ahead: deque[str] = deque()
        super().__init__(host, int(port), timeout=sender.server.connect_timeout, **others)

    @property
    def is_at_rest(self) -> bool:
        """Whether the server awaits a command, and nothing else."""
        return not self._owed and self._codes[-1] != _GO_ON

    def hand_over(self, from_address: str, to_address: str, content: bytes) -> tuple[int, bytes]:
        """Send a mail and return the reply to its content; raises what `sendmail` raises."""
        self.is_content_begun = False
        self.ehlo_or_helo_if_needed()
        if self.has_extn("pipelining"):
            self._send_ahead(from_address, to_address, len(content))
        self.sendmail(from_address, [to_address], content)
        return self._data_reply

    def _send_ahead(self, from_address: str, to_address: str, size: int) -> None:
        """Send what `sendmail` will send before the content."""
        option = f" size={size}" if self.has_extn("size") else ""
        commands = (
            f"mail FROM:{smtplib.quoteaddr(from_address)}{option}",
            f"rcpt TO:{smtplib.quoteaddr(to_address)}",
            "data",
        )
        if any("\r" in command or "\n" in command for command in commands):
            return  # smtplib will say that this is no address
        self.send("".join(f"{command}\r\n" for command in commands))
        self._ahead.extend(commands)

    def putcmd(self, cmd: str, args: str = "") -> None:
        if not self._ahead:
            super().putcmd(cmd, args)
            return
        command, sent = f"{cmd} {args}" if args else cmd, self._ahead.popleft()
        if command != sent:
            raise RuntimeError(f"smtplib sends {command!r}, where {sent!r} has been sent")

    def send(self, s: Any) -> None:
        self._spare()
        is_content = isinstance(s, bytes)  # commands are text
        self.is_content_begun |= is_content
        self._owed += 1 if is_content else s.count("\n")
        super().send(s)
        self._is_content_sent = is_content

    def getreply(self) -> tuple[int, bytes]:
        meanwhile = self.sender.meanwhile
        if self._is_content_sent:
            meanwhile.content_sent()
        else:
            meanwhile.announced()
        if self.file is None:
            assert self.sock is not None  # noqa: S101 -- smtplib has just sent something
            self.file = Replies(self.sock)
        if not self.file.are_coming():
            meanwhile.kept_waiting()
        self._spare()
        code, words = super().getreply()
        self._owed -= 1
        self._codes = (self._codes[-1], code)
        return code, words

    def _spare(self) -> None:
        """Let the next step take as long as an answer may, and no longer than the mail may."""
        left = self.sender.until - monotonic()
        if left <= 0:
            raise TimeoutError("the mail took too long as a whole")
        if self.sock is not None:
            longest = min(self.sender.server.timeout, left)
            if self.sock.gettimeout() != longest:
                self.sock.settimeout(longest)

    def data(self, msg: object) -> tuple[int, bytes]:
        self.sender.meanwhile.before_content()
        try:
            self._data_reply = super().data(msg)  # type: ignore[arg-type]  # whatever smtplib passes
        except smtplib.SMTPDataError as refusal:
            if refusal.smtp_code < _REFUSED:
                raise
            # smtplib resets the dialogue only where the content is refused.
            return refusal.smtp_code, refusal.smtp_error  # type: ignore[return-value]
        return self._data_reply

    def rset(self) -> tuple[int, bytes]:
        """Take a refused mail back, once the server has answered what was sent with it."""
        while self._ahead:
            self._ahead.popleft()
            if self.getreply()[0] == _SERVICE_CLOSING:
                self.close()
        to_recipient, to_data = self._codes
        if to_data == _GO_ON and to_recipient >= _REFUSED:
            self.send(".\r\n")  # a content for nobody: that is how it is ended (RFC 2920, 3.1)
            self.getreply()
        elif to_data == _GO_ON:
            self.close()  # somebody would get an empty mail
        return super().rset()

    def close(self) -> None:
        self._ahead.clear()
        super().close()


class DialogueTLS(Dialogue, smtplib.SMTP_SSL):
    """The same, encrypted from its first byte."""
