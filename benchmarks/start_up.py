"""`pilot up`: how long until it says that it is up, on an empty home and on one used before."""

import tempfile
import time
from pathlib import Path

from benchmarks.result import Measure, Result
from tests.system.instance import Instance, running

#: seconds, for a second start on two cores
AIM = 25.0


def run() -> Result:
    """Start an instance twice on the same home."""
    taken = []
    with tempfile.TemporaryDirectory() as home:
        for _ in range(2):
            begun = time.monotonic()
            with running(Instance(Path(home))):
                taken.append(time.monotonic() - begun)
    cold, warm = taken
    return Result(
        part="start_up",
        title="Starting",
        measures=[
            Measure(what="on an empty home", value=cold, unit="s"),
            Measure(
                what="a second time", value=warm, unit="s", aim=f"≤ {AIM:.0f}", is_met=warm <= AIM
            ),
        ],
        notes=[
            "Until all parts are ready. On an empty home the demonstration is loaded and Prefect's "
            "database is made; the virtual environment was there in either case.",
        ],
    )
