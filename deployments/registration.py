"""Tell the Prefect server which flows there are, when they run and in which work pool."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import VersionInfo
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists
from prefect.flows import Flow
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from deployments.in_process_worker import WORKER_TYPE

#: the work pool of the in-process worker
POOL = "pilot"

TIMEZONE = "Asia/Shanghai"

#: a flow, its deployment's name, when it runs (cron, Shanghai time), the tags of its runs
FlowToRegister: TypeAlias = tuple[Flow[..., Any], str, str | None, Sequence[str]]


def register(
    flows: Sequence[FlowToRegister], *, pool: str = POOL, pool_type: str = WORKER_TYPE
) -> list[str]:
    """Make a deployment of each flow in `pool`; return the `flow/deployment` names that changed.

    What stands as it should is left alone, with the schedule a coordinator may have paused. The
    pool is made when it is missing. Entry points are module paths: a worker that has this
    project installed finds them from any directory.
    """
    changed = []
    with get_client(sync_client=True) as client:
        _make_pool(pool, pool_type)
        response = client.request("POST", "/deployments/filter", json={"limit": 200})
        known = {
            (found["flow_id"], found["name"]): (found["work_pool_name"], found["version"])
            for found in response.json()
        }
        for flow, name, cron, tags in flows:
            deployment = _deployment(flow, name, cron, tags, pool)
            flow_id = client.create_flow_from_name(deployment.flow_name or flow.name)
            if known.get((str(flow_id), name)) != (pool, deployment.version):
                # Said outright: in a clone Prefect would put the commit in its place.
                deployment.apply(
                    version_info=VersionInfo(
                        type="prefect:simple", version=deployment.version or ""
                    )
                )
                changed.append(f"{flow.name}/{name}")
    return changed


def _make_pool(name: str, pool_type: str) -> None:
    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(WorkPoolCreate(name=name, type=pool_type))
        except ObjectAlreadyExists:
            return


def _deployment(
    flow: Flow[..., Any], name: str, cron: str | None, tags: Sequence[str], pool: str
) -> RunnerDeployment:
    deployment = flow.to_deployment(
        name,
        schedule=Cron(cron, timezone=TIMEZONE) if cron else None,
        tags=list(tags),
        work_pool_name=pool,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    assert isinstance(deployment, RunnerDeployment)  # noqa: S101 -- a coroutine inside an event loop
    deployment.version = _version(deployment, cron)
    return deployment


def _version(deployment: RunnerDeployment, cron: str | None) -> str:
    """Return a digest of all that a deployment says: the same one means nothing to change."""
    said = {
        "entrypoint": deployment.entrypoint,
        "cron": cron,
        "tags": deployment.tags,
        "description": deployment.description,
        "parameters": deployment._parameter_openapi_schema.model_dump(),
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
