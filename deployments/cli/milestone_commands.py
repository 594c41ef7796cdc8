"""`pilot milestone list` and `show`: the plan's phases, twenty annex items and four targets."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import typer
from rich.text import Text

from deployments.cli import milestone_recording
from deployments.cli.commands import AsJson, Command, new_app
from deployments.cli.instance import Instance, present
from deployments.cli.output import instant, pairs, print_json, show, table
from models.operations.milestones import (
    MilestoneProgress,
    milestone_days,
    milestone_or_target,
    progress,
    reading_choices,
    readings_in_force,
)
from models.policy import Programme
from models.policy.figures import Contradiction, Milestone, Phase, Target
from models.rules.milestones import MilestoneState
from models.rules.stages import Role
from models.tables.milestone import MilestoneDay, ReadingChoice
from tasks.database import reading
from tasks.pages.milestones import done_so_far

app = new_app("里程碑：方案附件的二十项任务和四项目标")
milestone_recording.register(app)

#: `附件1 第7、8项` in a source.
_ANNEX_ITEMS = re.compile(r"附件\s*(\d+)\s*第([\d、]+)项")

_STYLES = {
    MilestoneState.NOT_STARTED: "dim",
    MilestoneState.UNDER_WAY: "",
    MilestoneState.AT_RISK: "yellow",
    MilestoneState.DONE: "green",
    MilestoneState.DONE_LATE: "green",
    MilestoneState.OVERDUE: "bold red",
}

Key = Annotated[str, typer.Argument(metavar="编号", help="例如 2024-01", show_default=False)]


@app.command("list", cls=Command)
def list_milestones(as_json: AsJson = False) -> None:
    """列出三个阶段、全部里程碑和目标：期限、状态、进度。"""
    here = present()
    found = _progress(here)
    if as_json:
        print_json(
            {
                **here.heading(),
                "phases": [
                    {**each.model_dump(), "state": _phase_state(each, here.today)}
                    for each in here.moment.programme.phases
                ],
                "milestones": [_told(each) for each in found if not each.is_programme_target],
                "targets": [_told(each) for each in found if each.is_programme_target],
            }
        )
        return
    phases = table(("期限", {"no_wrap": True}), ("状态", {"no_wrap": True}), "阶段")
    for phase in here.moment.programme.phases:
        span = f"{phase.starts_on} 至 {phase.ends_on}"
        phases.add_row(span, _phase_state(phase, here.today), phase.name)
    show(here.note, phases)
    for wants_targets in (False, True):
        listed = table(
            ("编号", {"no_wrap": True}),
            ("期限", {"no_wrap": True}),
            ("状态", {"no_wrap": True}),
            "进度",
            "目标" if wants_targets else "任务",
        )
        for each in found:
            if each.is_programme_target is wants_targets:
                listed.add_row(
                    each.key,
                    f"{each.starts_on}\n{each.ends_on}",
                    _state(each),
                    done_so_far(each),
                    each.name,
                )
        show(None, listed)


def _phase_state(phase: Phase, today: date) -> str:
    """A phase is a span of time: its own tasks say whether they were done."""
    if today < phase.starts_on:
        return "未开始"
    return "进行中" if today <= phase.ends_on else "已结束"


@app.command("show", cls=Command)
def show_milestone(key: Key, as_json: AsJson = False) -> None:
    """显示一个里程碑或目标：原文、期限、状态、计量办法、佐证材料；自相矛盾之处两种读法并列。"""
    here = present()
    programme = here.moment.programme
    promised = milestone_or_target(programme, key)
    standing = next(each for each in _progress(here) if each.key == key)
    disputed = _contradictions(programme, promised)
    with reading() as session:
        in_force = readings_in_force(session, programme)
        choices = reading_choices(session)
        days = milestone_days(session, key)
    if as_json:
        whole = {
            **_told(standing),
            "source": promised.source,
            "verified": promised.verified,
            "days": [{**each.model_dump(exclude={"key"}), "state": each.state} for each in days],
            "contradictions": [
                {
                    **each.model_dump(),
                    "in_force": in_force[each.key].key,
                    "choice": choices.get(each.key),
                }
                for each in disputed
            ],
        }
        if isinstance(promised, Milestone):
            whole |= {
                "completion": promised.completion,
                "bodies": [{"key": body, "label": body.label} for body in promised.bodies],
                "bodies_source": promised.bodies_source,
                "bodies_verified": promised.bodies_verified,
            }
        print_json({**here.heading(), "milestone": whole})
        return
    show(
        here.note,
        pairs(_lines(programme, promised, standing)),
        *_course(days, standing.unit),
        *(
            part
            for each in disputed
            for part in _dispute(each, in_force[each.key].key, choices.get(each.key))
        ),
    )


def _progress(here: Instance) -> list[MilestoneProgress]:
    with reading() as session:
        return progress(session, here.moment.programme, here.today)


def _state(standing: MilestoneProgress) -> Text:
    return Text(standing.state.label, style=_STYLES[standing.state])


def _told(standing: MilestoneProgress) -> dict[str, Any]:
    return {
        "key": standing.key,
        "year": standing.year,
        "number": standing.number,
        "wording": standing.name,
        "batch": standing.batch,
        "starts_on": standing.starts_on,
        "ends_on": standing.ends_on,
        "state": standing.state,
        "done_on": standing.done_on,
        "measure": standing.measure,
        "value": standing.value,
        "unit": standing.unit,
        "target": standing.target,
        "target_text": standing.target_text,
        "is_target_final": standing.is_target_final,
        "evidence_wanted": standing.evidence_wanted,
        "evidence_due_on": standing.evidence_due_on,
        "evidence": [each.model_dump() for each in standing.evidence],
    }


def _lines(
    programme: Programme, promised: Milestone | Target, standing: MilestoneProgress
) -> list[tuple[str, str | Text]]:
    figures = programme.progress[promised.key]
    measure = programme.measures[figures.measure]
    state = _state(standing)
    if standing.done_on:
        state.append(f"（{standing.done_on}）")
    lines: list[tuple[str, str | Text]] = [
        ("编号", promised.key),
        ("原文" if isinstance(promised, Milestone) else "目标", standing.name),
    ]
    if isinstance(promised, Milestone):
        lines.append(("完成时间", promised.completion))
    lines += [
        ("期限", f"{standing.starts_on} 至 {standing.ends_on}"),
        ("状态", state),
        ("进度", done_so_far(standing)),
        ("计量办法", _sourced(f"{measure.key.label}：{measure.text}", measure.verified)),
    ]
    if isinstance(promised, Milestone):
        lines.append(("目标", promised.target_text or standing.target_text or "—"))
    if standing.evidence_wanted:
        due = f"{standing.evidence_wanted}（{standing.evidence_due_on} 前）"
        lines.append(("应有佐证", _sourced(due, figures.verified)))
    for each in standing.evidence:
        number = f"，{each.number} {standing.unit}" if each.number else ""
        said = f"{each.id} 号　{each.file_name}{number}，{each.done_on} 完成"
        lines.append(("佐证材料", said))
        lines.append(("", f"{each.recorded_by} 登记于 {instant(each.recorded_at)}　{each.note}"))
        lines.append(("", f"文件编号 {each.document}"))
    if isinstance(promised, Milestone):
        lines += [
            ("责任单位", _sourced(_names(promised.bodies), promised.bodies_verified)),
            ("", promised.bodies_source),
        ]
    lines.append(("出处", _sourced(promised.source, promised.verified)))
    return lines


def _course(days: Sequence[MilestoneDay], unit: str) -> list[Any]:
    """Return the days on which the daily check found another state than before."""
    lines: list[tuple[str, str | Text]] = []
    state = None
    for each in days:
        if each.state is not state:
            value = "" if each.value is None else f"　{each.value} {unit}"
            lines.append((str(each.day), Text(f"{each.state.label}{value}", _STYLES[each.state])))
        state = each.state
    return [Text("\n经过（每日检查）", style="bold"), pairs(lines)] if lines else []


def _names(bodies: tuple[Role, ...]) -> str:
    return "、".join(body.label for body in bodies)


def _sourced(text: str, is_verified: bool) -> Text:
    said = Text(text)
    if not is_verified:
        said.append("（待核）", style="yellow")
    return said


def _annex_items(source: str) -> set[tuple[str, str]]:
    """Return (annex, number) of every annex item that `source` names."""
    return {
        (annex, number)
        for annex, numbers in _ANNEX_ITEMS.findall(source)
        for number in numbers.split("、")
    }


def _contradictions(programme: Programme, promised: Milestone | Target) -> list[Contradiction]:
    """Return the contradictions one of whose readings rests on the milestone's annex item."""
    own = _annex_items(promised.source)
    return [
        each
        for each in programme.contradictions
        if any(own & _annex_items(reading.source) for reading in each.readings)
    ]


def _dispute(
    contradiction: Contradiction, in_force: str, choice: ReadingChoice | None
) -> list[Any]:
    lines: list[tuple[str, str | Text]] = [("编号", contradiction.key)]
    for each in contradiction.readings:
        is_in_force = each.key == in_force
        days = f"（{each.starts_on} 至 {each.ends_on}）" if each.starts_on else ""
        text = Text(f"{each.text}{days}", style="bold" if is_in_force else "")
        lines.append(("现行读法" if is_in_force else "另一读法", text))
        lines.append(("", _sourced(f"{each.key}　{each.source}", each.verified)))
    if choice is None:
        lines.append(("理由", _sourced(contradiction.reason, contradiction.verified)))
    else:
        lines.append(("理由", choice.reason))
        lines.append(("选定", f"{choice.chosen_by}，{instant(choice.chosen_at)}"))
    return [Text(f"\n方案自相矛盾：{contradiction.topic}", style="yellow"), pairs(lines)]
