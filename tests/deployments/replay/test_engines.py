"""The same days through real flow runs and by operations alone: one and the same database."""

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

#: Two enterprises from their application to the diagnosis of one: answers by every channel, notices
#: begun and ended, reminders, evidence of a milestone, the end of a window.
WANTED = ("--enterprises=2", "--from=2024-03-11", "--to=2024-04-12", "--seed=1")


def played(engine, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from deployments.cli import main; main()",
            *("replay", "--json", f"--engine={engine}", *WANTED),
        ],
        env={"PATH": "", "PILOT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["outcome"]


def test_flow_runs_leave_the_database_that_operations_alone_leave(tmp_path):
    through_prefect = played("prefect", tmp_path)

    assert through_prefect == played("direct", tmp_path)
    assert through_prefect["answers"] >= 7
    assert through_prefect["notices"] > 0
    assert list(tmp_path.iterdir()) == []
