"""The Prefect worker that executes flow runs as threads of its own process (design, decision 9).

Importing this module imports Prefect, which reads its settings once, at import: the process must
already have `prefect_environment` around it. `deployments.worker` sees to that.
"""

import functools
import logging
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import anyio
import anyio.to_thread
import httpx
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.exceptions import Abort, ObjectNotFound, Pause
from prefect.flow_engine import run_flow
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from deployments.in_flight import InFlight, recover_interrupted_runs

#: the type of the worker and of the work pools it serves
WORKER_TYPE = "in-process"

_log = logging.getLogger(__name__)


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
        # The pool is made by whoever registers the flows: without it there are none.
        super().__init__(work_pool_name, name=name, limit=None, create_pool_if_not_found=False)
        self._in_flight = in_flight
        self._places = anyio.Semaphore(at_once)
        self._flows: dict[UUID, Flow[..., Any]] = {}
        self._stopping = False
        self._trouble = ""

    async def serve(
        self,
        stop: anyio.Event,
        *,
        poll_seconds: float = 0.5,
        grace_seconds: float = 5,
        on_connect: Callable[[], None] = lambda: None,
        on_beat: Callable[[], None] = lambda: None,
    ) -> int:
        """Execute what is scheduled until `stop` is set, then give running flows `grace_seconds`.

        A server out of reach is waited for. `on_connect` is called before the first poll, and
        again whenever the server has been away or has lost the work pool: it may have a new
        database. `on_beat` is called after every poll that succeeded. Both run in a thread.
        Returns for how many runs the grace did not suffice: they are recovered at the next start,
        but their threads go on, and keep the process from ending by itself.
        """
        # Heartbeats are for finding crashed runs, which `InFlight` does; the thread that sends
        # them would hold up the end of every run by a second. Not settable by environment.
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            await anyio.to_thread.run_sync(on_connect)
            async with self:
                await self._poll_until(stop, poll_seconds, on_connect, on_beat)
                self._stopping = True
                with anyio.move_on_after(grace_seconds):
                    while self._submitting_flow_run_ids:
                        await anyio.sleep(0.05)
                left = len(self._submitting_flow_run_ids)
                if self._runs_task_group is not None:
                    self._runs_task_group.cancel_scope.cancel()
        return left

    async def _poll_until(
        self,
        stop: anyio.Event,
        poll_seconds: float,
        on_connect: Callable[[], None],
        on_beat: Callable[[], None],
    ) -> None:
        connected, complained = True, False
        next_sync = monotonic() + self.heartbeat_interval_seconds
        while not stop.is_set():
            try:
                if not connected:
                    await anyio.to_thread.run_sync(on_connect)
                    self._flows.clear()
                    next_sync = 0.0
                if monotonic() >= next_sync:
                    await self.sync_with_backend()
                    next_sync = monotonic() + self.heartbeat_interval_seconds
                for flow_run_id in await recover_interrupted_runs(self.client, self._in_flight):
                    _log.warning("流程运行 %s 曾被中断，已重新排入执行", flow_run_id)
                await self._submit_scheduled_flow_runs(await self._get_scheduled_flow_runs())
            except (httpx.HTTPError, ObjectNotFound) as error:
                if not complained:
                    _log.warning("Prefect 服务没有应答，稍后自动重试：%r", error)
                connected, complained = False, True
            else:
                if complained:
                    _log.warning("Prefect 服务已恢复")
                connected, complained = True, False
                await self._beat(on_beat)
            with anyio.move_on_after(poll_seconds):
                await stop.wait()

    async def _get_scheduled_flow_runs(self) -> list[WorkerFlowRunResponse]:
        """Poll. Unlike the base's, a missing work pool is an error: the database is a new one."""
        return await self.client.get_scheduled_flow_runs_for_work_pool(
            work_pool_name=self._work_pool_name, scheduled_before=datetime.now(UTC)
        )

    async def _beat(self, on_beat: Callable[[], None]) -> None:
        try:
            await anyio.to_thread.run_sync(on_beat)
        except Exception as error:
            # What is done beside the runs must not stop them. The same trouble is told once.
            if repr(error) != self._trouble:
                self._trouble = repr(error)
                _log.exception("两次轮询之间的工作未能完成，稍后再试")
        else:
            self._trouble = ""

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
        state = run_flow(flow, flow_run=unwatched, return_type="state")
    except (Pause, Abort):
        # Suspended, or not ours to run any more. Both are BaseException in Prefect.
        return
    if isinstance(state, State) and state.is_failed():
        # A server out of reach while the end was being reported counts as the flow's failure in
        # Prefect. It is an interruption.
        error = state.result(raise_on_failure=False)
        if isinstance(error, Exception) and _is_servers_trouble(error):
            raise error
