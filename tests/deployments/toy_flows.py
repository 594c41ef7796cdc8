"""What a stage flow does, without the programme; where it stands is kept in small files."""

import json
import logging
import os
import time
from pathlib import Path

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field

TEN_YEARS = 10 * 365 * 24 * 3600


class Opinion(RunInput):
    """A form as a coordinator sees it."""

    opinion: str = Field(title="意见", description="写明理由", min_length=2)


def said(case: str) -> Path:
    """Return the file of what has been said about `case`, a line an answer."""
    return Path(os.environ["PILOT_HOME"]) / f"{case}.said"


def _answers(key: str) -> list[str]:
    with get_client(sync_client=True) as client:
        found = client.request(
            "POST",
            "/flow_runs/{id}/input/filter",
            path_params={"id": flow_run.get_id()},
            json={"prefix": f"suspended-{key}-response", "limit": 1, "exclude_keys": []},
        ).json()
    return [json.loads(row["value"])["opinion"] for row in found]


@flow(name="两次表态", description="问两次意见。")
def ask_twice(case: str) -> str:
    """Ask for two opinions, each on a form of its own; a wake without a form skips one."""
    file = said(case)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    if lines and lines[-1] == "?":
        lines[-1:] = _answers(f"item-{len(lines)}") or ["—"]
    if len(lines) < 2:
        lines.append("?")
    file.write_text("\n".join(lines), encoding="utf-8")
    if lines[-1] == "?":
        suspend_flow_run(
            wait_for_input=Opinion.with_initial_data(description=f"## {case}\n请表态"),
            key=f"item-{len(lines)}",
            timeout=TEN_YEARS,
        )
    return "、".join(lines)


@flow(name="慢")
def slow(case: str, seconds: float) -> str:
    """Take `seconds` the first time, none after that; say how often it was begun."""
    file = said(case)
    begun = len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0
    with file.open("a", encoding="utf-8") as line:
        line.write("begun\n")
    logging.getLogger("flows.slow").info("第 %s 次开始", begun + 1)
    if not begun:
        time.sleep(seconds)
    return f"begun {begun + 1} times"


@flow(name="坏")
def broken() -> None:
    """Fail."""
    raise ValueError("坏了")


@flow(name="每日", description="每天早上。")
def daily() -> None:
    """Do nothing, every morning."""


DEPLOYMENTS = (
    (ask_twice, "toy", None, ("阶段:诊断",)),
    (slow, "toy", None, ()),
    (broken, "toy", None, ()),
    (daily, "toy", "30 8 * * *", ("系统",)),
)
