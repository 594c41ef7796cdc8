"""Where backups work: one at a time, in a folder of their own, by the watch."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import sha256
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from models.rules.system_errors import system_reason
from tasks.backups.refusals import BackupFailedError, BusyError
from tasks.backups.sqlite import raise_if_damaged


class Watch:
    """How long each part took, in seconds."""

    def __init__(self) -> None:
        """Start."""
        self.seconds: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, part: str) -> None:
        """Note that `part` has ended just now."""
        now = time.monotonic()
        self.seconds[part] = now - self._since
        self._since = now


@contextmanager
def working(home: Path, what: str) -> Iterator[Path]:
    """Give an empty folder under `home` that is gone afterwards, to one backup or restore alone.

    Whatever one that was killed has left in it is cleared away by the next. What the machine
    refuses (no space, no right) is told as `BackupFailedError`.
    """
    work = home / "backup-work"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with (home / "backup.lock").open("w") as lock:
            try:
                flock(lock, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                raise BusyError(f"{home} 上另一个备份或恢复正在进行") from None
            _clear(work)
            work.mkdir(mode=0o700)
            try:
                yield work
            finally:
                _clear(work)
    except DBAPIError as error:
        raise_if_damaged(error.orig)
        raise
    except sqlite3.Error as error:
        raise_if_damaged(error)
        raise BackupFailedError(what, str(error)) from error
    except OSError as error:
        raise BackupFailedError(what, system_reason(error)) from error


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def name_for(home: Path, what: str) -> str:
    """Return a name for a scratch database that only this home uses, the same every time."""
    return f"{what}_{sha256(str(home).encode()).hexdigest()[:8]}"
