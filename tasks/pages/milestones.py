"""The milestone board: both years and the targets, each with its progress and its state."""

from collections.abc import Sequence
from datetime import date

from models.operations.milestones import MilestoneProgress
from models.policy import Programme
from models.rules.milestones import MilestoneState
from tasks.pages.words import cell

_WANTING = (MilestoneState.OVERDUE, MilestoneState.AT_RISK)


def milestone_page(
    programme: Programme,
    standings: Sequence[MilestoneProgress],
    today: date,
    notes: Sequence[str],
    picture: str,
) -> str:
    """Return the board; `picture` is the markdown that shows the calendar."""
    parts = ["# 里程碑看板", *(f"**{note}**" for note in notes)]
    parts.append(
        f"截至 {today}。{_counted(standings)}。"
        "各项的原文、计量办法和佐证，"
        "由系统管理员用命令 `pilot milestone show 编号` 查看（编号见图）。"
    )
    parts.append(picture)
    wanting = [each for each in standings if each.state in _WANTING]
    if wanting:
        parts.append("## 需要处理")
        parts.append(_wanting(programme, wanting))
    parts.append("## 总目标")
    parts.append(_targets([each for each in standings if each.is_programme_target]))
    items = [each for each in standings if not each.is_programme_target]
    for year in sorted({each.year for each in items}):
        parts.append(f"## {year} 年")
        parts.append(_items([each for each in items if each.year == year]))
    return "\n\n".join(parts)


def done_so_far(standing: MilestoneProgress) -> str:
    """Return what has been done in few words: 37 家／100 家以上, 佐证 1 份."""
    parts = []
    if standing.value is not None:
        against = f"／{standing.target_text}" if standing.target_text else ""
        parts.append(f"{standing.value} {standing.unit}{against}")
    if standing.evidence_wanted and not standing.is_programme_target:
        count = len(standing.evidence)
        parts.append(f"佐证 {count} 份" if count else "尚无佐证")
    return "，".join(parts)


def _counted(standings: Sequence[MilestoneProgress]) -> str:
    counts = {state: sum(each.state is state for each in standings) for state in MilestoneState}
    return "，".join(f"{state.label} {count} 项" for state, count in counts.items() if count)


def _state(standing: MilestoneProgress) -> str:
    """Return the state, bold where somebody has to see to it."""
    label = standing.state.label
    if standing.done_on:
        return f"{label} {standing.done_on:%m-%d}"
    return f"**{label}**" if standing.state in _WANTING else label


def _targets(standings: Sequence[MilestoneProgress]) -> str:
    lines = ["| 目标 | 期限 | 进度 | 状态 |", "|---" * 4 + "|"]
    lines += [
        f"| {cell(each.short)} | {each.ends_on} | {done_so_far(each)} | {_state(each)} |"
        for each in standings
    ]
    return "\n".join(lines)


def _items(standings: Sequence[MilestoneProgress]) -> str:
    """Return one year's items; the year stands above them, which keeps the columns narrow."""
    lines = ["| 项 | 任务 | 期限 | 进度 | 状态 |", "|---" * 5 + "|"]
    for each in standings:
        days = f"{each.starts_on:%m-%d} 至 {each.ends_on:%m-%d}"
        lines.append(
            f"| {each.number} | {cell(each.short)} | {days} | {done_so_far(each)} "
            f"| {_state(each)} |"
        )
    return "\n".join(lines)


def _wanting(programme: Programme, standings: Sequence[MilestoneProgress]) -> str:
    """Return what is overdue or at risk, with who has to see to it."""
    bodies = {each.key: each.bodies for each in programme.milestones}
    lines = ["| 事项 | 状态 | 截止 | 还差 | 责任单位 |", "|---" * 5 + "|"]
    for each in sorted(standings, key=lambda each: (_WANTING.index(each.state), each.ends_on)):
        who = "、".join(body.label for body in bodies.get(each.key, ())) or "—"
        lines.append(
            f"| {cell(each.short)} | {_state(each)} | {each.ends_on} | {_missing(each)} | {who} |"
        )
    return "\n".join(lines)


def _missing(standing: MilestoneProgress) -> str:
    parts = []
    if standing.target is not None and (standing.value or 0) < standing.target:
        parts.append(f"{standing.target - (standing.value or 0)} {standing.unit}")
    if standing.needs_evidence:
        parts.append(f"佐证：{cell(standing.evidence_wanted)}")
    return "；".join(parts) or "名单未定"
