"""`pilot milestone forecast`: will the targets be reached in time, and what is in the way."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command
from deployments.cli.instance import present
from deployments.cli.output import joined, print_json, show, table
from tasks.database import reading

if TYPE_CHECKING:
    from models.operations.forecasts import Forecast

#: Latest starts shown to people, the most urgent first; JSON has all of them.
_SHOWN = 20
_STYLES = {
    "reached": "green",
    "in-time": "green",
    "at-risk": "yellow",
    "late": "red",
    "too-few-cases": "red",
}


def register(app: typer.Typer) -> None:
    """Add the command to `pilot milestone`."""
    app.command("forecast", cls=Command)(show_forecast)


def show_forecast(
    every: Annotated[bool, typer.Option("--all", help="列出全部在办案卷的最迟日期")] = False,
    as_json: AsJson = False,
) -> None:
    """预测各目标能否按期达到：P50、P80 日期，各案卷最迟何时办完当前环节，瓶颈在谁。"""
    # SciPy takes a second to import: only this command needs it.
    from models.operations.forecasts import forecast

    here = present()
    with reading() as session:
        made = forecast(session, here.moment.programme, here.today)
    if as_json:
        print_json({**here.heading(), "forecast": made, "bottleneck": made.bottleneck})
        return
    show(here.note, *_pages(made, None if every else _SHOWN))


def _pages(made: "Forecast", most: int | None) -> list[Any]:
    parts: list[Any] = [
        Text(
            f"按截至 {made.today} 的办理用时模拟 {made.runs} 次；只推算已立案的案卷，"
            "尚未立案的不预计。P50、P80：模拟中五成、八成在这一天或之前达到；“—”：不足此数。"
        )
    ]
    narrow = ("现有/目标", "在办", "期限", "P50", "P80", "按期", "结论")
    targets = table("任务", *((title, {"no_wrap": True}) for title in narrow))
    for each in made.targets:
        targets.add_row(
            each.name,
            f"{each.value}/{each.target}",
            str(each.in_flight),
            str(each.due_on),
            _day(each.p50),
            _day(each.p80),
            f"{each.chance_percent}%",
            Text(
                each.verdict.label + ("\n数据太少" if each.steps_with_few_data else ""),
                style=_STYLES[each.verdict.value],
            ),
        )
    parts.append(targets)
    if made.steps_with_few_data:
        few = f"数据太少，按办理时限推算的环节：{joined(made.steps_with_few_data)}"
        parts.append(Text(few, style="yellow"))
    if made.waiting:
        parts.append(Text("\n在办案卷已用工作日，按等待的一方（公示期不计）：", style="bold"))
        waiting = table("等待", ("工作日", {"justify": "right"}), ("占比", {"justify": "right"}))
        for row in made.waiting:
            waiting.add_row(row.role.label, f"{row.working_days:,}", f"{row.share_percent}%")
        parts.append(waiting)
        parts.append(Text(f"瓶颈：{made.waiting[0].role.label}"))
    late = sum(each.is_too_late for each in made.latest_starts)
    listed = made.latest_starts[:most]
    parts.append(
        Text(
            f"\n当前环节最迟办完日期（以下各步按 P80 计）：{len(made.latest_starts)} 件，"
            f"其中已来不及 {late} 件",
            style="bold",
        )
    )
    starts = table("案卷", "企业", "当前环节", "须到达", "期限", "其后需", "最迟办完")
    for start in listed:
        latest = Text("数据太少" if start.remainder is None else _day(start.latest_on))
        if start.is_too_late:
            latest.append("（已来不及）", style="red")
        starts.add_row(
            start.case_no,
            start.enterprise,
            start.step,
            start.goal,
            str(start.goal_on),
            "—" if start.remainder is None else f"{start.remainder} 个工作日",
            latest,
        )
    parts.append(starts)
    if len(listed) < len(made.latest_starts):
        parts.append(Text(f"只列最紧的 {len(listed)} 件，全部见 --all 或 --json", style="dim"))
    return parts


def _day(day: date | None) -> str:
    return "—" if day is None else str(day)
