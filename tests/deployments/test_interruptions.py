"""What a worker or a server that is killed leaves behind, and who takes it up."""

import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests.deployments.conftest import TOY_WORKER
from tests.prefect_server import Instance, end, prefect_server, until

pytestmark = pytest.mark.system

LONG = 600.0


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A second server, with a password, whose end no other test minds."""
    with prefect_server(tmp_path_factory.mktemp("other"), password="second-secret") as running:
        yield running


def log_of(instance: Instance) -> str:
    """Return what the toy worker has printed."""
    return (instance.home / "toy_worker.log").read_text(encoding="utf-8")


def begun(instance: Instance, case: str) -> int:
    """Return how often the slow flow has been begun for `case`."""
    file = instance.home / f"{case}.said"
    return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


def test_a_run_whose_worker_was_killed_runs_again(
    instance: Instance, worker: subprocess.Popen[bytes]
):
    run = instance.create_run("慢/toy", "慢一", case="慢一", seconds=LONG)
    until(lambda: begun(instance, "慢一"), within=60)

    kill(worker)
    assert instance.run(run).state.name == "Running"
    with instance.process(TOY_WORKER):
        instance.in_state(run, "Completed")

    assert begun(instance, "慢一") == 2


def test_a_worker_told_to_stop_does_so_within_its_grace_and_leaves_the_rest_for_later(
    instance: Instance, worker: subprocess.Popen[bytes]
):
    run = instance.create_run("慢/toy", "慢二", case="慢二", seconds=LONG)
    until(lambda: begun(instance, "慢二"), within=60)

    assert end(worker, within=20) == 0
    with instance.process(TOY_WORKER):
        instance.in_state(run, "Completed")

    assert begun(instance, "慢二") == 2


def test_a_second_worker_of_the_same_name_is_refused(
    instance: Instance, worker: subprocess.Popen[bytes]
):
    until(lambda: log_of(instance).rstrip().endswith("已就绪"), within=60)

    second = instance.start(TOY_WORKER)

    assert second.wait(20) == 1
    assert "请用 PILOT_WORKER_NAME 另起一个名字" in log_of(instance)
    assert worker.poll() is None


def test_two_instances_run_side_by_side_each_with_its_own_runs_and_password(
    served: Instance, other: Instance
):
    with other.process(TOY_WORKER):
        here = served.create_run("慢/toy", "此", case="此", seconds=0)
        there = other.create_run("慢/toy", "彼", case="彼", seconds=0)
        served.in_state(here, "Completed")
        other.in_state(there, "Completed")

    assert (begun(served, "此"), begun(served, "彼")) == (1, 0)
    assert (begun(other, "此"), begun(other, "彼")) == (0, 1)
    stranger = httpx.post(f"{other.api_url}/flow_runs/filter", json={}, trust_env=False)
    assert stranger.status_code == 401


def test_a_flow_caught_by_an_outage_of_the_server_runs_again_when_it_is_back(other: Instance):
    with other.process(TOY_WORKER):
        run = other.create_run("慢/toy", "慢三", case="慢三", seconds=2)
        until(lambda: begun(other, "慢三"), within=60)
        kill(other.server)
        until(lambda: "没有应答" in log_of(other), within=60)

        other.start_server()

        other.in_state(run, "Completed", within=30)
        assert begun(other, "慢三") == 2


def test_a_server_that_comes_back_with_an_empty_database_is_told_the_flows_anew(other: Instance):
    with other.process(TOY_WORKER):
        before = other.create_run("慢/toy", "慢四", case="慢四", seconds=0)
        other.in_state(before, "Completed")
        kill(other.server)
        for file in (other.home / "prefect").glob("prefect.db*"):
            file.unlink()

        other.start_server()

        after = other.create_run("慢/toy", "慢五", case="慢五", seconds=0)
        other.in_state(after, "Completed")


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
