"""`pilot report`: from the database to each format, over 200 and 2,000 cases."""

import json
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from sqlalchemy import URL

from benchmarks.memory import peak
from benchmarks.result import Measure, Result
from models.operations import programmes
from models.operations.audit import Deed
from models.policy import load_programme
from models.rules.report_content import ReportKind
from models.rules.stages import Channel
from tasks.answering import Moment
from tasks.database import make_engine, reading
from tasks.programme_reports.making import make_report
from tests.builders import fill_world, instant
from tests.many_cases import fill_with_cases

SIZES = (200, 2_000)
FORMATS = ("docx", "xlsx", "html", "pdf")
#: For 200 cases, figures and file together.
AIM_SECONDS = 10.0
_AS_OF, _TODAY = date(2025, 10, 31), date(2025, 11, 3)


def fill(path: Path, cases: int) -> None:
    """Make a database of so many cases."""
    engine = make_engine(URL.create("sqlite", database=str(path)))
    fill_world(engine)
    fill_with_cases(engine, cases)
    engine.dispose()


def measure(path: Path, ending: str) -> None:
    """Make the final report in one format; print seconds, peak memory in MB and the size in KB."""
    engine = make_engine(URL.create("sqlite", database=str(path)))
    with reading(engine) as session:
        row = programmes.require_programme(session)
    moment = Moment(load_programme(), row, instant(_TODAY))
    deed = Deed(
        party="市经信局",
        actor="测量",
        identity="测量",
        channel=Channel.COMMAND_LINE,
        action="编制报告",
        clause="四",
    )
    made = path.with_suffix(f".{ending}")
    begun = time.monotonic()
    make_report(ReportKind.FINAL, _AS_OF, made, deed, moment=moment, on=engine)
    seconds = time.monotonic() - begun
    print(json.dumps([seconds, peak(), made.stat().st_size / 1024]))


def run() -> Result:
    """Make each format in a process of its own, so that its peak memory is its own."""
    measures = []
    for cases in SIZES:
        for ending in FORMATS:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "report.db"
                fill(path, cases)
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.report", str(path), ending],
                    check=True,
                    capture_output=True,
                    text=True,
                )
            seconds, peak, size = json.loads(done.stdout)
            what = f"{cases:,} cases, .{ending}"
            is_aimed = cases == SIZES[0]
            measures += [
                Measure(
                    what=what,
                    value=seconds,
                    unit="s",
                    aim=f"≤ {AIM_SECONDS:.0f}" if is_aimed else "",
                    is_met=seconds <= AIM_SECONDS if is_aimed else None,
                ),
                Measure(what=f"{what}, peak memory", value=peak, unit="MB"),
                Measure(what=f"{what}, file", value=size, unit="KB"),
            ]
    return Result(
        part="report",
        title="A report of the programme",
        measures=measures,
        notes=[
            "Snapshot and file together, the libraries of the format imported, on SQLite: the "
            "final report with 13 tables, 8 charts and the list of all enterprises."
        ],
    )


if __name__ == "__main__":
    measure(Path(sys.argv[1]), sys.argv[2])
