"""Run the parts named on the command line, or all; print a table, write results/latest.json."""

import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import PARTS
from benchmarks.result import Result

_RESULTS = Path(__file__).parent / "results" / "latest.json"


def _show(console: Console, result: Result, load: float) -> None:
    table = Table(title=result.title, title_justify="left", caption_justify="left")
    table.add_column("measure")
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("aim")
    for measure in result.measures:
        colour = {True: "green", False: "red", None: "none"}[measure.is_met]
        table.add_row(
            measure.what, f"{measure.value:,.2f}", measure.unit, measure.aim, style=colour
        )
    console.print(table)
    for note in (*result.notes, f"Load average before: {load:.1f}."):
        console.print(f"  {note}", style="dim")


def main(wanted: list[str]) -> int:
    """Run `wanted` parts, all without any; 2 for a name that is none."""
    unknown = set(wanted) - set(PARTS)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    console = Console()
    # The parts that are not run now keep what they measured last.
    kept = json.loads(_RESULTS.read_text("utf-8"))["parts"] if _RESULTS.exists() else {}
    for part in PARTS:
        if wanted and part not in wanted:
            continue
        # Others' work on the machine slows ours down; the number says how far to trust the rest.
        load = os.getloadavg()[0]
        result: Result = import_module(f"benchmarks.{part}").run()
        _show(console, result, load)
        kept[part] = {
            **asdict(result),
            "load_before": round(load, 2),
            "measured_at": datetime.now(UTC).isoformat(),
        }
        _RESULTS.parent.mkdir(exist_ok=True)
        _RESULTS.write_text(
            json.dumps(
                {
                    "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
                    "python": platform.python_version(),
                    "parts": kept,
                },
                ensure_ascii=False,
                indent=2,
            ),
            "utf-8",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
