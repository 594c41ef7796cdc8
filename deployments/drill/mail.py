"""`pilot drill mail`: dispatchers killed over and over, a server full of faults, and nothing lost.

Two dispatchers side by side are killed by SIGKILL at random points of their work, while the server
refuses, delays, is slow, hangs up half-way and is down for an hour. The hours pass on a clock of
the drill's own.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import URL, Engine, create_engine, func, select, text

from deployments.drill.processes import Gate, Shared, dispatch, fork, has_ended, kill
from deployments.drill.server import serve
from deployments.drill.verdict import Verdict, judge
from models.operations import outbox
from models.operations.outbox import NewMail
from models.rules.mail import MailState
from models.tables.mail import WAITING, OutboxMail
from notifications.contexts import Receipt
from tasks.database import make_engine, reading, transaction
from tasks.migration import upgrade

MAILS: Final = 200
KILLS: Final = 50
_DISPATCHERS: Final = 2
#: The drill's clock moves on by so much after each kill: the dead one's lease is over then.
_STEP: Final = timedelta(minutes=6)
_OUTAGE: Final = timedelta(hours=1)
#: How long the drill waits for a dispatcher to begin a mail before it looks for other work.
_PATIENCE_SECONDS: Final = 0.5
#: About what a mail takes from its beginning until it is noted.
_A_MAIL_SECONDS: Final = 0.006
_POLL_SECONDS: Final = 0.0005
_MOST_ROUNDS: Final = 1000

_MAIL = OutboxMail.metadata.tables["outbox_mail"]


class DrillStuckError(RuntimeError):
    """The drill does not come to its end: mails wait and nobody sends them."""


@dataclass
class _Stage:
    """What a drill has at hand."""

    engine: Engine
    folder: Path
    seed: int
    shared: Shared = field(default_factory=Shared)
    port: int = 0
    server: int = 0
    lives: int = 0
    queued: int = 0
    dispatchers: list[int] = field(default_factory=list)

    def start_server(self) -> None:
        """Have the server listen, at the same port each time."""
        if not self.port:
            with socket.create_server(("127.0.0.1", 0)) as probe:
                self.port = probe.getsockname()[1]
        self.lives += 1
        self.server = self._fork(
            partial(
                serve,
                self.port,
                seed=self.seed,
                journal=self.folder / "journal",
                life=self.lives,
            )
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", self.port)):
                    return
            time.sleep(0.01)
        raise DrillStuckError("the drill's mail server does not come up")

    def stop_server(self) -> None:
        """Have it go down in the midst of whatever it does."""
        if self.server:
            kill(self.server)
            self.server = 0

    def start_dispatcher(self, place: int) -> int:
        """Return a new dispatcher's process."""
        gate = self.folder / "gate"
        return self._fork(partial(dispatch, self.engine.url, self.port, gate, self.shared, place))

    def require_dispatchers(self) -> None:
        """Raise where one has ended and nobody had killed it: what follows would show nothing."""
        ended = [number for number in self.dispatchers if has_ended(number)]
        self.dispatchers = [number for number in self.dispatchers if number not in ended]
        if ended:
            raise DrillStuckError("a dispatcher has failed by itself")

    def _fork(self, work: partial[None]) -> int:
        self.engine.dispose()  # no connection is shared with a child
        return fork(work)

    def stop(self) -> None:
        """End all processes."""
        for number in self.dispatchers:
            kill(number)
        self.dispatchers.clear()
        self.stop_server()

    def queue(self, how_many: int) -> None:
        """Queue more mails, up to all of them."""
        numbers = range(self.queued + 1, min(self.queued + how_many, MAILS) + 1)
        self.queued += len(numbers)
        with transaction(self.engine) as session:
            outbox.queue_mails(session, [self._mail(number) for number in numbers])

    def queue_for(self, kill: int) -> None:
        """Queue what is set aside for that kill: a try that hit nobody uses up one mail at most."""
        share = kill * MAILS // KILLS - self.queued
        if share > 0:
            self.queue(share)
        elif not self.waiting():
            self.queue(1)

    def is_done(self) -> bool:
        """Return whether nobody is left to be killed at work."""
        return self.queued == MAILS and not self.waiting()

    def _mail(self, number: int) -> NewMail:
        return NewMail(
            dedup_key=f"drill:{number}",
            template=Receipt.template,
            context=_context(number).model_dump_json(),
            to_party="演练单位",
            to_name=f"演练人员{number}",
            to_address=f"p{number}@example.com",
            queued_at=self.shared.now(),
        )

    def waiting(self) -> int:
        """Return how many mails are not at their end."""
        with reading(self.engine) as session:
            return int(
                session.execute(select(func.count()).select_from(_MAIL).where(WAITING)).scalar_one()
            )

    def is_due(self) -> bool:
        """Return whether a dispatcher would find anything."""
        with reading(self.engine) as session:
            return outbox.is_due(session, now=self.shared.now())

    def leases_of(self, process: int) -> int:
        """Return how many mails a dispatcher holds, or held when it died."""
        owner = f"{socket.gethostname()}:{process}:%"
        wanted = select(func.count()).where(
            _MAIL.c.state == MailState.SENDING, _MAIL.c.lease_owner.like(owner)
        )
        with reading(self.engine) as session:
            return int(session.execute(wanted).scalar_one())

    def next_try(self) -> timedelta:
        """Return how long it is until the next mail is due."""
        with reading(self.engine) as session:
            at = session.execute(select(func.min(_MAIL.c.next_try_at)).where(WAITING)).scalar_one()
        return max(at - self.shared.now() if at else timedelta(), timedelta())


