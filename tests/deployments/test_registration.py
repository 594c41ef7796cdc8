"""Deployments as the server knows them."""

from collections.abc import Iterator
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.registration import register
from tests.deployments.toy_flows import ask_twice, daily
from tests.prefect_server import Instance

pytestmark = pytest.mark.system

POOL = "registered"


@pytest.fixture(autouse=True)
def _client_of(instance: Instance) -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: instance.api_url}):
        yield


def deployments(instance: Instance) -> dict[str, dict[str, Any]]:
    with instance.client() as client:
        found = client.request(
            "POST", "/deployments/filter", json={"work_pools": {"name": {"any_": [POOL]}}}
        )
    return {deployment["name"]: deployment for deployment in found.json()}


def test_flows_are_registered_once_and_then_left_alone(instance: Instance):
    flows = [(ask_twice, "once", None, ("阶段:诊断",)), (daily, "morning", "30 8 * * *", ())]

    assert register(flows, pool=POOL) == ["两次表态/once", "每日/morning"]
    first = deployments(instance)
    assert register(flows, pool=POOL) == []

    assert deployments(instance) == first
    once, morning = first["once"], first["morning"]
    assert once["entrypoint"] == "tests.deployments.toy_flows.ask_twice"
    assert (once["tags"], once["description"]) == (["阶段:诊断"], "问两次意见。")
    assert (once["path"], once["pull_steps"], once["schedules"]) == (None, [], [])
    [schedule] = morning["schedules"]
    assert (schedule["active"], schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == (
        True,
        "30 8 * * *",
        "Asia/Shanghai",
    )


def test_a_changed_hour_replaces_the_schedule(instance: Instance):
    register([(daily, "changing", "30 8 * * *", ())], pool=POOL)

    assert register([(daily, "changing", "0 9 * * *", ())], pool=POOL) == ["每日/changing"]

    [schedule] = deployments(instance)["changing"]["schedules"]
    assert schedule["schedule"]["cron"] == "0 9 * * *"


def test_a_schedule_paused_by_a_coordinator_stays_paused(instance: Instance):
    flows = [(daily, "paused", "30 8 * * *", ())]
    register(flows, pool=POOL)
    with instance.client() as client:
        deployment = deployments(instance)["paused"]["id"]
        client.request("POST", "/deployments/{id}/pause_deployment", path_params={"id": deployment})

    register(flows, pool=POOL)

    assert deployments(instance)["paused"]["paused"] is True
