"""Prefect's own `process` worker runs the stage flows as they are."""

from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from sqlmodel import select

from deployments.demonstration.loading import load_demonstration
from deployments.prefect_environment import prefect_environment
from deployments.registration import register
from deployments.settings import Settings
from flows import DEPLOYMENTS
from models.rules.stages import Channel
from models.tables.case import Answer
from tasks.database import reading
from tasks.migration import upgrade
from tasks.prefect_runs import make_runs, prefect
from tests.prefect_server import prefect_server
from tests.system.instance import Instance

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

POOL = "processes"
CASE = "HS-1-0008"


def test_a_form_resumed_under_the_standard_worker_moves_the_case_to_its_next_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = Instance(tmp_path)
    for name in ("PILOT_HOME", "PILOT_PREFECT_PORT"):
        monkeypatch.setenv(name, instance.env[name])
    upgrade(instance.engine)
    load_demonstration(instance.engine)
    item = instance.open_item(CASE)
    assert item is not None

    with prefect_server(tmp_path, port=instance.prefect_port) as server:
        with temporary_settings({PREFECT_API_URL: server.api_url}), prefect() as client:
            register(DEPLOYMENTS, pool=POOL, pool_type="process")
            make_runs(client, case_no=CASE)
        command = ("worker", "start", "--type", "process", "--pool", POOL)
        with server.process("prefect", *command, **prefect_environment(Settings.read())):
            before = instance.wait_at_form(CASE)
            instance.resume_and_wait(CASE, {**instance.typical(CASE), "handler": "彭雪"})
            after = instance.wait_at_form(CASE)

    assert (after["id"], after["work_pool_name"]) == (before["id"], POOL)
    # Each execution was a process that the worker started.
    assert before["infrastructure_pid"] != after["infrastructure_pid"]
    assert None not in (before["infrastructure_pid"], after["infrastructure_pid"])
    with reading(instance.engine) as session:
        [answer] = session.exec(select(Answer).where(Answer.item_id == item.id)).all()
    assert (answer.handler, answer.is_accepted, answer.channel) == ("彭雪", True, Channel.PREFECT)
    assert "等待:市经信局" in after["tags"]
    instance.close()