def run(server: URL | None, seed: int) -> Verdict:
    """Return how the drill went: on SQLite, or in a database of its own on that PostgreSQL."""
    begun = time.monotonic()
    with TemporaryDirectory(prefix="pilot-drill-") as folder, _scratch(server, folder) as engine:
        upgrade(engine)
        stage = _Stage(engine, Path(folder), seed)
        try:
            kills = _play(stage)
        finally:
            stage.stop()
        return judge(
            engine,
            stage.folder / "journal",
            kills=kills,
            seed=seed,
            seconds=time.monotonic() - begun,
        )


def _play(stage: _Stage) -> int:
    """Kill and let work, by turns, until all mails are at their end; return how many kills."""
    draw = Random(stage.seed)  # noqa: S311 -- a drill that can be had again
    gate = Gate(stage.folder / "gate")
    stage.start_server()
    stage.dispatchers = [stage.start_dispatcher(place) for place in range(_DISPATCHERS)]
    kills = 0
    for _ in range(_MOST_ROUNDS):
        if kills == KILLS:
            break
        if kills == KILLS // 2 and stage.lives == 1:
            _outage(stage, gate)
        with gate.held(shut=True):
            stage.shared.pass_by(_STEP)
            stage.queue_for(kills + 1)
            begun = [stage.shared.begun(place) for place in range(_DISPATCHERS)]
        place = _one_at_work(stage, begun, after=draw.choice((1, 1, 2)))
        if place is None:
            if stage.is_done():
                break
            continue
        time.sleep(draw.uniform(0, _A_MAIL_SECONDS))
        killed = stage.dispatchers[place]
        kill(killed)
        kills += stage.leases_of(killed) > 0  # one that had nothing in hand does not count
        stage.dispatchers[place] = stage.start_dispatcher(place)
    stage.queue(MAILS)
    _let_finish(stage, gate)
    return kills


def _one_at_work(stage: _Stage, begun: list[int], *, after: int) -> int | None:
    """Return the dispatcher that is first to have begun so many mails; None when none does."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for place, before in enumerate(begun):
            if stage.shared.begun(place) >= before + after:
                return place
        time.sleep(_POLL_SECONDS)
    stage.require_dispatchers()
    return None


def _outage(stage: _Stage, gate: Gate) -> None:
    """Take the server down for an hour while mails are queued and tried."""
    stage.stop_server()
    end = stage.shared.now() + _OUTAGE
    while stage.shared.now() < end:
        with gate.held(shut=True):
            stage.shared.pass_by(timedelta(minutes=5))
            stage.queue(1)
        _wait_until_idle(stage, gate)
    stage.start_server()


def _wait_until_idle(stage: _Stage, gate: Gate) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with gate.held(shut=True):
            if not stage.is_due():
                return
        time.sleep(0.005)
    raise DrillStuckError("mails are due and nobody takes them")


def _let_finish(stage: _Stage, gate: Gate) -> None:
    for _ in range(_MOST_ROUNDS):
        _wait_until_idle(stage, gate)
        with gate.held(shut=True):
            if not stage.waiting():
                return
            stage.shared.pass_by(stage.next_try())
    raise DrillStuckError("mails wait for ever")


@contextmanager
def _scratch(server: URL | None, folder: str) -> Iterator[Engine]:
    """Give an empty database, and take it away."""
    if server is None:
        engine = make_engine(URL.create("sqlite", database=f"{folder}/drill.db"))
        yield engine
        engine.dispose()
        return
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"pilot_drill_{os.getpid()}"
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        engine = make_engine(server.set(database=name))
        yield engine
        engine.dispose()
    finally:
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        admin.dispose()


def _context(number: int) -> Receipt:
    return Receipt.model_validate(
        {
            "programme_name": "演练",
            "document_no": "演练",
            "office_name": "演练办公室",
            "recipient_party": "演练单位",
            "recipient_name": f"演练人员{number}",
            "case_no": f"HS-9-{number:04}",
            "enterprise_name": "演练企业",
            "trial_note": "演练",
            "receipt_no": str(number),
            "stage_name": "申报",
            "step_name": "提交申报材料",
            "outcome_name": "已提交",
            "answered_by": "演练人员",
            "channel_name": "命令行",
            "answered_at": "2024-03-25T09:00:00+08:00",
        }
    )
