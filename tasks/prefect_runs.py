"""Make and wake the flow runs that the database wants; what Prefect forgets is made anew."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelled, Scheduled

from models.operations.runs import (
    WantedRun,
    claim_wakes,
    give_back_wakes,
    note_made,
    replace_run,
    unfinished_runs,
    wanted_runs,
)
from models.rules.stages import STAGE_ORDER, Role, Stage
from tasks.database import reading, transaction

#: Every run of ours carries it.
TAG = "中小企业试点"
DEPLOYMENT = "试点"
#: A run whose item is overdue carries it, from the sweep that finds it so until it is answered.
OVERDUE_TAG = "逾期"
#: A run that executes longer than this has lost its worker; ours take seconds.
_LONGEST_EXECUTION = timedelta(minutes=10)
#: For so long a form that could not be handed in is tried again, every time we reconcile.
_WORTH_TRYING = timedelta(days=1)
_PAGE = 200


def run_name(stage: Stage, case_no: str, enterprise: str, round_no: int) -> str:
    """Return the name under which a coordinator finds the run."""
    return f"{stage.label} · {case_no} {enterprise} · 第{round_no}轮"


def run_tags(stage: Stage, batch: int, county: str, waiting_for: Role | None = None) -> list[str]:
    """Return the tags by which a coordinator filters."""
    tags = [TAG, f"阶段:{stage.label}", f"批次:{batch}", f"县区:{county}"]
    return [*tags, f"等待:{waiting_for.label}"] if waiting_for else tags


@contextmanager
def prefect() -> Iterator[SyncPrefectClient]:
    """Give a client of this instance's Prefect server."""
    with get_client(sync_client=True) as client:
        yield client


def make_runs(client: SyncPrefectClient, *, case_no: str | None = None, limit: int = _PAGE) -> int:
    """Make the flow runs that are wanted; a second call, or a second caller, makes no other."""
    with reading() as session:
        wanted = wanted_runs(session, case_no=case_no, limit=limit)
    for run in wanted:
        flow_run_id = _make(client, run)
        with transaction() as session:
            note_made(session, run, flow_run_id)
    return len(wanted)


def _make(client: SyncPrefectClient, run: WantedRun) -> str:
    deployment = client.read_deployment_by_name(f"{run.stage.label}/{DEPLOYMENT}")
    made = client.create_flow_run_from_deployment(
        deployment.id,
        parameters={"case_no": run.case_no, "entry": run.entry},
        name=run_name(run.stage, run.case_no, run.enterprise, run.entry),
        tags=run_tags(run.stage, run.batch, run.county),
        idempotency_key=run.idempotency_key,
    )
    return str(made.id)


def wake_runs(client: SyncPrefectClient, *, limit: int = _PAGE) -> int:
    """Wake the runs whose item was answered elsewhere; each is woken by one caller."""
    with transaction() as session:
        claimed = claim_wakes(session, limit=limit)
    asleep = {run_id for run_id, _ in claimed}
    try:
        for run_id, flow_run_id in claimed:
            if _wake(client, UUID(flow_run_id)):
                asleep.remove(run_id)
    finally:  # also when Prefect goes away half-way through: all the others are due as before
        if asleep:
            with transaction() as session:
                give_back_wakes(session, asleep)
    return len(claimed) - len(asleep)


def _wake(client: SyncPrefectClient, flow_run_id: UUID) -> bool:
    """Schedule a suspended run; False when it is not suspended yet, or no more there."""
    try:
        flow_run = client.read_flow_run(flow_run_id)
    except ObjectNotFound:
        return False  # `reconcile` replaces it
    if flow_run.state is None or not flow_run.state.is_paused():
        return False
    _schedule(client, flow_run_id)
    return True


def _schedule(client: SyncPrefectClient, flow_run_id: UUID) -> None:
    state: State[Any] = Scheduled(name="Resuming")
    client.set_flow_run_state(flow_run_id, state, force=True)


@dataclass(frozen=True, kw_only=True)
class TypedForm:
    """A form that somebody submitted in Prefect."""

    key: str
    values: dict[str, object]
    typed_at: datetime


def typed_forms(client: SyncPrefectClient, flow_run_id: str) -> list[TypedForm]:
    """Return the forms submitted to a run that have not been handed in yet, the oldest first."""
    response = client.request(
        "POST",
        "/flow_runs/{id}/input/filter",
        path_params={"id": flow_run_id},
        json={"prefix": "suspended-", "limit": _PAGE, "exclude_keys": []},
    )
    rows = sorted(response.json(), key=lambda row: str(row["created"]))
    return [
        TypedForm(
            key=row["key"].removeprefix("suspended-").removesuffix("-response"),
            values=json.loads(row["value"]),
            typed_at=datetime.fromisoformat(row["created"]),
        )
        for row in rows
        if row["key"].endswith("-response")
    ]


def forget_form(client: SyncPrefectClient, flow_run_id: str, key: str) -> None:
    """Delete a form that has been handed in: what it says belongs to our database alone."""
    for part in ("description", "schema", "response"):
        try:
            client.request(
                "DELETE",
                "/flow_runs/{id}/input/{key}",
                path_params={"id": flow_run_id, "key": f"suspended-{key}-{part}"},
            )
        except PrefectHTTPStatusError as error:
            # Gone already: an earlier execution was killed half-way through.
            if error.response.status_code != HTTPStatus.NOT_FOUND:
                raise


