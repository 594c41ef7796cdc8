"""`pilot worklist import` killed half-way: the same file again, and every row is answered once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sqlmodel import col, func, select

from models.rules.stages import Channel, Stage
from models.tables.case import Answer
from tasks.database import reading
from tasks.workbooks.worklist_sheets import REASON, RECEIPT, STATUS
from tests.builders import COUNTY, World
from tests.deployments.cli.conftest import Pilot
from tests.deployments.cli.test_worklists import LAYOUTS, exported, imported
from tests.tasks.workbooks.sheets import Paper

_PILOT = Path(sys.executable).with_name("pilot")
_LAYOUT = LAYOUTS[Stage.APPLICATION, "county-review"]
#: So many that one who watches is never too late to kill it half-way.
_ROWS = 24


def filled_worklist(pilot: Pilot, world: World) -> tuple[Path, list[str]]:
    """Return a worklist in which every row is filled in, and the cases in its order."""
    cases = [
        world.started(Stage.APPLICATION, "county-review", enterprise=world.register_enterprise())
        for _ in range(_ROWS)
    ]
    paper = exported(pilot, COUNTY)
    for case_no in cases:
        paper.fill(_LAYOUT, world.item_id(case_no), world.typical(case_no))
    return paper.save(), cases


def receipts(world: World) -> dict[int, str]:
    """Return the receipts of the answers that came by Excel, by item; none has two."""
    with reading(world.engine) as session:
        rows = session.exec(
            select(Answer.item_id, Answer.receipt).where(Answer.channel == Channel.EXCEL)
        ).all()
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def count(world: World) -> int:
    with reading(world.engine) as session:
        return session.exec(select(func.count()).where(col(Answer.channel) == Channel.EXCEL)).one()


def kill_after(world: World, path: Path, answered: int) -> int:
    """Import in a process of its own, SIGKILL once so many rows are answered; return how many."""
    process = subprocess.Popen(
        [_PILOT, "worklist", "import", path],
        env={**os.environ, "PILOT_TODAY": world.today.isoformat()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while count(world) < answered and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    process.kill()
    _, said = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, said
    return count(world)


def test_an_import_that_was_killed_twice_is_finished_by_the_same_file(
    pilot: Pilot, world: World
) -> None:
    path, cases = filled_worklist(pilot, world)
    mails_before = world.last_mail()
    first: dict[int, str] = {}
    for answered in (1, 12):
        killed_at = kill_after(world, path, answered)
        assert answered <= killed_at < _ROWS
        assert receipts(world).items() >= first.items()
        first = receipts(world)
    assert not (pilot.home / "list.结果.xlsx").exists()

    status, document = imported(pilot, path)

    assert (status, document["accepted"], document["refused"]) == (0, _ROWS, 0)
    every = receipts(world)
    assert len(every) == _ROWS
    assert every.items() >= first.items()
    rows = Paper(pilot.home / "list.结果.xlsx").rows(_LAYOUT.title)
    assert [row_told(row) for row in rows] == [("已受理", f"{case_no}-0003") for case_no in cases]
    assert all(row[REASON].startswith("推荐，经办人 陈立；下一步：市级审核") for row in rows)
    # Each case has moved one step, once, with the mails of one answer.
    assert {world.at(case_no) for case_no in cases} == {(Stage.APPLICATION, "city-review", 1)}
    told = [world.mails(case_no, after=mails_before) for case_no in cases]
    assert told == [told[0]] * _ROWS
    assert world.verify() == []
    after = world.dump()
    assert imported(pilot, path)[1]["rows"] == document["rows"]
    assert world.dump() == after


def row_told(row: dict[str, Any]) -> tuple[Any, Any]:
    return row[STATUS], row[RECEIPT]
