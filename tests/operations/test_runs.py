"""Which run shows a stay, who wakes it, who replaces it: under kills, and with two at it."""

import pytest
from sqlmodel import Session, select

from models.operations.runs import (
    ask,
    claim_wakes,
    finish,
    give_back_wakes,
    note_made,
    replace_run,
    stay,
    unfinished_runs,
    wanted_runs,
)
from models.rules.stages import Stage
from models.tables.case import StageRun
from tasks.database import reading, transaction
from tests.builders import OTHER_ENTERPRISE, World


def _asked(world: World, enterprise: str, flow_run_id: str) -> tuple[str, int]:
    """Return a new case whose run has put up the form of its first item, and the stay's number."""
    case_no = world.open(enterprise)
    with transaction(world.engine) as session:
        (wanted,) = wanted_runs(session, case_no=case_no, limit=1)
        note_made(session, wanted, flow_run_id)
    with transaction(world.engine) as session:
        ask(session, _stay(session, case_no))
    return case_no, wanted.id


def _stay(session: Session, case_no: str, stage: Stage = Stage.APPLICATION) -> StageRun:
    run = stay(session, case_no, stage, 1)
    assert run is not None
    return run


def _claim(world: World) -> list[tuple[int, str]]:
    with transaction(world.engine) as session:
        return claim_wakes(session, limit=10)


def test_a_run_is_woken_by_one_caller_and_by_another_when_he_gives_it_back(world: World) -> None:
    case_no, stay_id = _asked(world, "示例精工装备", "one")
    assert _claim(world) == []
    world.answer(case_no)

    first, second = _claim(world), _claim(world)
    with transaction(world.engine) as session:
        give_back_wakes(session, [stay_id])

    assert (first, second) == ([(stay_id, "one")], [])
    assert _claim(world) == [(stay_id, "one")]


def test_giving_back_a_wake_wakes_nobody_who_waits_for_an_answer(world: World) -> None:
    _, stay_id = _asked(world, "示例精工装备", "one")

    with transaction(world.engine) as session:
        give_back_wakes(session, [stay_id])

    assert _claim(world) == []


def test_only_the_run_that_was_seen_gone_is_replaced(world: World) -> None:
    """Two reconciliations at once: the second has seen what the first has replaced already."""
    case_no, stay_id = _asked(world, "示例精工装备", "gone")
    with transaction(world.engine) as session:
        assert replace_run(session, stay_id, "gone")
    with transaction(world.engine) as session:
        (wanted,) = wanted_runs(session, limit=10)
        note_made(session, wanted, "new")

    with transaction(world.engine) as session:
        assert not replace_run(session, stay_id, "gone")

    assert wanted.idempotency_key == f"{case_no}:application:1:2"
    with reading(world.engine) as session:
        assert [run.flow_run_id for run in unfinished_runs(session)] == ["new"]


def test_a_stay_that_goes_on_cannot_be_finished(world: World) -> None:
    case_no, _ = _asked(world, "示例精工装备", "one")

    with (
        pytest.raises(AssertionError, match="still stands in the stage"),
        transaction(world.engine) as session,
    ):
        finish(session, _stay(session, case_no), world.moment.at)

    with reading(world.engine) as session:
        assert session.exec(select(StageRun.finished_at)).all() == [None]


def test_a_finished_stay_is_not_replaced(world: World) -> None:
    case_no, stay_id = _asked(world, OTHER_ENTERPRISE, "one")
    world.walk(case_no, Stage.DIAGNOSIS, "assign-provider")
    with transaction(world.engine) as session:
        finish(session, _stay(session, case_no), world.moment.at)

    with transaction(world.engine) as session:
        assert not replace_run(session, stay_id, "one")

    with reading(world.engine) as session:
        finished = select(StageRun.finished_at).where(StageRun.flow_run_id == "one")
        assert session.exec(finished).all() == [world.moment.at]
