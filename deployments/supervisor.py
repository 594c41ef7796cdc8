"""Run the processes of one instance as one: start, watch, restart, stop, and say what happens."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from models.rules.errors import PilotError

#: a log larger than this is put aside when its process starts; one older log is kept
LOG_BYTES = 5_000_000

#: how long a process may take to end after SIGTERM, before SIGKILL
STOP_SECONDS = 10.0

#: pauses before a restart, in seconds; the last one repeats
BACKOFF = (1.0, 2.0, 5.0, 15.0, 30.0)

#: a process that ran this long is restarted without a growing pause
STEADY_SECONDS = 60.0

_TICK_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class AlreadyRunningError(PilotError):
    """Another instance is running on this home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        super().__init__(
            f"已有一个实例在 {home} 运行；同一目录不能再开一个。"
            "请先停止它，或用 PILOT_HOME 另指一个目录。"
        )


class PortInUseError(PilotError):
    """A port this instance needs is taken."""

    def __init__(self, variable: str, port: int) -> None:
        self.variable = variable
        self.port = port
        super().__init__(
            f"端口 {port} 已被占用。请停止占用它的程序，或用 {variable} 另指一个端口。"
        )


@dataclass(frozen=True, kw_only=True)
class Child:
    """One process of the instance. It waits itself for what it needs, so all start at once."""

    name: str
    argv: Sequence[str]
    #: laid over the supervisor's own environment
    env: Mapping[str, str] = field(default_factory=dict)
    #: says whether the process has taken up its work; called until it does
    ready: Callable[[], bool] = lambda: True


def answers(url: str) -> Callable[[], bool]:
    """Return a check for `Child.ready`: something answers at `url`, with a status below 500."""
    # One client for all the asking: to make one reads every certificate of the machine, and ten
    # a second took more time from the processes that were starting than most of them needed.
    client = httpx.Client(timeout=2, trust_env=False)

    def check() -> bool:
        try:
            return client.get(url).status_code < 500
        except httpx.HTTPError:
            return False

    return check


def running_instance(home: Path) -> dict[str, Any] | None:
    """Return what the instance running on `home` says of itself (`run.json`), None if none runs."""
    try:
        with (home / "run.lock").open() as lock:
            flock(lock, LOCK_SH | LOCK_NB)
    except BlockingIOError:
        try:
            found: dict[str, Any] = json.loads((home / "run.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found
    except FileNotFoundError:
        return None
    return None


def dying_with_us() -> Callable[[], None]:
    """Return what a child process does first so that it does not outlive us, however we end.

    Who is killed cannot stop his children; the kernel does.
    """
    parent = os.getpid()

    def prepare() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


class _Process:
    """A child's present process, and what is known about its earlier ones."""

    def __init__(self, child: Child, log: Path) -> None:
        self.child = child
        self.log = log
        self.restarts = 0
        self.ready = False
        self._quick_ends = 0
        self.start()

    def start(self) -> None:
        self.due: float | None = None
        self.since = datetime.now(UTC)
        self._started = time.monotonic()
        _put_aside(self.log)
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                self.child.argv,
                env={**os.environ, **self.child.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal is for the supervisor, which stops them in order.
                start_new_session=True,
                # Safe, as the supervisor has one thread.
                preexec_fn=dying_with_us(),
            )

    def note_end(self) -> float:
        """Take note that the process has ended; return the pause before it is started again."""
        if time.monotonic() - self._started >= STEADY_SECONDS:
            self._quick_ends = 0
        self._end_group()
        pause = BACKOFF[min(self._quick_ends, len(BACKOFF) - 1)]
        self._quick_ends += 1
        self.restarts += 1
        self.due = time.monotonic() + pause
        return pause

    def stop(self) -> None:
        """End the process and whatever it started: asked first, forced after `STOP_SECONDS`."""
        if self.popen.poll() is not None:
            return
        self.popen.terminate()
        try:
            self.popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"{self.child.name} 未在 {STOP_SECONDS:.0f} 秒内结束，强制结束", flush=True)
        self._end_group()
        self.popen.wait()

    def _end_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)


