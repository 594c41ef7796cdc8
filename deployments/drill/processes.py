"""The processes of a drill: forked, so that ending and starting one costs milliseconds."""

import logging
import mmap
import os
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from pathlib import Path
from typing import NoReturn

from sqlalchemy import URL

from models.operations import outbox
from models.rules.mail import Attempt
from models.tables.mail import machine_now
from notifications.mime import Letter
from notifications.settings import MailMode, MailSettings
from notifications.smtp import Sender
from tasks.database import make_engine, reading, unsynced
from tasks.mail import dispatch_once

#: Mails that a dispatcher takes at once: few, so that two of them share what there is.
_AT_ONCE = 3
_IDLE_SECONDS = 0.002


class Shared:
    """What the processes see of one another: the drill's clock, and how busy each is."""

    def __init__(self) -> None:
        """Begin at the machine's time."""
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def now(self) -> datetime:
        """Return the drill's time."""
        (ahead,) = struct.unpack_from("d", self._memory, 0)
        return machine_now() + timedelta(seconds=ahead)

    def pass_by(self, length: timedelta) -> None:
        """Move the clock forward."""
        (ahead,) = struct.unpack_from("d", self._memory, 0)
        struct.pack_into("d", self._memory, 0, ahead + length.total_seconds())

    def begun(self, place: int) -> int:
        """Return how many mails the dispatcher at `place` has begun."""
        (number,) = struct.unpack_from("q", self._memory, 8 + 8 * place)
        return int(number)

    def begin(self, place: int) -> None:
        """Count one more."""
        struct.pack_into("q", self._memory, 8 + 8 * place, self.begun(place) + 1)


class Gate:
    """Open for any number of rounds at once, or shut by one who then has no round beside him.

    A file's lock, because the kernel lets go of it when its holder is killed.
    """

    def __init__(self, path: Path) -> None:
        """Stand at `path`; each process has its own."""
        self._gate = os.open(path, os.O_RDWR | os.O_CREAT)
        # Who waits to shut the gate holds the door before it: else those who come and go through
        # it side by side would keep him waiting for ever.
        self._door = os.open(path.with_suffix(".door"), os.O_RDWR | os.O_CREAT)

    @contextmanager
    def held(self, *, shut: bool) -> Iterator[None]:
        """Go through, or shut it."""
        flock(self._door, LOCK_EX)
        flock(self._gate, LOCK_EX if shut else LOCK_SH)
        flock(self._door, LOCK_UN)
        try:
            yield
        finally:
            flock(self._gate, LOCK_UN)


def fork(work: Callable[[], None]) -> int:
    """Return the number of a new process that does `work` and nothing else."""
    sys.stdout.flush()
    sys.stderr.flush()
    number = os.fork()
    if not number:
        _do(work)
    return number


def _do(work: Callable[[], None]) -> NoReturn:
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the drill ends us
        logging.disable(logging.WARNING)  # refusals are what a drill is about
        work()
        status = 0
    finally:
        os._exit(status)  # nothing of the parent's is cleared up here


def kill(number: int) -> None:
    """End a process as a power cut would, and wait until it is gone."""
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)


def has_ended(number: int) -> bool:
    """Return whether a process has come to its end by itself; then there is no more to be ended."""
    return os.waitpid(number, os.WNOHANG)[0] == number


def dispatch(url: URL, port: int, gate: Path, shared: Shared, place: int) -> None:
    """Send what is due, round by round, until killed or left alone."""

    class Counting(Sender):
        def send(self, message: Letter, *, following: Letter | None = None) -> Attempt:
            shared.begin(place)
            return super().send(message, following=following)

    engine = make_engine(url)
    sender = Counting(MailSettings(mode=MailMode.CATCH, catch_port=port))
    here = Gate(gate)
    drill = os.getppid()
    while os.getppid() == drill:
        with reading(engine) as session:
            is_due = outbox.is_due(session, now=shared.now())
        if not is_due:
            time.sleep(_IDLE_SECONDS)
            continue
        with here.held(shut=False), unsynced(engine) as database:
            dispatch_once(
                database.transaction,
                sender,
                noting=database.statement,
                now=shared.now,
                limit=_AT_ONCE,
            )
