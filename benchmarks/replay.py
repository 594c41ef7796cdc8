"""`pilot replay`: two years of 220 enterprises by operations alone, in a process of its own."""

import json
import resource
import subprocess
import sys
import tempfile
import time

from benchmarks.result import Measure, Result

ENTERPRISES = 220
AIM_SECONDS = 60.0


def run() -> Result:
    """Measure one replay from its start to its last line."""
    with tempfile.TemporaryDirectory() as home:
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from deployments.cli import main; main()",
                *("replay", "--json", f"--enterprises={ENTERPRISES}", "--seed=1"),
                *("--from=2024-01-01", "--to=2025-12-31"),
            ],
            env={"PATH": "", "PILOT_HOME": home},
            capture_output=True,
            check=True,
            text=True,
        )
        seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = json.loads(done.stdout)["outcome"]
    mails = sum(mail["queued"] for mail in said["mails"])
    return Result(
        part="replay",
        title=f"Replay of two years, {ENTERPRISES} enterprises, without Prefect",
        measures=[
            Measure(
                what="the whole",
                value=seconds,
                unit="s",
                aim=f"≤ {AIM_SECONDS:.0f}",
                is_met=seconds <= AIM_SECONDS,
            ),
            Measure(
                what="CPU of it",
                value=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                unit="s",
            ),
            # Of the largest child so far; run alone, it is the replay's.
            Measure(what="peak memory", value=after.ru_maxrss / 1024, unit="MB"),
            Measure(what="answers", value=said["answers"] / seconds, unit="1/s"),
            Measure(what="days", value=said["sealed_days"] / seconds, unit="1/s"),
            Measure(what="mails", value=mails / seconds, unit="1/s"),
        ],
        notes=[
            f"{said['answers']} answers, {mails} mails, {said['sealed_days']} sweeps and the "
            "reckoning at the end; SQLite that need not survive a power cut.",
        ],
    )
