"""`python -m deployments.mailbox_server`: catches all mail of a trial and shows it."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session

from deployments.mailbox_pages import MailboxPages
from deployments.mailbox_store import Mailbox
from deployments.settings import Settings
from models.rules.errors import PilotError

_LOOPBACK = "127.0.0.1"
_LARGEST_MAIL = 25 * 1024 * 1024


class PortTakenError(PilotError):
    """Another process listens where the mailbox should."""

    def __init__(self, port: int, variable: str) -> None:
        """Name the port and the variable that moves it."""
        self.port = port
        super().__init__(
            f"端口 {port} 已被占用，本机邮箱无法启动；"
            f"请停止占用它的程序，或用 {variable} 换一个端口"
        )


class Catcher:
    """Keeps every mail that the SMTP server is handed, with its envelope on top."""

    def __init__(self, mailbox: Mailbox) -> None:
        """Keep them in `mailbox`."""
        self._mailbox = mailbox

    async def handle_DATA(  # noqa: N802 -- the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Store the mail, then say 250; a full disk is no reason to give the mail up."""
        recipients = ", ".join(envelope.rcpt_tos)
        top = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {recipients}\r\n"
        content = envelope.content
        assert isinstance(content, bytes)  # noqa: S101 -- decode_data is off
        try:
            name = self._mailbox.keep(top.encode() + content)
        except OSError as error:
            return f"452 4.3.1 cannot be stored: {error.strerror}"
        return f"250 2.0.0 kept as {name}"


class _QuietServer(uvicorn.Server):
    """uvicorn, but without its signal handlers: it would end the process by the same signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to us."""
        yield

    def stop(self) -> None:
        """End `serve` soon."""
        self.should_exit = True


async def serve(settings: Settings) -> None:
    """Catch and show mails until SIGTERM or SIGINT; `PortTakenError` when a port is not free."""
    with (
        _listening(settings.smtp_catch_port, "PILOT_SMTP_CATCH_PORT") as smtp_socket,
        _listening(settings.mailbox_port, "PILOT_MAILBOX_PORT") as web_socket,
    ):
        mailbox = Mailbox(settings.home / "mailbox")
        loop = asyncio.get_running_loop()
        smtp = await loop.create_server(lambda: _catching(mailbox, loop), sock=smtp_socket)
        web = _QuietServer(
            uvicorn.Config(
                MailboxPages(mailbox, smtp.is_serving).application(),
                http="h11",
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
            )
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, web.stop)
        print(f"本机邮箱 http://{_LOOPBACK}:{settings.mailbox_port}", flush=True)
        await web.serve(sockets=[web_socket])
        # Not waited for: a dispatcher keeps its connection as long as it lives.
        smtp.close()


def _catching(mailbox: Mailbox, loop: asyncio.AbstractEventLoop) -> SMTP:
    return SMTP(
        Catcher(mailbox),
        hostname="mailbox.localhost",
        ident="pilot mailbox",
        data_size_limit=_LARGEST_MAIL,
        enable_SMTPUTF8=True,
        loop=loop,
    )


def _listening(port: int, variable: str) -> socket.socket:
    """Return a socket that listens on this machine only."""
    try:
        return socket.create_server((_LOOPBACK, port))
    except OSError as error:
        raise PortTakenError(port, variable) from error


def main() -> int:
    """Run the mailbox; the exit status says whether it could."""
    try:
        asyncio.run(serve(Settings.read()))
    except PilotError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
