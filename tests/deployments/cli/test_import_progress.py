"""What somebody at a terminal sees of a long import, and what a pipe and a program never do."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployments.cli.conftest import Pilot
from tests.rosters import a_contact, an_enterprise, fill

_PILOT = Path(sys.executable).with_name("pilot")
_COUNT = 1500
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_READ, _WRITTEN = "读取并核对（行）", "写入（单位）"


def run_at_terminal(pilot: Pilot, *arguments: object) -> tuple[str, str]:
    """Run the executable with a terminal for its errors, a file for its output; return both."""
    ours, theirs = pty.openpty()
    out = pilot.home / "out"
    with open(ours, "rb", buffering=0) as screen, out.open("w") as to:
        process = subprocess.Popen(
            [_PILOT, *map(str, arguments)],
            env={
                **os.environ,
                "PILOT_TODAY": pilot.world.today.isoformat(),
                "TERM": "xterm-256color",
            },
            stdin=theirs,
            stdout=to,
            stderr=theirs,
        )
        os.close(theirs)
        seen = b"".join(read_all(screen.fileno()))
        assert process.wait(timeout=60) == 0, seen
    return seen.decode(), out.read_text()


def read_all(handle: int) -> Iterator[bytes]:
    """Give what comes until nobody has the other side open any more."""
    while True:
        try:
            some = os.read(handle, 65536)
        except OSError:  # how Linux tells that
            return
        if not some:
            return
        yield some


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    numbers = range(1, _COUNT + 1)
    return fill(
        tmp_path / "名册.xlsx",
        {
            "企业": [an_enterprise(number) for number in numbers],
            "联系人": [a_contact(f"名册企业{number}") for number in numbers],
        },
    )


def test_a_terminal_sees_a_bar_that_moves_and_is_gone_at_the_end(
    pilot: Pilot, roster: Path
) -> None:
    seen, out = run_at_terminal(pilot, "import", roster)

    said = _CONTROL.sub("", seen)
    counts = [int(each.replace(",", "")) for each in re.findall(rf"{_READ} ━+ ([0-9,]+)", said)]
    assert len(set(counts)) >= 3, said
    assert counts == sorted(counts)
    assert counts[-1] >= 2 * _COUNT  # with the rows of examples
    written = re.findall(rf"{_WRITTEN} +━+ ([0-9,]+) / 1,500", said)
    assert written[-1] == "1,500"
    # The last word is a cleared line and the cursor that comes back; nothing of it stays.
    assert seen.endswith(("\x1b[2K", "\x1b[?25h"))
    assert "\x1b[?25h" in seen
    assert f"✓ 已导入：新增 {2 * _COUNT} 行" in out
    assert "\x1b" not in out
    assert _READ not in out


def test_a_program_sees_one_document_and_a_terminal_nothing(pilot: Pilot, roster: Path) -> None:
    seen, out = run_at_terminal(pilot, "import", roster, "--check", "--json")

    assert seen == ""
    assert json.loads(out)["counts"]["new"] == 2 * _COUNT


def test_what_is_no_terminal_sees_nothing_of_it(pilot: Pilot, roster: Path) -> None:
    ran = pilot("import", roster, "--check")

    assert (ran.status, ran.err) == (0, "")
    assert _READ not in ran.out
    assert "\x1b" not in ran.out
