"""`pilot import`: rosters of growing size into a register that is empty but for the bureaus."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import URL

from benchmarks.memory import peak
from benchmarks.result import Measure, Result
from models.forms.roster import ContactRow, EnterpriseRow, YesNo, columns_of
from models.operations import programmes
from models.operations.audit import Deed
from models.policy import load_programme
from models.rules.credit_code import check_digit
from models.rules.stages import Channel
from tasks.answering import Moment
from tasks.database import make_engine, reading, transaction
from tasks.migration import upgrade
from tasks.rosters import Wanted, import_roster
from tasks.workbooks.writing import Column, OutgoingWorkbook
from tests.builders import FIRST_DAY, instant

SIZES = (1_000, 10_000, 50_000)
#: For ten thousand rows.
AIM_SECONDS, AIM_MEGABYTES = 20.0, 300.0
#: How much longer a row may take among 50,000 than among 10,000.
AIM_GROWTH = 1.5


def write_roster(path: Path, rows: int) -> None:
    """Write a roster of `rows` rows: half of them enterprises, half their contacts."""
    book = OutgoingWorkbook()
    programme = load_programme()
    numbers = range(rows // 2)
    for kind, values in (
        (EnterpriseRow, (_enterprise(number) for number in numbers)),
        (ContactRow, (_contact(number) for number in numbers)),
    ):
        columns = columns_of(kind, programme)
        sheet = book.sheet(kind.sheet, [Column(title=column.title) for column in columns])
        for row in values:
            sheet.append([row.get(column.field) for column in columns])
    book.save(path, force=True)


def _enterprise(number: int) -> dict[str, str]:
    stem = f"91420281MA{number:07}"
    return {
        "name": f"示例企业{number}",
        "credit_code": stem + check_digit(stem),
        "county": "大冶市",
        "industry": "高端装备",
        "is_above_scale": "规上",
        "size": "小型",
        "ownership": "民营",
        "founded_on": "2012-05-18",
        "address": f"湖北省黄石市大冶市示例路 {number} 号",
        "main_business": "精密零部件加工",
        "headcount": "186",
        "headcount_before": "172",
        "revenue": "86000000.5",
    }


def _contact(number: int) -> dict[str, str]:
    return {
        "role": "企业",
        "party": f"示例企业{number}",
        "name": "林一",
        "email": f"contact{number}@example.com",
        "phone": f"139{number:08}",
        "is_primary": YesNo.YES.label,
    }


def measure(path: Path, home: Path) -> None:
    """Import the roster at `path` twice.

    Print the seconds of each by the clock and of the processor, and the peak of memory in MB.
    """
    engine = make_engine(URL.create("sqlite", database=str(home / "import.db")))
    upgrade(engine)
    at = instant(FIRST_DAY)
    with transaction(engine) as session:
        programmes.load(session, load_programme(), at=at)
    with reading(engine) as session:
        moment = Moment(load_programme(), programmes.require_programme(session), at)
    deed = Deed(
        party="市经信局",
        actor="测量",
        identity="测量",
        channel=Channel.COMMAND_LINE,
        action="",
        clause="三（一）",
    )
    for _ in range(2):
        begun, spent = time.monotonic(), time.process_time()
        done = import_roster(path, deed, Wanted.ADD, moment=moment, on=engine)
        print(time.monotonic() - begun, time.process_time() - spent)
        assert done.is_done
    print(peak())


def run() -> Result:
    """Import each size in a process of its own, so that its peak memory is its own."""
    measures = []
    seconds: dict[int, float] = {}
    for rows in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "roster.xlsx"
            write_roster(path, rows)
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.importing", str(path), folder],
                check=True,
                capture_output=True,
                text=True,
            )
        first, first_cpu, again, again_cpu, peak = (float(line) for line in done.stdout.split())
        # By the processor: the growth shall not depend on what else the machine does meanwhile.
        seconds[rows] = first_cpu
        is_aimed = rows == 10_000
        measures += [
            Measure(
                what=f"{rows:,} rows, all new",
                value=first,
                unit="s",
                aim=f"≤ {AIM_SECONDS:.0f}" if is_aimed else "",
                is_met=first <= AIM_SECONDS if is_aimed else None,
            ),
            Measure(what=f"{rows:,} rows, all new, processor", value=first_cpu, unit="s"),
            Measure(what=f"{rows:,} rows, the same again", value=again, unit="s"),
            Measure(what=f"{rows:,} rows, the same again, processor", value=again_cpu, unit="s"),
            Measure(
                what=f"{rows:,} rows, peak memory",
                value=peak,
                unit="MB",
                aim=f"≤ {AIM_MEGABYTES:.0f}" if is_aimed else "",
                is_met=peak <= AIM_MEGABYTES if is_aimed else None,
            ),
        ]
    growth = (seconds[50_000] / 50_000) / (seconds[10_000] / 10_000)
    measures.append(
        Measure(
            what="a row among 50,000 beside one among 10,000",
            value=growth,
            unit="×",
            aim=f"≤ {AIM_GROWTH}",
            is_met=growth <= AIM_GROWTH,
        )
    )
    return Result(
        part="importing",
        title="Importing a roster",
        measures=measures,
        notes=[
            "From the file to the commit, on SQLite: half of the rows are enterprises with all "
            "thirteen columns, half their contacts; every enterprise leaves an audit entry.",
        ],
    )


if __name__ == "__main__":
    measure(Path(sys.argv[1]), Path(sys.argv[2]))
