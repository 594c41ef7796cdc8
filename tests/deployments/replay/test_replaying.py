"""A replay as its command runs it: repeatable to the byte, sound whatever people do."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL
from sqlmodel import select

from deployments.replay.replaying import replay
from deployments.replay.wanted import Wanted
from models.rules.stages import CaseStatus
from models.tables.programme import ProgrammeRow
from tasks.database import make_engine, reading

COMMAND = "from deployments.cli import main; main()"


def run(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, "replay", *arguments],
        env={"PATH": "", "PILOT_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=280,
    )


def played(*arguments: str, home: Path, **environment: str) -> str:
    done = run(home, "--json", *arguments, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_same_seed_gives_the_same_bytes_and_touches_nothing(tmp_path):
    wanted = ["--enterprises=3", "--from=2024-03-04", "--to=2024-04-12"]

    one = played(*wanted, home=tmp_path, PYTHONHASHSEED="1")
    # Neither the order of sets nor what is set outside is of any consequence.
    again = played(
        *wanted,
        home=tmp_path,
        PYTHONHASHSEED="2",
        PILOT_TODAY="2025-05-05",
        PILOT_MAIL_FROM_ADDRESS="other@example.org",
        TZ="America/New_York",
    )

    assert one == again
    assert list(tmp_path.iterdir()) == []
    said = json.loads(one)
    assert said["is_sound"] is True
    assert said["outcome"]["breaches"] == []
    assert said["outcome"]["answers"] > 10
    assert said["outcome"]["sealed_days"] == 40


def test_both_databases_come_to_the_same(postgresql):
    wanted = Wanted(enterprises=3, first=date(2024, 3, 11), last=date(2024, 4, 12), seed=5)

    assert replay(wanted, server=postgresql) == replay(wanted)


def test_another_seed_is_another_pilot():
    days = {"first": date(2024, 3, 20), "last": date(2024, 3, 25)}

    digests = {replay(Wanted(enterprises=2, seed=seed, **days)).digest for seed in (1, 2)}

    assert len(digests) == 2


@pytest.mark.parametrize("seed", [12, 13, 14])
def test_whatever_people_do_the_pilot_comes_out_sound(seed):
    outcome = replay(
        Wanted(enterprises=6, first=date(2024, 3, 4), last=date(2024, 5, 17), seed=seed)
    )

    assert outcome.breaches == []
    assert sum(each.cases for each in outcome.cases) == 6
    assert {"item_opened", "receipt", "due_matters"} <= {mail.kind for mail in outcome.mails}
    assert all(mail.sent + mail.failed + mail.cancelled == mail.queued for mail in outcome.mails)


def test_a_batch_is_paid_within_its_ceilings():
    outcome = replay(
        Wanted(enterprises=4, first=date(2024, 2, 20), last=date(2024, 12, 31), seed=11)
    )

    assert outcome.breaches == []
    paid = sum(each.cases for each in outcome.cases if each.status is CaseStatus.COMPLETED)
    [money, later] = outcome.money
    assert 0 < money.payments == paid
    assert 0 < money.paid <= money.granted <= money.ceilings
    assert later.payments == 0
    assert {each.state.value for each in outcome.milestones} > {"done", "overdue"}


def test_a_replay_that_is_kept_can_be_looked_at_on_its_last_day(tmp_path):
    home = tmp_path / "kept"

    said: dict[str, Any] = json.loads(
        played(
            "--enterprises=1",
            "--from=2024-03-20",
            "--to=2024-03-29",
            f"--keep={home}",
            home=tmp_path / "own",
        )
    )

    engine = make_engine(URL.create("sqlite", database=str(home / "pilot.db")))
    with reading(engine) as session:
        programme = session.exec(select(ProgrammeRow)).one()
    engine.dispose()
    assert (programme.is_demonstration, programme.demonstration_today) == (True, date(2024, 3, 29))
    assert str(tmp_path) not in json.dumps(said)
    refused = run(tmp_path / "own", "--enterprises=1", f"--keep={home}")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "不是空的" in refused.stderr
