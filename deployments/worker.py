"""`python -m deployments.worker`: register the flows, execute their runs until told to stop."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import httpx

from deployments.prefect_environment import OWN_LOGGERS, enter_prefect_environment
from deployments.settings import Settings
from models.rules.errors import PilotError

# Prefect reads its settings when it is first imported. Nothing here may import it before
# `enter_prefect_environment`, hence the imports inside functions.
if TYPE_CHECKING:
    from deployments.beat import Beat
    from deployments.registration import FlowToRegister

#: how long running flows may still run after SIGTERM; a flow takes about a second
GRACE_SECONDS = 5


class WorkerRunsAlreadyError(PilotError):
    """Another worker of this name is running on the same home."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.home = home
        super().__init__(
            f"名为“{name}”的工作进程已在 {home} 运行；"
            "如需再开一个，请用 PILOT_WORKER_NAME 另起一个名字。"
        )


def run(
    load_flows: Callable[[], Sequence["FlowToRegister"]],
    *,
    on_connect: Callable[[], None] = lambda: None,
    on_beat: Callable[[], None] = lambda: None,
) -> int:
    """Serve the flows that `load_flows` returns until SIGTERM or SIGINT; return the exit status.

    `load_flows` is called once Prefect's environment stands, so it may import flows. `on_connect`
    is called when the server answers, at the start and after each outage (it may have lost its
    database); `on_beat` about twice a second, as long as it answers. Both are called in a thread.
    """
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        settings = Settings.read()
        directory = settings.home / "worker" / settings.worker_name
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / "lock").open("w") as lock:
            try:
                flock(lock, LOCK_EX | LOCK_NB)
            except BlockingIOError as error:
                raise WorkerRunsAlreadyError(settings.worker_name, settings.home) from error
            enter_prefect_environment(settings)
            in_flight = directory / "in-flight"
            anyio.run(_serve, settings, load_flows(), in_flight, on_connect, on_beat)
    except PilotError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


async def _serve(
    settings: Settings,
    flows: Sequence["FlowToRegister"],
    in_flight_directory: Path,
    on_connect: Callable[[], None],
    on_beat: Callable[[], None],
) -> None:
    from deployments.in_flight import InFlight
    from deployments.in_process_worker import InProcessWorker
    from deployments.registration import POOL, register

    def connect() -> None:
        register(flows)
        on_connect()
        print(f"工作进程“{settings.worker_name}”已就绪", flush=True)

    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_set_on_signal, stop)
        if await _server_answers(settings, stop):
            worker = InProcessWorker(
                POOL,
                name=settings.worker_name,
                in_flight=InFlight(in_flight_directory),
                at_once=settings.worker_limit,
            )
            left = await worker.serve(
                stop, grace_seconds=GRACE_SECONDS, on_connect=connect, on_beat=on_beat
            )
            if left:
                # A thread cannot be ended from outside.
                print(f"仍有 {left} 个流程未结束，下次启动时重新执行", flush=True)
                os._exit(0)
        tasks.cancel_scope.cancel()


async def _set_on_signal(stop: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            stop.set()


async def _server_answers(settings: Settings, stop: anyio.Event) -> bool:
    """Wait for the Prefect server; return False when told to stop first."""
    async with httpx.AsyncClient(trust_env=False) as client:
        while not stop.is_set():
            try:
                response = await client.get(f"{settings.prefect_api_url}/health")
                if response.is_success:
                    return True
            except httpx.HTTPError:
                pass
            with anyio.move_on_after(0.1):
                await stop.wait()
    return False


def main() -> int:
    """Serve the programme's flows; return the exit status."""

    def programme_flows() -> Sequence["FlowToRegister"]:
        from flows import DEPLOYMENTS

        return DEPLOYMENTS

    @cache
    def beat() -> "Beat":
        from deployments.beat import Beat

        return Beat()

    return run(programme_flows, on_connect=lambda: beat().start_over(), on_beat=lambda: beat()())


if __name__ == "__main__":
    sys.exit(main())
