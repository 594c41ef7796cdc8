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
    from models.operations.forecasts import Forecast, LatestStart, TargetForecast

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
            "尚未立案的不预计。P50、P80：模拟中五成、八成在这一天或之前达到；“—”：不足此数，"
            "或案卷数不够、无从推算。"
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
            _share(each),
            _verdict(each),
        )
    parts.append(targets)
    if made.steps_with_few_data:
        parts.append(Text(_basis(made), style="yellow"))
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
    if any(each.steps_with_few_data for each in made.latest_starts):
        rests_on = "“按时限”：其后数据太少的环节按办理时限计。"
        if any(each.steps_of_one_day for each in made.latest_starts):
            rests_on += (
                "“只计 1 天”：该环节数据太少，又没有规定天数（可办到期末），只留 1 个工作日，"
                "所列日期是最后界限；实际需要多少天，请相应提前。"
            )
        parts.append(Text(rests_on, style="yellow"))
    starts = table("案卷", "企业", "当前环节", "须到达", "期限", "其后需", "最迟办完")
    for start in listed:
        latest = Text(_day(start.latest_on))
        if start.is_too_late:
            latest.append("（已来不及）", style="red")
        starts.add_row(
            start.case_no,
            start.enterprise,
            start.step,
            start.goal,
            str(start.goal_on),
            _remainder(start),
            latest,
        )
    parts.append(starts)
    if len(listed) < len(made.latest_starts):
        parts.append(Text(f"只列最紧的 {len(listed)} 件，全部见 --all 或 --json", style="dim"))
    return parts


def _share(target: "TargetForecast") -> str:
    if target.steps_with_few_data:
        return "数据太少"
    return "—" if target.chance_percent is None else f"{target.chance_percent}%"


def _verdict(target: "TargetForecast") -> Text:
    """Return the verdict; one that rests on the policy's lengths says so, and has no colour."""
    if target.steps_with_few_data:
        return Text(f"{target.verdict.label}\n（按时限推算）")
    return Text(target.verdict.label, style=_STYLES[target.verdict.value])


def _basis(made: "Forecast") -> str:
    """Say which steps took what the policy allows, and what that means."""
    words = (
        f"数据太少、按办理时限推算的环节：{joined(made.steps_with_few_data)}。"
        "“按时限推算”的日期和结论假定这些环节恰好用足时限，不是已办事项的经验，因此不给出按期的比例"
    )
    if made.steps_to_a_date:
        words += f"；{joined(made.steps_to_a_date)}没有规定天数，推算为办到期末"
    return words + "。"


def _remainder(start: "LatestStart") -> str:
    """21 个工作日（按时限，实施改造只计 1 天）."""
    if start.remainder is None:
        return "—（不足八成能到达）"
    one_day = [label.rpartition(" · ")[2] for label in start.steps_of_one_day]
    notes = ["按时限"] if len(start.steps_with_few_data) > len(one_day) else []
    if one_day:
        notes.append(f"{joined(one_day)}只计 1 天")
    return f"{start.remainder} 个工作日" + (f"（{'，'.join(notes)}）" if notes else "")


def _day(day: date | None) -> str:
    return "—" if day is None else str(day)
