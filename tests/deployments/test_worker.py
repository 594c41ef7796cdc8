"""The in-process worker against the real Prefect server."""

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from prefect.client.schemas.responses import SetStateStatus
from prefect.states import Scheduled

from tests.prefect_server import Instance, until

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


def test_what_our_own_loggers_say_is_all_that_stands_in_the_log_of_a_run(served: Instance):
    run = served.create_run("慢/toy", "言", case="言", seconds=0)
    served.in_state(run, "Completed")

    lines = until(lambda: log_lines(served, run), within=10)

    assert lines == ["第 1 次开始"]


def log_lines(instance: Instance, run: UUID) -> list[str]:
    with instance.client() as client:
        found = client.request(
            "POST", "/logs/filter", json={"logs": {"flow_run_id": {"any_": [str(run)]}}}
        )
    return [line["message"] for line in found.json()]


def test_fifty_answers_at_once_bring_every_run_to_its_next_form(served: Instance):
    cases = [f"多{n}" for n in range(50)]
    with served.client() as client, ThreadPoolExecutor(16) as pool:
        deployment = client.read_deployment_by_name("两次表态/toy")

        def create(case: str) -> UUID:
            run = client.create_flow_run_from_deployment(
                deployment.id, name=case, tags=["多"], parameters={"case": case}
            )
            return run.id

        def standing(key: str) -> int:
            found = client.request(
                "POST", "/flow_runs/filter", json={"flow_runs": {"tags": {"all_": ["多"]}}}
            )
            keys = [run["state"]["state_details"].get("pause_key") for run in found.json()]
            return keys.count(key)

        runs = list(pool.map(create, cases))
        until(lambda: standing("item-1") == 50, within=60)

        answers = list(
            pool.map(lambda run: client.resume_flow_run(run, {"opinion": "同意"}).status, runs)
        )

        assert answers == [SetStateStatus.ACCEPT] * 50
        until(lambda: standing("item-2") == 50, within=60)
    assert [said(served, case) for case in cases] == [["同意", "?"]] * 50
    assert "database is locked" not in (served.home / "prefect_server.log").read_text("utf-8")


def test_the_standard_process_worker_runs_the_same_flows(served: Instance):
    with served.process("tests.deployments.process_pool"):
        run = served.create_run("两次表态/by-process", "丁", case="丁")

        served.in_state(run, "Suspended", key="item-1", within=40)
