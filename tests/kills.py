"""SIGKILL at a chosen line of our own code, in a forked process of one thread."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

#: Says of a function, by its code, whether its lines count.
Counted = Callable[[CodeType], bool]


@contextmanager
def traced(counted: Counted, on_line: Callable[[FrameType], None]) -> Iterator[None]:
    """Have `on_line` called at every line that counts."""

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not counted(frame.f_code):
            return None
        if event == "line":
            on_line(frame)
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(None)


def dies_at(line: int, work: Callable[[], object], counted: Counted) -> bool:
    """Fork a process that does `work` and is killed at that line; return whether it came there."""
    pid = os.fork()
    if pid == 0:
        left = line

        def count_down(_: FrameType) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            with traced(counted, count_down):
                work()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)
