"""A replay from end to end: a scratch database, the course of the days, what has come of it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, update

from deployments.prefect_environment import enter_prefect_environment
from deployments.replay.course import prepare
from deployments.replay.engines import Direct, Engine
from deployments.replay.outcome import Outcome, outcome_of
from deployments.replay.scratch import scratch
from deployments.replay.wanted import EngineName, Wanted
from deployments.settings import Settings
from models.tables.programme import ProgrammeRow
from tasks.database import reading, transaction


def replay(
    wanted: Wanted,
    engine: EngineName = EngineName.DIRECT,
    *,
    keep: Path | None = None,
    server: URL | None = None,
) -> Outcome:
    """Return what comes of it; with `keep` its home stays there, standing on the last day.

    Raises `PilotError` where the days or the folder are of no use. Through Prefect, a process can
    play only once, and only if nothing has imported Prefect before.
    """
    with scratch(keep, server):
        course = prepare(wanted)
        with _engine(engine) as playing:
            course.run(playing)
            playing.finish()
        with transaction() as session:
            session.execute(update(ProgrammeRow).values(demonstration_today=wanted.last))
        with reading() as session:
            return outcome_of(session, wanted, course.programme)


@contextmanager
def _engine(name: EngineName) -> Iterator[Engine]:
    if name is EngineName.DIRECT:
        yield Direct()
        return
    os.environ["PILOT_PREFECT_PORT"] = str(_free_port())
    settings = Settings.read()
    enter_prefect_environment(settings)
    # Only now: Prefect reads its settings when it is first imported.
    from deployments.replay.by_prefect import prefect_engine

    with prefect_engine(settings) as engine:
        yield engine


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
