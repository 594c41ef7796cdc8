"""Runs against a real Prefect server: woken, replaced, cancelled by what the database says."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import State
from prefect.states import Failed, Pending
from sqlmodel import select

from deployments.in_process_worker import _run as execute
from flows.application import application
from models.operations.runs import claim_wakes, unfinished_runs
from models.rules.stages import Stage
from models.tables.case import Answer, StageRun
from tasks.answering import withdraw_case
from tasks.boards import (
    BOARD_KEY,
    MAIL_KEY,
    MILESTONES_KEY,
    OVERDUE_KEY,
    Boards,
    board_ids,
)
from tasks.database import reading, transaction
from tasks.overdue_tags import tag_overdue
from tasks.prefect_runs import OVERDUE_TAG, Repairs, make_runs, reconcile, wake_runs
from tests.builders import OTHER_ENTERPRISE, World
from tests.prefect_server import Instance

pytestmark = pytest.mark.system


def _run_of(case_no: str) -> UUID:
    with reading() as session:
        return UUID(
            session.exec(
                select(StageRun.flow_run_id).where(
                    StageRun.case_no == case_no, StageRun.stage == Stage.APPLICATION
                )
            ).one()
            or ""
        )


def _execute(client: SyncPrefectClient, flow_run_id: UUID) -> State[object]:
    """Execute a run as the worker does; return how it stands."""
    client.set_flow_run_state(flow_run_id, Pending(), force=True)
    execute(application, client.read_flow_run(flow_run_id))
    return _state(client, flow_run_id)


def _state(client: SyncPrefectClient, flow_run_id: UUID) -> State[object]:
    state = client.read_flow_run(flow_run_id).state
    assert state is not None
    return state


def _at_form(world: World, client: SyncPrefectClient, enterprise: str) -> tuple[str, UUID]:
    """Return a new case, and its run that stands at its form."""
    case_no = world.open(enterprise)
    make_runs(client)
    assert _execute(client, _run_of(case_no)).name == "Suspended"
    return case_no, _run_of(case_no)


def test_a_run_whose_waker_died_is_woken_by_the_reconciliation(
    here: World, prefect: Instance
) -> None:
    with prefect.client() as client:
        case_no, run_id = _at_form(here, client, "示例精工装备")
        here.answer(case_no)
        with transaction() as session:
            assert len(claim_wakes(session, limit=10)) == 1
        # … and here the worker is killed.

        repairs = reconcile(client)

        assert repairs == Repairs(woken=1)
        assert _state(client, run_id).name == "Resuming"
        assert reconcile(client).is_nothing


def test_when_prefect_goes_away_between_two_wakes_both_are_still_due(
    here: World, prefect: Instance
) -> None:
    with prefect.client() as client:
        for enterprise in ("示例精工装备", OTHER_ENTERPRISE):
            here.answer(_at_form(here, client, enterprise)[0])

        with (
            SyncPrefectClient("http://127.0.0.1:1/api") as nobody,
            pytest.raises(httpx.ConnectError),
        ):
            wake_runs(nobody)

        assert wake_runs(client) == 2


def test_a_run_started_by_hand_ends_and_the_stay_keeps_its_own(
    here: World, prefect: Instance
) -> None:
    with prefect.client() as client:
        case_no, run_id = _at_form(here, client, "示例精工装备")
        deployment = client.read_deployment_by_name("申报/试点")
        stray = client.create_flow_run_from_deployment(
            deployment.id, parameters={"case_no": case_no, "entry": 1}
        )

        ended = _execute(client, stray.id)

        assert ended.name == "Completed"
        assert "另有运行在办" in (ended.message or "")
        with reading() as session:
            assert [run.flow_run_id for run in unfinished_runs(session)] == [str(run_id)]
        assert reconcile(client).is_nothing
        assert _state(client, run_id).name == "Suspended"


def test_a_form_in_hand_when_its_run_failed_is_handed_in_by_the_same_run(
    here: World, prefect: Instance
) -> None:
    with prefect.client() as client:
        case_no, run_id = _at_form(here, client, "示例精工装备")
        form = {**here.typical(case_no), "handler": "林峰"}
        client.resume_flow_run(run_id, run_input=form)
        # Our database was away.
        client.set_flow_run_state(run_id, Failed(message="connection refused"), force=True)

        assert reconcile(client) == Repairs(rescheduled=1)
        assert _execute(client, run_id).name == "Suspended"

        with reading() as session:
            assert session.exec(select(Answer.handler).where(Answer.is_accepted)).all() == ["林峰"]
        # Handed in and forgotten: failing again, the run is replaced.
        client.set_flow_run_state(run_id, Failed(), force=True)
        assert reconcile(client) == Repairs(replaced=1, made=1)


def test_a_form_typed_for_a_case_withdrawn_meanwhile_is_answered_where_the_run_ends(
    here: World, prefect: Instance
) -> None:
    with prefect.client() as client:
        case_no, run_id = _at_form(here, client, "示例精工装备")
        client.resume_flow_run(run_id, run_input={**here.typical(case_no), "handler": "林峰"})
        withdraw_case(case_no, "转产", here.deed(), moment=here.moment)

        ended = _execute(client, run_id)

    assert ended.name == "Completed"
    assert (ended.message or "").startswith("申报阶段已结束；上次提交未被接受：事项 1 已由")


def test_a_run_that_shows_nothing_is_cancelled_and_one_made_a_moment_ago_is_not(
    here: World, prefect: Instance
) -> None:
    with prefect.client() as client:
        deployment = client.read_deployment_by_name("申报/试点")
        tags = ["中小企业试点", "阶段:申报"]
        orphan = client.create_flow_run_from_deployment(
            deployment.id, parameters={"case_no": "HS-2-0099", "entry": 1}, tags=tags
        )
        case_no = here.open()
        # Made, and its maker killed before he could note it.
        fresh = client.create_flow_run_from_deployment(
            deployment.id,
            parameters={"case_no": case_no, "entry": 1},
            tags=tags,
            idempotency_key=f"{case_no}:application:1:1",
        )

        repairs = reconcile(client)

        assert repairs == Repairs(made=1, cancelled=1)
        assert _state(client, orphan.id).name == "Cancelled"
        assert (_run_of(case_no), _state(client, fresh.id).name) == (fresh.id, "Scheduled")


def test_a_board_deleted_in_prefect_is_put_up_anew(here: World, prefect: Instance) -> None:
    here.open()
    boards = Boards()
    with prefect.client() as client:
        assert boards.refresh(client, here.moment) == 3
        client.delete_artifact(board_ids(client)[BOARD_KEY])
        here.open(OTHER_ENTERPRISE)

        boards.refresh(client, here.moment)

        assert BOARD_KEY in board_ids(client)
        for artifact_id in board_ids(client).values():
            client.delete_artifact(artifact_id)


def test_the_boards_of_the_calendar_are_put_up_once_and_the_first_leads_to_them(
    here: World, prefect: Instance
) -> None:
    boards = Boards()
    with prefect.client() as client:
        assert boards.refresh_calendar(client, here.moment) == 2
        assert boards.refresh_calendar(client, here.moment) == 0
        boards.refresh(client, here.moment)

        ids = board_ids(client)
        board = client.request("GET", f"/artifacts/{ids[BOARD_KEY]}").json()["data"]
        assert {MILESTONES_KEY, OVERDUE_KEY, MAIL_KEY} <= ids.keys()
        for key in (MILESTONES_KEY, OVERDUE_KEY, MAIL_KEY):
            assert f"/v2/artifacts/artifact/{ids[key]}" in board
        for artifact_id in ids.values():
            client.delete_artifact(artifact_id)


def test_exactly_the_overdue_runs_carry_the_tag(here: World, prefect: Instance) -> None:
    with prefect.client() as client:
        case_no, run_id = _at_form(here, client, "示例精工装备")
        due_on = here.open_item(case_no).due_on
        assert due_on is not None

        assert tag_overdue(client, due_on) == 0
        assert tag_overdue(client, due_on + timedelta(days=1)) == 1
        assert tag_overdue(client, due_on + timedelta(days=1)) == 0
        tags = client.read_flow_run(run_id).tags
        assert OVERDUE_TAG in tags
        assert "阶段:申报" in tags

        # The deadline was moved, say.
        assert tag_overdue(client, due_on) == 1
        assert OVERDUE_TAG not in client.read_flow_run(run_id).tags
