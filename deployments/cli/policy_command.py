"""`pilot policy diff`: what a changed policy would touch, before it is applied."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command, new_app
from deployments.cli.instance import present
from deployments.cli.output import print_json, show, table
from models.operations.policy_impact import Impact, impact
from models.policy import folder_of, load_proposed
from models.policy.comparison import FigureChange, changed_figures
from tasks.database import reading

app = new_app("政策：方案的数字、期限和名单")

_SHOWN = 20
_KEPT = (
    "案卷仍记着立案时的政策版本，已开事项的截止日不变；政策文件启用后，"
    "此后转到的环节、提出的补助和发出的催办按新政策。批次与里程碑的期限在装入时已存入数据库，"
    "改动政策文件不会改动它们。"
)


# Without a second command Typer would take `diff` for the argument of `policy`.
@app.callback()
def policy() -> None:
    """政策文件。"""


@app.command("diff", cls=Command)
def diff(
    new_dir: Annotated[
        Path,
        typer.Argument(metavar="新目录", help="改动后的政策文件所在目录", show_default=False),
    ],
    as_json: AsJson = False,
) -> None:
    """比较现行政策与改动后的政策：改了哪些数，会触及哪些在办案卷、期限、里程碑、催办。"""
    here = present()
    programme = here.moment.programme
    changed, folder = load_proposed(new_dir, programme.key)
    figures = changed_figures(folder_of(programme.key), folder)
    with reading() as session:
        touched = impact(session, programme, changed, here.today)
    if as_json:
        versions = {"version": programme.version, "new_version": changed.version}
        print_json({**here.heading(), **versions, "figures": figures, "impact": touched})
        return
    if not figures:
        show(here.note, Text("两份政策的数字完全相同", style="green"))
        return
    show(here.note, *_pages(figures, touched))


def _pages(figures: list[FigureChange], touched: Impact) -> list[Any]:
    parts: list[Any] = [Text(f"改动 {len(figures)} 处", style="bold")]
    changes = table("文件", "位置", "现行", "改为", "出处")
    for each in figures:
        source = Text(each.source)
        if each.verified is False:
            source.append("（待核）", style="yellow")
        changes.add_row(each.file, each.path, each.old or "—", each.new or "—", source)
    parts.append(changes)
    parts.append(Text(f"\n触及在办案卷 {len(touched.cases)} 件", style="bold"))
    if touched.cases:
        cases = table("案卷", "企业", "当前环节", "缘由")
        for case in touched.cases[:_SHOWN]:
            cases.add_row(case.case_no, case.enterprise, case.step, "\n".join(case.reasons))
        parts += [cases, *_rest(len(touched.cases))]
    parts.append(Text(f"\n所处环节时限有变的事项 {len(touched.deadlines)} 件", style="bold"))
    if touched.deadlines:
        deadlines = table("案卷", "企业", "环节", "时限", "截止（不变）", "若今日按新政策转到")
        for item in touched.deadlines[:_SHOWN]:
            deadlines.add_row(
                item.case_no,
                item.enterprise,
                item.step,
                f"{item.old} → {item.new}",
                str(item.due_on or "—"),
                str(item.if_asked_today or "按批次日期"),
            )
        parts += [deadlines, *_rest(len(touched.deadlines))]
    parts.append(Text(f"\n里程碑和目标 {len(touched.milestones)} 处", style="bold"))
    if touched.milestones:
        milestones = table("编号", "改动", "现行", "改为", "现有")
        for one in touched.milestones:
            value = "—" if one.value is None else str(one.value)
            milestones.add_row(one.key, one.what, one.old, one.new, value)
        parts.append(milestones)
    parts.append(Text("\n今后 60 天的催办（件）", style="bold"))
    if touched.reminders:
        reminders = table("日期", ("现行", {"justify": "right"}), ("改后", {"justify": "right"}))
        for day in touched.reminders[:_SHOWN]:
            reminders.add_row(str(day.day), str(day.old), str(day.new))
        parts += [reminders, *_rest(len(touched.reminders))]
    else:
        parts.append(Text("没有变化"))
    if touched.ceilings_old != touched.ceilings_new:
        parts.append(
            Text(
                f"\n已定级、尚未提出补助的案卷，补助上限合计 "
                f"{touched.ceilings_old:,.2f} 元 → {touched.ceilings_new:,.2f} 元",
                style="bold",
            )
        )
    parts.append(Text(f"\n{_KEPT}", style="dim"))
    return parts


def _rest(count: int) -> list[Text]:
    hidden = count - _SHOWN
    return [Text(f"另有 {hidden} 件，全部见 --json", style="dim")] if hidden > 0 else []
