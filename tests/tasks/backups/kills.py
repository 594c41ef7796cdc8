"""`python -m tests.tasks.backups.kills backup|restore URL HOME TRIES PATH`: killed line after line.

A process of its own with one thread: each try is a fork that dies by SIGKILL as it reaches its
line of `tasks/backups`. Prints how many tries died, and how many found the old and the new state.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import CodeType, FrameType

from sqlalchemy import make_url

from models.operations.audit import verify
from tasks.backups.archive import unpack
from tasks.backups.refusals import DatabaseInUseError
from tasks.backups.restoring import restore_backup
from tasks.database import make_engine, reading
from tests.kills import dies_at, traced
from tests.tasks.backups.conftest import AT, Place

_OURS = os.sep + os.path.join("tasks", "backups") + os.sep


def _counted(code: CodeType) -> bool:
    return _OURS in code.co_filename and "tests" not in code.co_filename


def _stroke(code: CodeType) -> bool:
    return _counted(code) and code.co_name == "replace"


def lines_of(work: Callable[[], object]) -> tuple[int, int]:
    """Do `work` once; return how many lines it has in all, and in functions named `replace`."""
    lines = strokes = 0

    def note(frame: FrameType) -> None:
        nonlocal lines, strokes
        lines += 1
        strokes += _stroke(frame.f_code)

    with traced(_counted, note):
        work()
    return lines, strokes


def spread(lines: int, wanted: int) -> list[int]:
    """Return that many numbers up to `lines`, evenly apart."""
    return sorted({max(1, lines * number // wanted) for number in range(1, wanted + 1)})


def kill_backups(place: Place, out: Path, tries: int) -> dict[str, int]:
    """Kill backups to `out`: under its name there is nothing, or a whole one."""
    file = out / "x.tar.gz"
    lines, _ = lines_of(lambda: place.backup(file))
    file.unlink()
    place.engine.dispose()
    died = whole = 0
    for line in spread(lines, tries):
        died += dies_at(line, lambda: place.backup(file), _counted)
        if file.exists():
            unpack(file, lambda name: None)
            whole += 1
            file.unlink()
    place.backup(file)
    left = [path.name for path in out.iterdir()]
    assert left == ["x.tar.gz"], left
    assert not (place.home / "backup-work").exists()
    return {"died": died, "whole": whole}


def kill_restores(place: Place, earlier: Path, tries: int) -> dict[str, int]:
    """Kill restores of an earlier backup and of the present in turn: one or the other stands."""

    def restore(file: Path, second: int) -> None:
        # What is kept aside is called by the second. A dump that outlived its parent may be
        # connected for a moment.
        at = AT + timedelta(seconds=second)
        for _ in range(100):
            try:
                restore_backup(file, place.home, place.engine, at, force=True)
            except DatabaseInUseError:
                time.sleep(0.1)
                continue
            return

    files, states = [earlier, place.backup().file], [{}, place.dump()]
    lines, strokes = lines_of(lambda: restore(earlier, 0))
    states[0] = place.dump()
    assert states[0] != states[1]
    died = old = new = present = 0
    # With few tries the two that count: before the one stroke, and after it.
    anywhere = [(line, _counted) for line in spread(lines, tries)[:-1]]
    around_the_stroke = [(line, _stroke) for line in spread(strokes, tries + 1)]
    for second, (line, counted) in enumerate((*anywhere, *around_the_stroke), start=1):
        place.engine.dispose()
        wanted = 1 - present
        died += dies_at(line, partial(restore, files[wanted], second), counted)
        found = states.index(place.dump())
        with reading(place.engine) as session:
            assert verify(session)[1] == []
        old, new = old + (found == present), new + (found == wanted)
        present = found
    return {"died": died, "old": old, "new": new}


if __name__ == "__main__":
    what, url, home, tries, path = sys.argv[1:]
    killing = {"backup": kill_backups, "restore": kill_restores}[what]
    place = Place(Path(home), make_engine(make_url(url)))
    print(json.dumps(killing(place, Path(path), int(tries))))
