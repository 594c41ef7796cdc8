"""What is killed, wiped or flooded comes back by itself; nothing is lost and nothing is doubled."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlmodel import col, select

from models.operations.audit import verify
from models.rules.stages import Channel
from models.tables.case import WorkItem
from tasks.database import reading
from tests.system.crowd import new_cases
from tests.system.instance import Instance, wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def open_cases(instance: Instance) -> list[str]:
    with reading(instance.engine) as session:
        return [*session.exec(select(WorkItem.case_no).where(col(WorkItem.closed_at).is_(None)))]


def test_an_answer_given_while_prefect_is_dead_counts_and_shows_when_it_is_back(
    instance: Instance,
) -> None:
    [case_no] = new_cases(instance, 1)
    instance.wait_at_form(case_no)
    item = instance.open_item(case_no)
    assert item is not None
    assert item.id is not None

    instance.kill("prefect")
    receipt = instance.answer(item.id, instance.typical(case_no))

    assert receipt["outcome_label"] == "提交申报"
    assert "等待:县市区经信部门" in instance.wait_at_form(case_no)["tags"]
    assert len(instance.answers_to(item.id)) == 1
    assert "prefect 意外结束" in instance.said.read_text()
    instance.wait_healthy()


def test_a_form_resumed_just_before_the_worker_dies_is_handed_in_once(instance: Instance) -> None:
    case_no = "HS-1-0008"
    form = {**instance.typical(case_no), "handler": "彭雪"}
    run = instance.wait_at_form(case_no)
    item = instance.open_item(case_no)
    assert item is not None
    assert item.id is not None

    # Nobody can write: the worker stands between the resume and its transaction …
    instance.wait_for_a_beat()
    with closing(sqlite3.connect(instance.home / "pilot.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        instance.submit(run, form)
        wait_for(lambda: instance.runs_in("RUNNING") or None, "the worker to take the run")
        # … and dies there.
        instance.kill("worker")
        lock.execute("ROLLBACK")

    wait_for(lambda: instance.answers_to(item.id or 0), "the answer")
    instance.wait_at_form(case_no)
    [answer] = instance.answers_to(item.id)
    assert (answer.handler, answer.is_accepted, answer.channel) == ("彭雪", True, Channel.PREFECT)


def test_fifty_answers_at_once_all_end_at_their_next_form(fragile: Instance) -> None:
    cases = new_cases(fragile, 50)
    for case_no in cases:
        fragile.wait_at_form(case_no)
    forms = {case_no: fragile.typical(case_no) for case_no in cases}
    items = {case_no: fragile.open_item(case_no) for case_no in cases}

    with ThreadPoolExecutor(50) as crowd:
        for done in [crowd.submit(fragile.resume, case_no, forms[case_no]) for case_no in cases]:
            done.result()

    for case_no in cases:
        wait_for(lambda: fragile.open_item(case_no) != items[case_no], f"{case_no} to move")  # noqa: B023
        assert "等待:县市区经信部门" in fragile.wait_at_form(case_no)["tags"]
    assert fragile.runs_in("FAILED", "CRASHED", "CANCELLED") == []
    with reading(fragile.engine) as session:
        assert verify(session)[1] == []


def test_prefect_losing_its_database_loses_nothing(fragile: Instance) -> None:
    waiting = open_cases(fragile)
    for case_no in waiting:
        fragile.wait_at_form(case_no)

    # While it runs. Until it is killed the server goes on writing to files that have no name.
    for file in (fragile.home / "prefect").glob("prefect.db*"):
        file.unlink()
    fragile.kill("prefect")
    fragile.wait_healthy()

    for case_no in waiting:
        fragile.wait_at_form(case_no)
    assert len(waiting) == 8
    # What was there can be answered as if nothing had been.
    fragile.resume_and_wait("HS-1-0008", {**fragile.typical("HS-1-0008"), "handler": "彭雪"})
    assert "等待:市经信局" in fragile.wait_at_form("HS-1-0008")["tags"]
    # The worker's last reports are of runs that are gone: the server refuses them, and no more.
    assert "database is locked" not in (fragile.home / "log" / "prefect.log").read_text()
