"""The in-process worker against the real Prefect server."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from prefect.client.schemas.responses import SetStateStatus
from prefect.states import Scheduled

from tests.prefect_server import Instance

pytestmark = pytest.mark.system


def test_a_suspended_run_shows_its_form_in_chinese_and_goes_on_with_the_answers(served: Instance):
    run = served.create_run("两次表态/toy", "甲 · 表态", case="甲")

    served.in_state(run, "Suspended", key="item-1")
    form = served.form(run, "item-1")
    assert json.loads(form["description"]) == "## 甲\n请表态"
    field = json.loads(form["schema"])["properties"]["opinion"]
    assert (field["title"], field["description"]) == ("意见", "写明理由")

    with served.client() as client:
        client.resume_flow_run(run, run_input={"opinion": "同意"})
        served.in_state(run, "Suspended", key="item-2")
        client.resume_flow_run(run, run_input={"opinion": "仍同意"})
    served.in_state(run, "Completed")

    assert said(served, "甲") == ["同意", "仍同意"]


def said(instance: Instance, case: str) -> list[str]:
    return (instance.home / f"{case}.said").read_text(encoding="utf-8").splitlines()


def test_a_form_against_its_schema_is_refused_and_the_run_stays_where_it_is(served: Instance):
    run = served.create_run("两次表态/toy", "乙", case="乙")
    before = served.in_state(run, "Suspended", key="item-1")

    with served.client() as client:
        answer = client.resume_flow_run(run, run_input={"opinion": "短"})

    assert answer.status == SetStateStatus.REJECT
    assert served.run(run).state == before.state


def test_a_run_woken_without_a_form_runs_again_and_stands_at_the_next_item(served: Instance):
    run = served.create_run("两次表态/toy", "丙", case="丙")
    served.in_state(run, "Suspended", key="item-1")

    with served.client() as client:
        client.set_flow_run_state(run, Scheduled(name="Resuming"), force=True)

    served.in_state(run, "Suspended", key="item-2")
    assert said(served, "丙") == ["—", "?"]


def test_a_failing_flow_fails_alone(served: Instance):
    broken = served.create_run("坏/toy", "坏")
    fine = served.create_run("慢/toy", "好", case="好", seconds=0)

    assert served.in_state(broken, "Failed").state.message == (
        "Flow run encountered an exception: ValueError: 坏了"
    )
    served.in_state(fine, "Completed")


def test_fifty_answers_at_once_bring_every_run_to_its_next_form(served: Instance):
    runs = [served.create_run("两次表态/toy", f"多{n}", case=f"多{n}") for n in range(50)]
    for run in runs:
        served.in_state(run, "Suspended", key="item-1", within=60)

    with served.client() as client, ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda run: client.resume_flow_run(run, {"opinion": "同意"}).status, runs)
        )

    assert answers == [SetStateStatus.ACCEPT] * 50
    for run in runs:
        served.in_state(run, "Suspended", key="item-2", within=60)
    assert [said(served, f"多{n}") for n in range(50)] == [["同意", "?"]] * 50
    assert "database is locked" not in (served.home / "prefect_server.log").read_text("utf-8")


def test_the_standard_process_worker_runs_the_same_flows(served: Instance):
    with served.process("tests.deployments.process_pool"):
        run = served.create_run("两次表态/by-process", "丁", case="丁")

        served.in_state(run, "Suspended", key="item-1", within=40)
