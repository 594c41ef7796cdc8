"""A real SMTP server in the test process that does what a test tells it to."""

import asyncio
import ssl
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult


@dataclass(frozen=True)
class Reply:
    """Answer with these words: `Reply("550 5.1.1 no such user")`."""

    words: str


@dataclass(frozen=True)
class HangUp:
    """Break the connection instead of answering; at DATA the mail may have been `kept`."""

    kept: bool = False


@dataclass(frozen=True)
class Wait:
    """Answer as usual, but only after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Received:
    """A mail that the server took: who it was for, and what stood in it."""

    to_address: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed by the standard library."""
        return message_from_bytes(self.content, policy=default)

    @property
    def message_id(self) -> str:
        """Its Message-ID."""
        return self.message["Message-ID"]


def script():
    """Return a table: address -> what to do, one after the other; then everything is accepted."""
    return defaultdict(deque)


class _Session(SMTP):
    """Lets the test see what comes together, and say something before a content."""

    def data_received(self, data):
        server = self.event_handler
        server.packets.append(bytes(data))
        if server.is_forgetful:
            content, end, _ = data.partition(b"\r\n.\r\n")
            data = content + end
        super().data_received(data)

    async def smtp_DATA(self, arg):  # noqa: N802
        server = self.event_handler
        words = await server.follow(self, server.at_data_command)
        if words is None:
            await super().smtp_DATA(arg)
            return
        await self.push(words)
        if words.startswith("354"):
            server.nobodys.append(await self._reader.readuntil(b".\r\n"))
            await self.push("554 5.5.1 no valid recipients")


@dataclass
class SmtpServer:
    """Listens on a free port of 127.0.0.1 between `with` and its end."""

    tls: ssl.SSLContext | None = None
    is_tls_from_start: bool = False
    login: tuple[str, str] | None = None
    #: Whether it offers RFC 2920's PIPELINING, as every server in the world does.
    is_pipelining: bool = True
    #: Whether it forgets what comes together with a content.
    is_forgetful: bool = False
    at_sender: deque = field(default_factory=deque)
    at_recipient: dict = field(default_factory=script)
    #: At the command, before the content; 354 lets one in that is for nobody.
    at_data_command: deque = field(default_factory=deque)
    at_data: dict = field(default_factory=script)
    received: list[Received] = field(default_factory=list)
    #: Contents that were for nobody.
    nobodys: list[bytes] = field(default_factory=list)
    #: What came at once, decrypted.
    packets: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        """Listen."""
        self._loop = asyncio.new_event_loop()
        self._sessions = set()
        listening = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listening,), daemon=True)
        self._thread.start()
        assert listening.wait(10)
        return self

    def __exit__(self, *exception) -> None:
        """Stop listening and break all connections, like a machine that goes down."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def hang_up(self) -> None:
        """Break all connections, as a server does with idle ones."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)

    def _run(self, listening: threading.Event) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)
        listener = loop.run_until_complete(
            loop.create_server(
                self._session,
                "127.0.0.1",
                self.port,
                ssl=self.tls if self.is_tls_from_start else None,
            )
        )
        self.port = listener.sockets[0].getsockname()[1]
        listening.set()
        loop.run_forever()
        listener.close()
        loop.run_until_complete(self._hang_up())
        loop.close()

    def _session(self) -> SMTP:
        self.connections += 1
        session = _Session(
            self,
            hostname="mail.test",
            loop=self._loop,
            tls_context=None if self.is_tls_from_start else self.tls,
            require_starttls=self.tls is not None and not self.is_tls_from_start,
            authenticator=self._authenticate if self.login else None,
            # aiosmtpd does not see the encryption that began before it
            auth_required=self.login is not None and not self.is_tls_from_start,
            auth_require_tls=not self.is_tls_from_start,
        )
        self._sessions.add(session)
        return session

    def _authenticate(self, server, session, envelope, mechanism, data) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.login, handled=False)

    async def _hang_up(self) -> None:
        for session in self._sessions:
            if session.transport is not None:
                session.transport.abort()
        self._sessions.clear()
        await asyncio.sleep(0.01)  # lets the sessions see it
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def follow(self, server: SMTP, todo: deque) -> str | None:
        """Do what is to be done next; return the words to be said, None for the usual ones."""
        if not todo:
            return None
        match todo.popleft():
            case Reply(words):
                return words
            case Wait(seconds):
                await asyncio.sleep(seconds)
                return None
            case HangUp():
                server.transport.abort()
                await asyncio.Event().wait()  # until aiosmtpd cancels us
        return None

    async def handle_EHLO(self, server, session, envelope, hostname, words):  # noqa: N802
        """Say what it can."""
        session.host_name = hostname
        return [*words[:-1], *["250-PIPELINING"] * self.is_pipelining, words[-1]]

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        """Decide about the sender."""
        words = await self.follow(server, self.at_sender)
        if words is not None:
            return words
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        """Decide about a recipient."""
        words = await self.follow(server, self.at_recipient[address])
        if words is not None:
            return words
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        """Decide about the mail."""
        [address] = envelope.rcpt_tos
        todo = self.at_data[address]
        mail = Received(address, envelope.content)
        if todo and todo[0] == HangUp(kept=True):
            self.received.append(mail)
        words = await self.follow(server, todo)
        if words is not None:
            return words
        self.received.append(mail)
        return f"250 2.0.0 Ok: queued as {len(self.received):04}"
