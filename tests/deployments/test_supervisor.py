"""The supervised process tree, with children that cost nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deployments.supervisor import LOG_BYTES, running_instance
from tests.prefect_server import REPOSITORY, free_port, until

#: says that it is ready, waits for SIGTERM, and notes when it was told to stop
PATIENT = """
import os, pathlib, signal, sys
home, name = pathlib.Path(os.environ["HOME_OF_ALL"]), os.environ["CHILD"]
def stop(*_):
    with (home / "stopped").open("a") as file: file.write(name)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("child", name, "speaks", flush=True)
(home / f"ready{name}").touch()
while True: signal.pause()
"""

#: does not mind being told to stop
STUBBORN = """
import os, pathlib, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
(pathlib.Path(os.environ["HOME_OF_ALL"]) / f"ready{os.environ['CHILD']}").touch()
while True: signal.pause()
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a supervisor over the scripts given, its output going to `out`."""
    started: list[subprocess.Popen[str]] = []

    def _start(*scripts: str, port: int | None = None) -> "subprocess.Popen[str]":
        with (tmp_path / "out").open("a") as out:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.deployments.toy_supervisor", str(tmp_path)),
                    *(str(port or free_port()), *scripts),
                ],
                cwd=REPOSITORY,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
            )
        started.append(process)
        return process

    yield _start
    for process in started:
        process.terminate()
        process.wait(30)


def printed(home: Path) -> str:
    return (home / "out").read_text(encoding="utf-8")


def announced(home: Path) -> bool:
    return "都已就绪" in printed(home)


def test_it_announces_once_all_are_ready_and_writes_down_what_runs(start: Start, tmp_path: Path):
    port = free_port()
    supervisor = start(PATIENT, PATIENT, port=port)
    until(lambda: announced(tmp_path), within=30)

    run = running_instance(tmp_path)

    assert run is not None
    assert (run["pid"], run["ports"]) == (supervisor.pid, {"PILOT_PREFECT_PORT": port})
    children = run["children"]
    assert list(children) == ["child1", "child2"]
    assert all(child["ready"] and child["running"] for child in children.values())
    assert {child["pid"] for child in children.values()} == {
        process.pid for process in psutil.Process(supervisor.pid).children()
    }
    assert (tmp_path / "log" / "child2.log").read_text() == "child 2 speaks\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_it_stops_the_children_in_reverse_order_and_ends_with_0(
    start: Start, tmp_path: Path, number: signal.Signals
):
    supervisor = start(PATIENT, PATIENT, PATIENT)
    until(lambda: announced(tmp_path), within=30)

    supervisor.send_signal(number)

    assert supervisor.wait(30) == 0
    assert (tmp_path / "stopped").read_text() == "321"
    assert running_instance(tmp_path) is None
    assert printed(tmp_path).splitlines()[-1] == "已停止"


def test_a_child_that_dies_is_restarted_and_said_so(start: Start, tmp_path: Path):
    start(PATIENT)
    until(lambda: announced(tmp_path), within=30)
    before = json.loads((tmp_path / "run.json").read_text())["children"]["child1"]["pid"]

    os.kill(before, signal.SIGKILL)

    until(lambda: "child1 已重新启动" in printed(tmp_path), within=30)
    log = tmp_path / "log" / "child1.log"
    assert (
        f"child1 意外结束（被信号 9 终止），1 秒后重新启动；日志 {log}，最后一行：child 1 speaks"
    ) in printed(tmp_path)
    child = json.loads((tmp_path / "run.json").read_text())["children"]["child1"]
    assert (child["restarts"], child["pid"] == before) == (1, False)


def test_a_child_that_cannot_start_is_retried_ever_more_slowly(start: Start, tmp_path: Path):
    start("raise SystemExit('缺少设置')")

    until(lambda: "2 秒后重新启动" in printed(tmp_path), within=30)

    assert "child1 意外结束（退出状态 1），1 秒后重新启动" in printed(tmp_path)
    assert "最后一行：缺少设置" in printed(tmp_path)
    assert not announced(tmp_path)


def test_a_stubborn_child_is_killed_in_the_end(start: Start, tmp_path: Path):
    supervisor = start(STUBBORN)
    until(lambda: announced(tmp_path), within=30)

    supervisor.terminate()

    assert supervisor.wait(30) == 0
    assert "child1 未在 1 秒内结束，强制结束" in printed(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_children_die_with_a_supervisor_that_is_killed(start: Start, tmp_path: Path):
    supervisor = start(PATIENT, STUBBORN)
    until(lambda: announced(tmp_path), within=30)
    children = psutil.Process(supervisor.pid).children()

    supervisor.kill()

    assert psutil.wait_procs(children, timeout=5)[1] == []
    assert running_instance(tmp_path) is None


def test_a_second_instance_on_one_home_is_refused_before_anything_starts(
    start: Start, tmp_path: Path
):
    first = start(PATIENT)
    until(lambda: announced(tmp_path), within=30)

    second = start(PATIENT)

    assert second.wait(30) == 1
    assert printed(tmp_path).splitlines()[-1] == (
        f"已有一个实例在 {tmp_path} 运行；同一目录不能再开一个。"
        "请先停止它，或用 PILOT_HOME 另指一个目录。"
    )
    assert first.poll() is None


def test_a_port_in_use_is_refused_naming_what_to_set(start: Start, tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        refused = start(PATIENT, port=port)

        assert refused.wait(30) == 1
    assert printed(tmp_path) == (
        f"端口 {port} 已被占用。请停止占用它的程序，或用 PILOT_PREFECT_PORT 另指一个端口。\n"
    )
    assert not (tmp_path / "log").exists()


def test_a_log_grown_large_is_put_aside_at_the_start(start: Start, tmp_path: Path):
    log = tmp_path / "log" / "child1.log"
    log.parent.mkdir()
    log.write_bytes(b"x" * (LOG_BYTES + 1))

    start(PATIENT)
    until(lambda: announced(tmp_path), within=30)

    assert log.read_text() == "child 1 speaks\n"
    assert log.with_suffix(".log.1").stat().st_size == LOG_BYTES + 1
