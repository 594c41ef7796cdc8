"""Which flow runs a worker is executing, so that those a killed worker leaves run again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed, Scheduled

#: a run interrupted this often is not begun again
MOST_BEGINNINGS = 5

_PUT_BACK = "R"


class InFlight:
    """The flow runs this worker is executing, on disk: what a killed worker leaves is seen.

    A note a run: a dot for each time it was begun, and then a mark once it has been put back.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._now: set[UUID] = set()
        directory.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def execution(self, flow_run_id: UUID) -> Iterator[None]:
        """Note the run before it is claimed; forget it once its end is known to the server.

        An exception means that the server could not be told: the note stays.
        """
        self._now.add(flow_run_id)
        try:
            self._note(flow_run_id).write_text("." * (self.beginnings(flow_run_id) + 1))
            yield
            self.forget(flow_run_id)
        finally:
            self._now.discard(flow_run_id)

    def interrupted(self) -> list[UUID]:
        """Return the runs that were begun, are not being executed and were not put back."""
        noted = {UUID(note.name): note for note in self._directory.iterdir()}
        return [
            flow_run_id
            for flow_run_id, note in sorted(noted.items())
            if flow_run_id not in self._now and not note.read_text().endswith(_PUT_BACK)
        ]

    def beginnings(self, flow_run_id: UUID) -> int:
        """Return how often the run was begun without an end."""
        note = self._note(flow_run_id)
        return note.read_text().count(".") if note.exists() else 0

    def put_back(self, flow_run_id: UUID) -> None:
        """Mark the run as scheduled anew."""
        self._note(flow_run_id).write_text("." * self.beginnings(flow_run_id) + _PUT_BACK)

    def forget(self, flow_run_id: UUID) -> None:
        """Drop the note of a run that has been seen to."""
        self._note(flow_run_id).unlink(missing_ok=True)

    def _note(self, flow_run_id: UUID) -> Path:
        return self._directory / str(flow_run_id)


async def recover_interrupted_runs(client: PrefectClient, in_flight: InFlight) -> list[UUID]:
    """Put the runs this worker began and never ended back on the schedule; return which.

    A run that stands where it should (waiting, finished, deleted) is only forgotten. One that was
    suspended but whose form never reached the server could not be answered by anyone, so it runs
    again too. One that was begun `MOST_BEGINNINGS` times is given up, lest it end every worker.
    """
    again = []
    for flow_run_id in in_flight.interrupted():
        try:
            flow_run = await client.read_flow_run(flow_run_id)
        except ObjectNotFound:
            in_flight.forget(flow_run_id)
            continue
        if not await _is_stuck(client, flow_run):
            in_flight.forget(flow_run_id)
            continue
        state: State[Any]
        if in_flight.beginnings(flow_run_id) < MOST_BEGINNINGS:
            state = Scheduled(name="Resuming", message="执行被中断，重新执行")
            await client.set_flow_run_state(flow_run_id, state, force=True)
            in_flight.put_back(flow_run_id)
            again.append(flow_run_id)
        else:
            state = Crashed(message=f"执行 {MOST_BEGINNINGS} 次均被中断，不再重试")
            await client.set_flow_run_state(flow_run_id, state, force=True)
            in_flight.forget(flow_run_id)
    return again


async def _is_stuck(client: PrefectClient, flow_run: FlowRun) -> bool:
    state = flow_run.state
    if state is None or not state.is_paused():
        # Failed: the engine could not report the end, and reported that instead when it could.
        return state is not None and (state.is_running() or state.is_pending() or state.is_failed())
    keys = state.state_details.run_input_keyset
    if not keys:
        return False
    forms = await client.filter_flow_run_input(
        flow_run_id=flow_run.id, key_prefix=keys["schema"], limit=1, exclude_keys=set()
    )
    return not forms
