"""The command line on the tests' databases, run in this process."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployments.cli.application import run
from tasks import database
from tests.builders import World


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Pilot:
    """The command line, as somebody uses it on the world's day."""

    world: World
    home: Path
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object) -> Ran:
        """Run a command."""
        self.monkeypatch.setenv("PILOT_TODAY", self.world.today.isoformat())
        self.capture.readouterr()
        status = run([str(argument) for argument in arguments])
        said = self.capture.readouterr()
        return Ran(status, said.out, said.err)

    def json(self, *arguments: object) -> Any:
        """Run a command that succeeds with `--json`, and return the document."""
        ran = self(*arguments, "--json")
        assert (ran.status, ran.err) == (0, "")
        return json.loads(ran.out)

    def refused(self, *arguments: object) -> str:
        """Run a command that is refused, check that nothing has changed, return the reason."""
        before = self.world.dump()
        ran = self(*arguments)
        assert (ran.status, ran.out) == (1, ""), ran
        assert self.world.dump() == before
        return ran.err.removeprefix("✗ ").removesuffix("\n")


@pytest.fixture
def pilot(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Pilot]:
    """The command line on the world's database, in a terminal of 100 columns."""
    url = world.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("PILOT_DATABASE_URL", url)
    monkeypatch.setenv("PILOT_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    yield Pilot(world, tmp_path, monkeypatch, capsys)
    database.engine().dispose()
