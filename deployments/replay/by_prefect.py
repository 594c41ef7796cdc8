"""The engine that lets real flow runs do it: a Prefect server, and a worker in this process.

The worker's flows read the programme's clock where everything in this process does, so that they
stand on the replay's instant. Importing this module imports Prefect; `enter_prefect_environment`
must have been called before.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from sqlmodel import Session, col, func, select

from deployments.in_flight import InFlight
from deployments.in_process_worker import InProcessWorker
from deployments.registration import POOL, register
from deployments.replay.engines import hand_in
from deployments.replay.intentions import Intention
from deployments.settings import Settings
from deployments.supervisor import answers, dying_with_us
from flows import DEPLOYMENTS
from models.operations.notices import STEP, ended_notices
from models.operations.reminders import forecast_reminders
from models.operations.runs import pause_key
from models.rules.clock import day_of
from models.rules.stages import Channel
from models.tables.case import Answer, StageRun, WorkItem
from models.tables.records import PublicNotice
from tasks.answering import Moment
from tasks.database import reading
from tasks.moments import note_moments
from tasks.prefect_runs import DEPLOYMENT, has_form, make_runs, prefect, wake_runs
from tasks.sweeping import sweep_day

#: For one flow run on a machine that does other things, too.
_PATIENCE_SECONDS = 120.0
_START_SECONDS = 180.0
_LOOK_SECONDS = 0.05
_POLL_SECONDS = 0.2


class StuckError(RuntimeError):
    """Prefect does not do what it was asked to."""


class ByPrefect:
    """Forms are typed into suspended runs; the sweep is a run of its deployment."""

    def __init__(self, client: SyncPrefectClient) -> None:
        """Talk to the server through `client`."""
        self._client = client

    def sweep(self, moment: Moment) -> None:
        """Have the day swept by a flow run; a day on which nothing is due is swept without one."""
        with reading() as session:
            is_quiet = _is_quiet(session, moment)
        if is_quiet:
            sweep_day(moment)
        else:
            self._run("每日巡检", moment)
        if note_moments():
            self._run("日历时点", moment)

    def _run(self, flow: str, moment: Moment) -> None:
        day = day_of(moment.at)
        deployment = self._client.read_deployment_by_name(f"{flow}/{DEPLOYMENT}")
        made = self._client.create_flow_run_from_deployment(deployment.id, name=f"{flow} · {day}")
        _wait(lambda: self._is_completed(made.id), f"{flow} of {day}")

    def answer(self, intention: Intention, form: Mapping[str, object], moment: Moment) -> None:
        """Type the form into the run that stands at the item, or hand it in another way."""
        if intention.channel is not Channel.PREFECT:
            hand_in(intention, form, moment)
            self._hand_over()
            return
        item_id = intention.asked.item_id
        run = _wait(lambda: self._run_at_form(item_id), f"the form of item {item_id}")
        reply = self._client.request(
            "POST",
            "/flow_runs/{id}/resume",
            path_params={"id": str(run.id)},
            content=json.dumps({"run_input": dict(form)}),
        ).json()
        if reply.get("status") != "ACCEPT":
            raise StuckError(f"item {item_id}: {reply}")
        # The flow must have read the clock before it moves on.
        answered = _wait(
            lambda: _answer_to(item_id, intention.times), f"the answer to item {item_id}"
        )
        if not answered.is_accepted:
            raise StuckError(f"item {item_id} refused: {answered.refusal}")

    def finish(self) -> None:
        """Wait until Prefect shows what the database says: each open item at its form, no more."""
        with reading() as session:
            waiting = session.exec(
                select(col(WorkItem.id)).where(col(WorkItem.closed_at).is_(None))
            ).all()
        for item_id in waiting:
            _wait(partial(self._run_at_form, item_id or 0), f"the form of item {item_id}")
        _wait(self._are_left_ones_finished, "the runs of stages that are over")

    def _hand_over(self) -> None:
        make_runs(self._client)
        wake_runs(self._client)

    def _is_completed(self, run_id: UUID) -> bool:
        state = self._client.read_flow_run(run_id).state
        if state is not None and state.is_final() and not state.is_completed():
            raise StuckError(f"run {run_id}: {state.name} {state.message}")
        return state is not None and state.is_completed()

    def _run_at_form(self, item_id: int) -> FlowRun | None:
        """Return the run that is suspended on the item's present form, if one is by now."""
        self._hand_over()
        with reading() as session:
            stay = session.exec(
                select(StageRun).where(
                    StageRun.asked_item_id == item_id, col(StageRun.finished_at).is_(None)
                )
            ).first()
        if stay is None or stay.flow_run_id is None:
            return None
        run = self._client.read_flow_run(UUID(stay.flow_run_id))
        if run.state is None or not run.state.is_paused():
            return None
        expected = pause_key(item_id, stay.generation, stay.asked_count)
        if run.state.state_details.pause_key != expected or not has_form(self._client, run):
            return None
        return run

    def _are_left_ones_finished(self) -> bool:
        self._hand_over()
        with reading() as session:
            left = session.exec(
                select(StageRun.id).where(
                    col(StageRun.left_at).is_not(None), col(StageRun.finished_at).is_(None)
                )
            ).first()
        return left is None


