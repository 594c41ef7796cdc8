"""Test support: the real Prefect server and workers of one instance, in a scratch home."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun

REPOSITORY = Path(__file__).parent.parent


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Instance:
    """One home and port, with the processes started on it."""

    home: Path
    port: int = field(default_factory=free_port)
    password: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    server: subprocess.Popen[bytes] = field(init=False)

    @property
    def environment(self) -> dict[str, str]:
        """What a process of this instance has around it."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "PILOT_", "PYTHONDONTWRITEBYTECODE"))
        }
        own = {"PILOT_HOME": str(self.home), "PILOT_PREFECT_PORT": str(self.port), **self.extra}
        if self.password:
            own["PILOT_UI_PASSWORD"] = self.password
        return inherited | own

    @property
    def api_url(self) -> str:
        """The server's API."""
        return f"http://127.0.0.1:{self.port}/api"

    def client(self) -> SyncPrefectClient:
        """Return a client of this instance's server."""
        credentials = f"pilot:{self.password}" if self.password else None
        return SyncPrefectClient(self.api_url, auth_string=credentials)

    def start(self, module: str, *arguments: str, **extra: str) -> subprocess.Popen[bytes]:
        """Start `python -m module`, its output going to `<home>/<last part of module>.log`."""
        with (self.home / f"{module.rpartition('.')[2]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=self.environment | extra,
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Prefect's worker ends by a SIGINT to itself, which a background shell ignores.
                preexec_fn=_heed_interrupts,
            )

    def start_server(self) -> None:
        """Start the server and wait until it answers."""
        self.server = self.start("deployments.prefect_server")
        until(lambda: self.answers() or self.server.poll() is not None, within=180)
        if self.server.poll() is not None:
            raise RuntimeError((self.home / "prefect_server.log").read_text(encoding="utf-8"))

    def answers(self) -> bool:
        """Return whether the server is up."""
        try:
            return httpx.get(f"{self.api_url}/health", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    @contextmanager
    def process(self, module: str, *arguments: str, **extra: str) -> Iterator[Any]:
        """Have `python -m module` running within the block."""
        process = self.start(module, *arguments, **extra)
        try:
            yield process
        finally:
            end(process)

    def create_run(self, deployment: str, name: str, **parameters: object) -> UUID:
        """Create a run of the deployment `flow/name`, as soon as that is registered."""
        with self.client() as client:
            registered = until(lambda: self._deployment_id(deployment), within=30)
            run = client.create_flow_run_from_deployment(
                registered, name=name, parameters=parameters
            )
            return run.id

    def _deployment_id(self, deployment: str) -> UUID | None:
        flow, _, name = deployment.partition("/")
        with self.client() as client:
            found = client.request(
                "POST",
                "/deployments/filter",
                json={
                    "flows": {"name": {"any_": [flow]}},
                    "deployments": {"name": {"any_": [name]}},
                },
            ).json()
        return UUID(found[0]["id"]) if found else None

    def run(self, flow_run_id: UUID) -> FlowRun:
        """Return the run as it is now."""
        with self.client() as client:
            return client.read_flow_run(flow_run_id)

    def in_state(
        self, flow_run_id: UUID, name: str, *, key: str | None = None, within: float = 60
    ) -> FlowRun:
        """Wait until the run is in the state `name` (suspended under `key`); return it."""

        def there() -> FlowRun | None:
            run = self.run(flow_run_id)
            assert run.state is not None
            if run.state.name != name:
                return None
            return run if key is None or run.state.state_details.pause_key == key else None

        found: FlowRun = until(there, within=within, otherwise=lambda: self.run(flow_run_id).state)
        return found

    def form(self, flow_run_id: UUID, key: str) -> dict[str, str]:
        """Return what is stored for the form under `key`: `schema`, `description`, `response`."""
        prefix = f"suspended-{key}-"
        with self.client() as client:
            rows = client.request(
                "POST",
                "/flow_runs/{id}/input/filter",
                path_params={"id": flow_run_id},
                json={"prefix": prefix, "limit": 10, "exclude_keys": []},
            ).json()
        return {row["key"].removeprefix(prefix): row["value"] for row in rows}


def until(check: Any, *, within: float, otherwise: Any = lambda: "") -> Any:
    """Return the first true result of `check`; fail when there is none `within` so many seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if result := check():
            return result
        time.sleep(0.1)
    raise AssertionError(f"not within {within} s: {otherwise()}")


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end(process: subprocess.Popen[bytes], within: float = 30) -> int:
    """Ask the process to end, as the supervisor does, and return its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


@contextmanager
def prefect_server(home: Path, **settings: Any) -> Iterator[Instance]:
    """Have an instance's Prefect server running within the block."""
    instance = Instance(home, **settings)
    home.mkdir(parents=True, exist_ok=True)
    instance.start_server()
    try:
        yield instance
    finally:
        end(instance.server)