def supervise(
    children: Sequence[Child],
    *,
    home: Path,
    ports: Mapping[str, int],
    announce: Callable[[], None],
    prepare: Callable[[], object] = lambda: None,
) -> int:
    """Run `children` until SIGINT, SIGTERM or SIGHUP; return the exit status.

    `ports` maps the variable that sets a port to the port. `announce` is called once, when all
    children are ready; `prepare` before any of them starts, when home and ports are certainly ours.
    Raises `AlreadyRunningError` or `PortInUseError` before anything is touched.
    """
    home.mkdir(parents=True, exist_ok=True)
    with only_instance(home):
        for variable, port in ports.items():
            _require_free(variable, port)
        prepare()
        with _told_to_stop() as stopping:
            _run(children, home, ports, announce, stopping)
    return 0


def _run(
    children: Sequence[Child],
    home: Path,
    ports: Mapping[str, int],
    announce: Callable[[], None],
    stopping: Callable[[], bool],
) -> None:
    logs = home / "log"
    logs.mkdir(exist_ok=True)
    processes: list[_Process] = []
    since = datetime.now(UTC)

    def write_down() -> None:
        _write_run(home, since, ports, processes)

    try:
        processes.extend(_Process(child, logs / f"{child.name}.log") for child in children)
        write_down()
        announced = False
        while not stopping():
            changed = [process for process in processes if _look_after(process)]
            if changed:
                write_down()
            if not announced and all(process.ready for process in processes):
                announced = True
                announce()
            time.sleep(_TICK_SECONDS)
        print("正在停止……", flush=True)
    finally:
        for process in reversed(processes):
            process.stop()
        (home / "run.json").unlink(missing_ok=True)
    print("已停止", flush=True)


def _look_after(process: _Process) -> bool:
    """Restart the process if need be; return whether there is anything new to write down."""
    name = process.child.name
    if process.due is not None:
        if time.monotonic() < process.due:
            return False
        process.start()
        print(f"{name} 已重新启动", flush=True)
        return True
    status = process.popen.poll()
    if status is not None:
        pause = process.note_end()
        how = f"被信号 {-status} 终止" if status < 0 else f"退出状态 {status}"
        print(
            f"{name} 意外结束（{how}），{pause:.0f} 秒后重新启动；日志 {process.log}，"
            f"最后一行：{_last_line(process.log)}",
            flush=True,
        )
        process.ready = False
        return True
    if not process.ready and process.child.ready():
        process.ready = True
        return True
    return False


@contextmanager
def only_instance(home: Path) -> Iterator[None]:
    """Keep every other instance off `home`; raise `AlreadyRunningError` where one is running."""
    with (home / "run.lock").open("w") as lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError(home) from error
        yield


def _require_free(variable: str, port: int) -> None:
    with socket.socket() as probe:
        # As servers do: a port whose connections have only just closed counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUseError(variable, port) from error


@contextmanager
def _told_to_stop() -> Iterator[Callable[[], bool]]:
    told = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        told = True

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in signals}
    try:
        yield lambda: told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_run(
    home: Path, since: datetime, ports: Mapping[str, int], processes: Sequence[_Process]
) -> None:
    run = {
        "pid": os.getpid(),
        "since": since.isoformat(),
        "ports": dict(ports),
        "children": {
            process.child.name: {
                "pid": process.popen.pid,
                "running": process.due is None,
                "ready": process.ready,
                "restarts": process.restarts,
                "since": process.since.isoformat(),
                "log": str(process.log),
            }
            for process in processes
        },
    }
    # Whoever reads it meanwhile reads the old one or the new one, never half of it.
    draft = home / "run.json.new"
    draft.write_text(json.dumps(run, ensure_ascii=False, indent=2), encoding="utf-8")
    draft.replace(home / "run.json")


def _put_aside(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2000))
        lines = file.read().decode("utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "（无）")
