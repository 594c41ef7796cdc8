"""One running instance: real Prefect server, worker, dispatcher, mail server."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlalchemy import Engine, make_url, update
from sqlmodel import col, select

from deployments.demonstration.answers import typical_answer
from deployments.demonstration.loading import facts_of
from models.rules.stages import Stage
from models.tables.case import Answer, Case, StageRun, WorkItem
from models.tables.party import Party
from models.tables.programme import Heartbeat, ProgrammeRow
from tasks.database import make_engine, reading, transaction

_T = TypeVar("_T")

#: Long enough for a machine that does other things, too; a system that works needs a tenth of it.
PATIENCE_SECONDS = 90.0


def wait_for(look: Callable[[], _T | None], what: str, seconds: float = PATIENCE_SECONDS) -> _T:
    """Return what `look` finds, as soon as it finds something; fail with `what` otherwise."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < until, f"waited {seconds:.0f} s in vain for: {what}"
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Instance:
    """`pilot up` on a home and ports of its own."""

    def __init__(self, home: Path, **settings: str) -> None:
        """Choose the ports; nothing is started yet."""
        self.home = home
        self.prefect_port, self.mailbox_port, smtp_port = free_ports(3)
        self.env = {
            **{name: value for name, value in os.environ.items() if not _is_ours(name)},
            "PILOT_HOME": str(home),
            "PILOT_PREFECT_PORT": str(self.prefect_port),
            "PILOT_MAILBOX_PORT": str(self.mailbox_port),
            "PILOT_SMTP_CATCH_PORT": str(smtp_port),
            **settings,
        }
        self.env.pop("PYTHONDONTWRITEBYTECODE", None)
        self.api = httpx.Client(
            base_url=f"http://127.0.0.1:{self.prefect_port}/api/", timeout=60, trust_env=False
        )
        url = settings.get("PILOT_DATABASE_URL") or f"sqlite:///{home / 'pilot.db'}"
        self.engine: Engine = make_engine(make_url(url))
        self.process: subprocess.Popen[str] | None = None

    # -- life and death -----------------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait until it says that it is up."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.said = self.home / "said.log"
        with self.said.open("w") as output:
            self.process = subprocess.Popen(
                [*_PILOT, "up"], env=self.env, stdout=output, stderr=subprocess.STDOUT, text=True
            )

        def is_up() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.said.read_text()
            return "已启动" in self.said.read_text()

        wait_for(is_up, "pilot up", 180)

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Stop it, by default as Ctrl-C does; return its exit status."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(60)

    def close(self) -> None:
        """Let go of what this test process holds of it."""
        self.api.close()
        self.engine.dispose()

    def pid_of(self, part: str) -> int:
        """Return the present process of one part."""
        run = json.loads((self.home / "run.json").read_text())
        return int(run["children"][part]["pid"])

    def kill(self, part: str) -> None:
        """Kill one part as a power cut would; the supervisor brings it back."""
        os.kill(self.pid_of(part), signal.SIGKILL)

    def wait_healthy(self) -> None:
        """Wait until every part answers again."""
        wait_for(lambda: self.status()["healthy"], "every part to answer")

    def status(self) -> dict[str, Any]:
        """Return what `pilot status --json` says."""
        said: dict[str, Any] = json.loads(self.pilot("status", "--json").stdout)
        return said

    def wait_for_a_beat(self) -> None:
        """Return when the worker has just done what it does between polls: next, it polls.

        Whoever locks the database at another moment waits for the worker's patience, half a minute.
        """

        def signed() -> datetime:
            with reading(self.engine) as session:
                return session.get_one(Heartbeat, "worker").beat_at

        before = signed()
        wait_for(lambda: signed() != before, "a beat of the worker")

    # -- the command line ---------------------------------------------------------------------

    def pilot(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one `pilot` command."""
        return subprocess.run(
            [*_PILOT, *words], env=self.env, check=check, capture_output=True, text=True
        )

    def answer(self, item_id: int, form: Mapping[str, object]) -> dict[str, Any]:
        """Answer an item by `pilot answer`; return the receipt."""
        file = self.home / f"form-{item_id}.json"
        file.write_text(json.dumps(form, ensure_ascii=False, default=str))
        done = self.pilot("answer", str(item_id), "--form", str(file), "--json")
        receipt: dict[str, Any] = json.loads(done.stdout)["receipt"]
        return receipt

    # -- the database -------------------------------------------------------------------------

    def open_item(self, case_no: str) -> WorkItem | None:
        """Return what the case waits for."""
        with reading(self.engine) as session:
            return session.exec(
                select(WorkItem).where(
                    WorkItem.case_no == case_no, col(WorkItem.closed_at).is_(None)
                )
            ).first()

    def answers_to(self, item_id: int) -> list[Answer]:
        """Return every answer that was given to the item, the refused ones too."""
        with reading(self.engine) as session:
            return [*session.exec(select(Answer).where(Answer.item_id == item_id))]

    def typical(self, case_no: str, **wishes: Any) -> dict[str, object]:
        """Return the form that carries the case on from its open item."""
        with reading(self.engine) as session:
            item = self.open_item(case_no)
            case = session.get_one(Case, case_no)
            enterprise = session.get_one(Party, case.enterprise_id)
            today = session.exec(select(ProgrammeRow.demonstration_today)).one()
        assert item is not None
        assert today is not None
        return typical_answer(
            item.stage,
            item.step,
            enterprise=facts_of(enterprise),
            case_no=case_no,
            today=today,
            **wishes,
        )

    def move_to(self, day: date) -> None:
        """Move the demonstration's clock to `day` and have the day swept."""
        with transaction(self.engine) as session:
            session.execute(update(ProgrammeRow).values(demonstration_today=day))
        deployment = self.api.get("deployments/name/每日巡检/试点").raise_for_status().json()
        self.api.post(
            f"deployments/{deployment['id']}/create_flow_run", json={"name": f"巡检 {day}"}
        ).raise_for_status()

        def swept() -> bool:
            with reading(self.engine) as session:
                row = session.get(Heartbeat, "sweep")
            return row is not None and row.detail == day.isoformat()

        wait_for(swept, f"the sweep of {day}")

    # -- Prefect ------------------------------------------------------------------------------

    def run_of(self, case_no: str) -> dict[str, Any] | None:
        """Return the run that stands at the form of the case's open item, if it does by now."""
        item = self.open_item(case_no)
        if item is None:
            return None
        with reading(self.engine) as session:
            stay = session.exec(
                select(StageRun).where(
                    StageRun.case_no == case_no, StageRun.asked_item_id == item.id
                )
            ).first()
        if stay is None or stay.flow_run_id is None:
            return None
        run: dict[str, Any] = self.api.get(f"flow_runs/{stay.flow_run_id}").json()
        state = run.get("state") or {}
        keys = (state.get("state_details") or {}).get("run_input_keyset") or {}
        expected = f"suspended-i{item.id}-{stay.generation}-{stay.asked_count}-response"
        if state.get("type") != "PAUSED" or keys.get("response") != expected:
            return None
        # Prefect shows the state first, then writes the form's schema, then the words above it.
        words = self.api.get(f"flow_runs/{stay.flow_run_id}/input/{keys['description']}")
        return run if words.is_success else None

    def wait_at_form(self, case_no: str) -> dict[str, Any]:
        """Wait until the case's open item can be answered in Prefect; return the run."""
        return wait_for(lambda: self.run_of(case_no), f"the form of {case_no}")

    def words_above(self, run: Mapping[str, Any]) -> str:
        """Return the markdown above the form of a run."""
        key = run["state"]["state_details"]["run_input_keyset"]["description"]
        return str(self.api.get(f"flow_runs/{run['id']}/input/{key}").raise_for_status().json())

    def resume(self, case_no: str, form: Mapping[str, object]) -> None:
        """Answer the case's open item in Prefect, as its form does."""
        self.submit(self.wait_at_form(case_no), form)

    def submit(self, run: Mapping[str, Any], form: Mapping[str, object]) -> None:
        """Submit the form at which a run stands."""
        reply = self.api.post(
            f"flow_runs/{run['id']}/resume",
            content=json.dumps({"run_input": form}, default=str),
        )
        assert reply.json().get("status") == "ACCEPT", reply.text

    def resume_and_wait(self, case_no: str, form: Mapping[str, object]) -> None:
        """Answer in Prefect and wait until the answer has moved the case."""
        item = self.open_item(case_no)
        assert item is not None
        self.resume(case_no, form)

        def closed() -> bool:
            now = self.open_item(case_no)
            return now is None or now.id != item.id

        wait_for(closed, f"the answer to {item.stage.label} {item.step}")

    def stage_of(self, case_no: str) -> Stage:
        """Return where the case stands."""
        with reading(self.engine) as session:
            return session.get_one(Case, case_no).stage

    def runs_in(self, *states: str) -> list[str]:
        """Return the runs in one of the states."""
        runs = self.api.post(
            "flow_runs/filter",
            json={"flow_runs": {"state": {"type": {"any_": list(states)}}}, "limit": 200},
        ).json()
        return [run["name"] for run in runs]

    def unfinished(self) -> list[str]:
        """Return our runs that Prefect still has to execute (not those that wait for a person)."""
        runs = self.api.post(
            "flow_runs/filter",
            json={
                "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}},
                "limit": 200,
            },
        ).json()
        # The schedules' next runs are always there.
        return [run["name"] for run in runs if not run["auto_scheduled"]]

    # -- mail ---------------------------------------------------------------------------------

    def mails(self, **query: str) -> list[dict[str, Any]]:
        """Return the mails that were caught."""
        page = httpx.get(
            f"http://127.0.0.1:{self.mailbox_port}/api/mails",
            params=query,
            trust_env=False,
            timeout=30,
        )
        found: list[dict[str, Any]] = page.json()["mails"]
        return found


@contextmanager
def running(instance: Instance) -> Iterator[Instance]:
    """Have an instance up within the block; it must end as it should."""
    try:
        instance.start()
        yield instance
    finally:
        status = instance.stop()
        instance.close()
    assert status == 0, instance.said.read_text()


def _is_ours(name: str) -> bool:
    return name.startswith(("PILOT_", "PREFECT_"))


_PILOT = [sys.executable, "-c", "from deployments.cli import main; main()"]