@dataclass(frozen=True, kw_only=True)
class Repairs:
    """What a reconciliation has put right."""

    made: int = 0
    woken: int = 0
    replaced: int = 0
    rescheduled: int = 0
    cancelled: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether all was as it should be."""
        return self == Repairs()


def reconcile(client: SyncPrefectClient, *, limit: int = _PAGE) -> Repairs:
    """Make Prefect show what the database says: the net under everything that can be lost.

    Runs that are gone or ended before their stay did are replaced; suspended ones without a form
    and those whose worker died are scheduled again; runs of ours that belong to nothing are
    cancelled; then up to `limit` runs that are wanted are made, and as many that are due are woken.
    """
    with reading() as session:
        wanted = {run.flow_run_id or "": run for run in unfinished_runs(session)}
    present = {str(run.id): run for run in _read_runs(client, list(wanted))}
    replaced = rescheduled = 0
    asleep = []
    for flow_run_id, stage_run in wanted.items():
        flow_run = present.get(flow_run_id)
        assert stage_run.id is not None  # noqa: S101 -- read from the database
        if flow_run is None or flow_run.state is None:
            replaced += _replace(stage_run.id, flow_run_id)
        elif _is_stuck(client, flow_run):
            _schedule(client, flow_run.id)
            rescheduled += 1
        elif flow_run.state.is_final():
            replaced += _replace(stage_run.id, flow_run_id)
        elif flow_run.state.is_paused():
            asleep.append(stage_run.id)
    # Whoever took it upon himself to wake them may have died before he did.
    with transaction() as session:
        give_back_wakes(session, asleep)
    return Repairs(
        replaced=replaced,
        rescheduled=rescheduled,
        cancelled=_cancel_orphans(client),
        made=make_runs(client, limit=limit),
        woken=wake_runs(client, limit=limit),
    )


def _replace(run_id: int, flow_run_id: str) -> bool:
    with transaction() as session:
        return replace_run(session, run_id, flow_run_id)


def _read_runs(client: SyncPrefectClient, flow_run_ids: Sequence[str]) -> Iterator[FlowRun]:
    for start in range(0, len(flow_run_ids), _PAGE):
        page = [UUID(each) for each in flow_run_ids[start : start + _PAGE]]
        yield from client.read_flow_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=page)),
            sort=FlowRunSort.ID_DESC,
            limit=_PAGE,
        )


def _is_stuck(client: SyncPrefectClient, flow_run: FlowRun) -> bool:
    """Return whether a run is to be executed again as it is.

    It waits for nobody (no form to answer, no worker that executes it), or it failed with a form
    in hand: one typed while our database was away, say, which nobody should have to type again.
    """
    state = flow_run.state
    assert state is not None  # noqa: S101 -- the caller has looked
    if state.is_paused():
        return not has_form(client, flow_run)
    now = datetime.now(UTC)
    if state.is_running() or state.is_pending() or state.is_cancelling():
        return now - state.timestamp > _LONGEST_EXECUTION
    if state.is_failed() or state.is_crashed():
        forms = typed_forms(client, str(flow_run.id))
        return any(now - form.typed_at < _WORTH_TRYING for form in forms)
    return False


def has_form(client: SyncPrefectClient, flow_run: FlowRun) -> bool:
    """Return whether the form of a suspended run has been put up whole.

    Prefect writes the state first, then the form's schema, and the words above it last.
    """
    keys = flow_run.state and flow_run.state.state_details.run_input_keyset
    if not keys:
        return False
    response = client.request(
        "POST",
        "/flow_runs/{id}/input/filter",
        path_params={"id": str(flow_run.id)},
        json={"prefix": keys["description"], "limit": 1, "exclude_keys": []},
    )
    return bool(response.json())


def _cancel_orphans(client: SyncPrefectClient) -> int:
    """Cancel stage runs that wait in Prefect but show no stay of a case."""
    waiting = _waiting_runs(client)
    # Looked up after Prefect was asked: what a run was made for stood in the database before it.
    with reading() as session:
        ours = {run.flow_run_id for run in unfinished_runs(session)}
        making = {(run.case_no, run.stage.label) for run in wanted_runs(session, limit=1_000_000)}
    stages = {f"阶段:{stage.label}": stage for stage in STAGE_ORDER}
    cancelled = 0
    for flow_run in waiting:
        stage = next((stages[tag] for tag in flow_run.tags if tag in stages), None)
        if stage is None or str(flow_run.id) in ours:
            continue
        # Made a moment ago, its number not noted yet: it will be, under the same key.
        if (flow_run.parameters.get("case_no"), stage.label) in making:
            continue
        # It may have finished its stay since it was listed.
        present = client.read_flow_run(flow_run.id).state
        if present is not None and present.is_final():
            continue
        state: State[Any] = Cancelled(message="没有对应的在办事项")
        client.set_flow_run_state(flow_run.id, state, force=True)
        cancelled += 1
    return cancelled


def _waiting_runs(client: SyncPrefectClient) -> list[FlowRun]:
    """Return the runs of ours that wait to be executed or answered."""
    found: list[FlowRun] = []
    while True:
        page = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                tags=FlowRunFilterTags(all_=[TAG]),
                state=FlowRunFilterState(
                    type=FlowRunFilterStateType(
                        any_=[StateType.PAUSED, StateType.SCHEDULED, StateType.PENDING]
                    )
                ),
            ),
            sort=FlowRunSort.ID_DESC,
            limit=_PAGE,
            offset=len(found),
        )
        found.extend(page)
        if len(page) < _PAGE:
            return found