def _is_quiet(session: Session, moment: Moment) -> bool:
    """Return whether nobody is to be reminded and no notice is to begin or to end."""
    today = day_of(moment.at)
    unpublished = select(WorkItem.id).where(
        WorkItem.step == STEP,
        col(WorkItem.closed_at).is_(None),
        ~select(PublicNotice.id).where(PublicNotice.item_id == col(WorkItem.id)).exists(),
    )
    return not (
        session.exec(unpublished).first()
        or ended_notices(session, today)
        or forecast_reminders(session, moment.programme.reminders, today, today)
    )


def _answer_to(item_id: int, before: int) -> Answer | None:
    """Return the answer to the item that came after so many others, if it has come."""
    with reading() as session:
        count = session.exec(
            select(func.count()).select_from(Answer).where(Answer.item_id == item_id)
        ).one()
        if count <= before:
            return None
        return session.exec(
            select(Answer).where(Answer.item_id == item_id).order_by(col(Answer.id).desc()).limit(1)
        ).one()


def _wait(look: Callable[[], Any], what: str, seconds: float = _PATIENCE_SECONDS) -> Any:
    """Return what `look` finds, as soon as it finds something."""
    until = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > until:
            raise StuckError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(_LOOK_SECONDS)
    return found


@contextmanager
def prefect_engine(settings: Settings) -> Iterator[ByPrefect]:
    """Have a Prefect server on the home of `settings`, and a worker in this process."""
    settings.log_directory.mkdir(parents=True, exist_ok=True)
    with (settings.log_directory / "prefect.log").open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "deployments.prefect_server"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=dying_with_us(),
        )
    try:
        is_up = answers(f"{settings.prefect_api_url}/health")
        _wait(lambda: is_up() or server.poll() is not None, "the Prefect server", _START_SECONDS)
        # The calendar is the replay's: what Prefect's own schedules start would come in between.
        register([(flow, name, None, tags) for flow, name, _, tags in DEPLOYMENTS])
        with _worker(settings), prefect() as client:
            yield ByPrefect(client)
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def _worker(settings: Settings) -> Iterator[None]:
    with start_blocking_portal() as portal:
        stop = portal.call(_event)
        served = portal.start_task_soon(_serve, settings, stop)
        try:
            yield
        finally:
            _set(portal, stop)
            served.result()


async def _event() -> anyio.Event:
    return anyio.Event()


def _set(portal: BlockingPortal, stop: anyio.Event) -> None:
    portal.call(stop.set)


async def _serve(settings: Settings, stop: anyio.Event) -> None:
    worker = InProcessWorker(
        POOL,
        name="replay",
        in_flight=InFlight(settings.home / "worker"),
        at_once=settings.worker_limit,
    )
    await worker.serve(stop, poll_seconds=_POLL_SECONDS)
