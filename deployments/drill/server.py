"""A mail server that refuses, delays, is slow and hangs up, and writes down what it has taken."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

#: Every so many addresses, one that no server takes.
REFUSED_EVERY = 33


def is_refused(number: int) -> bool:
    """Return whether the server refuses the person with that number for good."""
    return number % REFUSED_EVERY == 0


def number_of(address: str) -> int:
    """Return the number of the person at `address`."""
    return int(address.removeprefix("p").partition("@")[0])


class _Troubles:
    """Decides how each try fares: by the seed alone, the same in every drill."""

    def __init__(self, seed: int, journal: Path, life: int) -> None:
        self._seed = seed
        self._life = life
        self._tries: Counter[str] = Counter()
        self._numbers = count(1)
        # What is appended in one write is there, whoever is killed then.
        self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, **event: object) -> None:
        os.write(self._journal, f"{json.dumps(event)}\n".encode())

    def next_trouble(self, address: str) -> tuple[str, float]:
        self._tries[address] += 1
        draw = Random(f"{self._seed}:{self._life}:{address}:{self._tries[address]}")  # noqa: S311
        kinds = ("later", "full", "slow", "hang-up", "none")
        [kind] = draw.choices(kinds, (8, 6, 6, 6, 74))
        return kind, draw.uniform(0.005, 0.03)

    async def handle_EHLO(  # noqa: N802 -- the name aiosmtpd calls
        self,
        server: "_Faulty",
        session: Session,
        envelope: Envelope,
        hostname: str,
        words: list[str],
    ) -> list[str]:
        session.host_name = hostname
        # What aiosmtpd can and does not say (RFC 2920); an old server, after its outage, cannot.
        offered = ["250-PIPELINING"] * (self._life % 2)
        return [*words[:-1], *offered, words[-1]]

    async def handle_RCPT(  # noqa: N802
        self, server: "_Faulty", session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if is_refused(number_of(address)):
            return "550 5.1.1 no such user"
        server.trouble, server.pause = self.next_trouble(address)
        if server.trouble == "later":
            return "451 4.3.0 come again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: "_Faulty", session: Session, envelope: Envelope
    ) -> str:
        if server.trouble == "slow":
            await asyncio.sleep(server.pause)
        if server.trouble == "full":
            return "452 4.2.2 mailbox full"
        content = envelope.content
        assert isinstance(content, bytes)  # noqa: S101 -- decode_data is off
        queued = f"{self._life}-{next(self._numbers)}"
        self.note(
            session=server.number,
            address=envelope.rcpt_tos[0],
            message_id=_message_id(content),
            queued=queued,
        )
        return f"250 2.0.0 Ok: queued as {queued}"

    async def handle_QUIT(  # noqa: N802
        self, server: "_Faulty", session: Session, envelope: Envelope
    ) -> str:
        self.note(session=server.number, quit=True)
        return "221 2.0.0 Bye"


class _Faulty(SMTP):
    """One connection."""

    trouble = "none"
    pause = 0.0

    def __init__(self, troubles: _Troubles, number: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(troubles, hostname="drill.test", loop=loop)
        self.number = number

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if self.trouble != "hang-up":
            await super().smtp_DATA(arg)
            return
        await self.push("354 go on")
        await self._reader.readline()
        assert isinstance(self.transport, asyncio.Transport)  # noqa: S101 -- of a connection
        self.transport.abort()  # half-way: the mail is not kept


def _message_id(content: bytes) -> str:
    for line in content.split(b"\r\n"):
        if line.lower().startswith(b"message-id:"):
            return line.partition(b":")[2].strip().decode("ascii")
    raise ValueError("a mail without Message-ID")


def serve(port: int, *, seed: int, journal: Path, life: int) -> None:
    """Listen at `port` until killed or left alone, for the `life`th time."""
    asyncio.run(_serve(port, _Troubles(seed, journal, life), life))


async def _serve(port: int, troubles: _Troubles, life: int) -> None:
    loop = asyncio.get_running_loop()
    numbers: Iterator[int] = count(1)
    server = await loop.create_server(
        lambda: _Faulty(troubles, f"{life}-{next(numbers)}", loop), "127.0.0.1", port
    )
    drill = os.getppid()
    while os.getppid() == drill:
        await asyncio.sleep(0.5)
    server.close()
