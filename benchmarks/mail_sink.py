"""`python -m benchmarks.mail_sink`: a mail server on a free port that takes everything."""

import asyncio

from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, Envelope, Session


class _Pipelining(Sink):
    """Says what aiosmtpd can and does not say, and every real server does: RFC 2920."""

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, words: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*words[:-1], "250-PIPELINING", words[-1]]


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(_Pipelining(), hostname="sink.test", loop=loop), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
