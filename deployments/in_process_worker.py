"""The Prefect worker that executes flow runs as threads of its own process (design, decision 9).

Importing this module imports Prefect, which reads its settings once, at import: the process must
already have `prefect_environment` around it. `deployments.worker` sees to that.
"""

import functools
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import anyio
import anyio.to_thread
import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Abort, ObjectNotFound, Pause
from prefect.flow_engine import run_flow
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Scheduled
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

#: the type of the worker and of the work pools it serves
WORKER_TYPE = "in-process"

_log = logging.getLogger(__name__)


class InFlight:
    """The flow runs this worker is executing, on disk: what a killed worker leaves is seen."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._now: set[UUID] = set()
        directory.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def execution(self, flow_run_id: UUID) -> Iterator[None]:
        """Note the run before it is claimed; forget it once its end is known to the server.

        An exception means that the server could not be told: the note stays.
        """
        note = self._directory / str(flow_run_id)
        note.touch()
        self._now.add(flow_run_id)
        try:
            yield
            note.unlink(missing_ok=True)
        finally:
            self._now.discard(flow_run_id)

    def interrupted(self) -> list[UUID]:
        """Return the runs that were begun and are not being executed now."""
        noted = {UUID(note.name) for note in self._directory.iterdir()}
        return sorted(noted - self._now)

    def forget(self, flow_run_id: UUID) -> None:
        """Drop the note of a run that has been seen to."""
        (self._directory / str(flow_run_id)).unlink(missing_ok=True)


async def recover_interrupted_runs(client: PrefectClient, in_flight: InFlight) -> list[UUID]:
    """Put the runs this worker began and never ended back on the schedule; return which.

    A run that stands where it should (waiting, finished, deleted) is only forgotten. One that was
    suspended but whose form never reached the server could not be answered by anyone, so it runs
    again too.
    """
    again = []
    for flow_run_id in in_flight.interrupted():
        try:
            flow_run = await client.read_flow_run(flow_run_id)
        except ObjectNotFound:
            in_flight.forget(flow_run_id)
            continue
        if await _is_stuck(client, flow_run):
            resuming: State[Any] = Scheduled(name="Resuming", message="工作进程中断，重新执行")
            await client.set_flow_run_state(flow_run_id, resuming, force=True)
            again.append(flow_run_id)
        in_flight.forget(flow_run_id)
    return again


async def _is_stuck(client: PrefectClient, flow_run: FlowRun) -> bool:
    state = flow_run.state
    if state is None or not state.is_paused():
        return state is not None and (state.is_running() or state.is_pending())
    keys = state.state_details.run_input_keyset
    if not keys:
        return False
    forms = await client.filter_flow_run_input(
        flow_run_id=flow_run.id, key_prefix=keys["schema"], limit=1, exclude_keys=set()
    )
    return not forms


class InProcessWorker(BaseWorker[BaseJobConfiguration, BaseVariables, BaseWorkerResult]):
    """A worker whose flow runs are threads: a run costs no process of its own.

    Several of them, on several machines, may serve one work pool: the move to Pending, which the
    server grants once, says whose a run is.
    """

    type = WORKER_TYPE
    _description = "在工作进程自身的线程中执行流程。"

    def __init__(
        self, work_pool_name: str, *, name: str, in_flight: InFlight, at_once: int
    ) -> None:
        # No limit for the base: its limiter is keyed by flow run, and a run resumed quickly would
        # find its own token still held.
        super().__init__(work_pool_name, name=name, limit=None, prefetch_seconds=0)
        self._in_flight = in_flight
        self._places = anyio.Semaphore(at_once)
        self._flows: dict[UUID, Flow[..., Any]] = {}
        self._stopping = False

    @property
    def executing(self) -> int:
        """How many runs this worker holds: those in threads and those waiting for a place."""
        return len(self._submitting_flow_run_ids)

    async def serve(
        self,
        stop: anyio.Event,
        *,
        poll_seconds: float = 0.5,
        grace_seconds: float = 5,
        on_beat: Callable[[], None] = lambda: None,
    ) -> None:
        """Execute what is scheduled until `stop` is set, then give running flows `grace_seconds`.

        A server out of reach is waited for. `on_beat` is called, in a thread, after every poll
        that succeeded. Runs that the grace did not suffice for are recovered at the next start.
        """
        # Heartbeats are for finding crashed runs, which `InFlight` does; the thread that sends
        # them would hold up the end of every run by a second. Not settable by environment.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            async with self:
                await self._poll_until(stop, poll_seconds, on_beat)
                self._stopping = True
                with anyio.move_on_after(grace_seconds):
                    while self.executing:
                        await anyio.sleep(0.05)
                if self._runs_task_group is not None:
                    self._runs_task_group.cancel_scope.cancel()

    async def _poll_until(
        self, stop: anyio.Event, poll_seconds: float, on_beat: Callable[[], None]
    ) -> None:
        reachable = True
        next_sync = 0.0
        while not stop.is_set():
            try:
                if monotonic() >= next_sync:
                    await self.sync_with_backend()
                    next_sync = monotonic() + self.heartbeat_interval_seconds
                for flow_run_id in await recover_interrupted_runs(self.client, self._in_flight):
                    _log.warning("流程运行 %s 曾被中断，已重新排入执行", flow_run_id)
                await self.get_and_submit_flow_runs()
            except httpx.HTTPError as error:
                if reachable:
                    _log.warning("连接不上 Prefect 服务，稍后自动重试：%r", error)
                reachable = False
                next_sync = 0.0
            else:
                if not reachable:
                    _log.warning("已重新连上 Prefect 服务")
                reachable = True
                await anyio.to_thread.run_sync(on_beat)
            with anyio.move_on_after(poll_seconds):
                await stop.wait()

    async def _submit_run(self, flow_run: FlowRun) -> None:
        """Claim the run and execute it. Replaces the base's six API calls a run by one.

        The run counts as being submitted until its thread has ended: whoever resumes it a moment
        earlier is served by the next poll, and no run is executed twice at once.
        """
        try:
            async with self._places:
                if self._stopping:
                    return
                with self._in_flight.execution(flow_run.id):
                    if await self._propose_pending_state(flow_run):
                        await self._execute(flow_run)
        except httpx.HTTPError as error:
            # The server went away meanwhile. One run's trouble must not end the worker.
            _log.warning("流程运行 %s 被中断，稍后重新执行：%r", flow_run.id, error)
        finally:
            self._submitting_flow_run_ids.discard(flow_run.id)

    async def _execute(self, flow_run: FlowRun) -> None:
        try:
            flow = await self._flow_of(flow_run)
            await anyio.to_thread.run_sync(
                functools.partial(_run, flow, flow_run), abandon_on_cancel=True
            )
        except Exception as error:
            if _is_servers_trouble(error):
                raise
            # What the flow's own code raises has been reported by the engine: this is the flow
            # that cannot be imported, the deployment that is gone, the request that was refused.
            _log.exception("流程运行 %s 无法执行", flow_run.id)
            await self._propose_crashed_state(flow_run, f"无法执行：{error!r}")

    async def _flow_of(self, flow_run: FlowRun) -> Flow[..., Any]:
        if flow_run.deployment_id is None:
            raise ValueError("the run has no deployment")
        if flow_run.deployment_id not in self._flows:
            deployment = await self.client.read_deployment(flow_run.deployment_id)
            if deployment.entrypoint is None:
                raise ValueError(f"deployment {deployment.name} has no entry point")
            flow: Flow[..., Any] = load_flow_from_entrypoint(
                deployment.entrypoint, use_placeholder_flow=False
            )
            # Results are not kept; a storage named here spares asking the server for its default.
            self._flows[flow_run.deployment_id] = flow.with_options(
                persist_result=False, result_storage=Path(tempfile.gettempdir())
            )
        return self._flows[flow_run.deployment_id]

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> BaseWorkerResult:
        """Execute one run and return when its thread has ended."""
        if task_status is not None:
            task_status.started(0)
        await self._execute(flow_run)
        return BaseWorkerResult(identifier=str(flow_run.id), status_code=0)


def _is_servers_trouble(error: Exception) -> bool:
    """Return whether the same request may be answered later: no connection, or a status 5xx."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500
    return isinstance(error, httpx.HTTPError)


def _run(flow: Flow[..., Any], flow_run: FlowRun) -> None:
    # Without a deployment the engine starts no watcher for suspensions from outside: a thread and
    # a websocket a run, which may also take the last suspension of a run for its next one's. The
    # engine reads the run again, with its deployment, before the flow's code sees it.
    unwatched = flow_run.model_copy(update={"deployment_id": None})
    try:
        run_flow(flow, flow_run=unwatched, return_type="state")
    except (Pause, Abort):
        # Suspended, or not ours to run any more. Both are BaseException in Prefect.
        return
