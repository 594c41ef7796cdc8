"""What is said to a mail server and heard from it: smtplib's dialogue, in fewer round trips."""

import smtplib
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Protocol

from notifications.mime import Letter
from notifications.server import MailServer

_GO_ON = 354
_REFUSED = 400
_SERVICE_CLOSING = 421


class Timing(Protocol):
    """How long a dialogue may last, and what is done meanwhile."""

    server: MailServer
    #: Done each time the server has a content and thinks about it.
    meanwhile: Callable[[], None]
    #: When the present mail has taken too long (as `monotonic` counts).
    until: float


class Dialogue(smtplib.SMTP):
    """Remembers how far the last mail came, which smtplib tells nobody; keeps to the time.

    Where the server offers PIPELINING (RFC 2920), the commands before a content go together, with
    the content before them if there is one (section 3.1): a mail is one round trip.
    """

    #: Whether anything of the last mail's content may have reached the server.
    is_content_begun = False
    #: The mail whose commands went with the content before; the server may await its content.
    announced: Letter | None = None
    _following: Letter | None = None
    _from_address = ""
    _is_content_sent = False
    _data_reply: tuple[int, bytes] = (0, b"")
    #: How many of the commands that smtplib thinks it has yet to send are sent.
    _ahead = 0
    #: Replies that the server has yet to give; the first one is its greeting.
    _owed = 1
    #: The codes of the last two replies.
    _codes = (0, 0)

    def __init__(self, host: str, port: str, *, sender: Timing, **others: Any) -> None:
        self.sender = sender
        super().__init__(host, int(port), timeout=sender.server.connect_timeout, **others)

    @property
    def is_at_rest(self) -> bool:
        """Whether the server awaits a command, and nothing else."""
        return not self._owed and self._codes[-1] != _GO_ON

    def hand_over(
        self, from_address: str, letter: Letter, following: Letter | None
    ) -> tuple[int, bytes]:
        """Send a mail and return the reply to its content; raises what `sendmail` raises.

        The commands of `following` go with its content: that must be the next mail then.
        """
        self.is_content_begun = False
        self.ehlo_or_helo_if_needed()
        is_pipelining = self.has_extn("pipelining")
        self._from_address = from_address
        if is_pipelining and self.announced is None and (commands := self._commands(letter)):
            self.send(commands)
        self.announced = None
        self._following = following if is_pipelining else None
        self.sendmail(from_address, [letter.to_address], letter.content)
        return self._data_reply

    def _commands(self, letter: Letter) -> str:
        """Return what is to be sent before a content, which `sendmail` will think that it sends.

        Nothing, when smtplib will say that an address is none.
        """
        option = f" size={len(letter.content)}" if self.has_extn("size") else ""
        commands = (
            f"mail FROM:{smtplib.quoteaddr(self._from_address)}{option}",
            f"rcpt TO:{smtplib.quoteaddr(letter.to_address)}",
            "data",
        )
        if any("\r" in command or "\n" in command for command in commands):
            return ""
        self._ahead = len(commands)
        return "".join(f"{command}\r\n" for command in commands)

    def mail(self, sender: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        return self._reply_to_sent() or super().mail(sender, options)

    def rcpt(self, recip: str, options: Sequence[str] = ()) -> tuple[int, bytes]:
        return self._reply_to_sent() or super().rcpt(recip, options)

    def putcmd(self, cmd: str, args: str = "") -> None:
        if self._ahead and cmd == "data":
            self._ahead -= 1
        else:
            super().putcmd(cmd, args)

    def _reply_to_sent(self) -> tuple[int, bytes] | None:
        """Return the reply to a command that has been sent ahead; None where none has."""
        if not self._ahead:
            return None
        self._ahead -= 1
        return self.getreply()

    def send(self, s: Any) -> None:
        self._spare()
        if isinstance(s, bytes):  # the content: commands are text
            self.is_content_begun = self._is_content_sent = True
            commands = self._commands_of_following()
            self._owed += 1 + commands.count("\n")
            s += commands.encode("ascii")
        else:
            self._owed += s.count("\n")
        super().send(s)

    def _commands_of_following(self) -> str:
        following, self._following = self._following, None
        if following is None:
            return ""
        commands = self._commands(following)
        self.announced = following if commands else None
        return commands

    def getreply(self) -> tuple[int, bytes]:
        if self._is_content_sent:
            self._is_content_sent = False
            self.sender.meanwhile()
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
        if self.announced is not None:  # a content was refused, and the server goes on by itself
            return self._codes[-1], b""
        while self._ahead:
            self._ahead -= 1
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
        self._ahead = 0
        self.announced = None
        super().close()


class DialogueTLS(Dialogue, smtplib.SMTP_SSL):
    """The same, encrypted from its first byte."""
