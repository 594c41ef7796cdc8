"""`pilot milestone`: the plan's twenty annex items, word for word."""

import re
from datetime import date
from typing import Annotated, Any

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command, new_app
from deployments.cli.instance import present
from deployments.cli.output import pairs, print_json, show, table
from models.policy import Programme
from models.policy.figures import Contradiction, Milestone
from models.rules.errors import PilotError
from models.rules.stages import Role

app = new_app("里程碑：方案附件的二十项任务")

#: `附件1 第7、8项` in a source.
_ANNEX_ITEMS = re.compile(r"附件\s*(\d+)\s*第([\d、]+)项")


class UnknownMilestoneError(PilotError):
    """There is no such milestone."""

    def __init__(self, key: str, known: list[str]) -> None:
        """Name the key asked for and those there are."""
        super().__init__(f"没有编号为 {key} 的里程碑；共有 {'、'.join(known)}")


@app.command("list", cls=Command)
def list_milestones(as_json: AsJson = False) -> None:
    """列出全部里程碑及其期限。"""
    here = present()
    milestones = here.moment.programme.milestones
    if as_json:
        rows = [_summary(each, here.today) for each in milestones]
        print_json({**here.heading(), "milestones": rows})
        return
    listed = table(
        ("编号", {"no_wrap": True}),
        ("期限", {"no_wrap": True}),
        ("现状", {"no_wrap": True}),
        "任务",
        "目标",
    )
    for each in milestones:
        listed.add_row(
            each.key,
            f"{each.starts_on}\n{each.ends_on}",
            _standing(each, here.today),
            each.wording,
            each.target_text or "",
        )
    show(here.note, listed)


@app.command("show", cls=Command)
def show_milestone(
    key: Annotated[str, typer.Argument(metavar="编号", help="例如 2024-01", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """显示一个里程碑：原文、期限、目标、责任单位、出处；方案自相矛盾之处两种读法并列。"""
    here = present()
    programme = here.moment.programme
    milestone = next((each for each in programme.milestones if each.key == key), None)
    if milestone is None:
        raise UnknownMilestoneError(key, [each.key for each in programme.milestones])
    disputed = _contradictions(programme, milestone)
    if as_json:
        whole = {
            **_summary(milestone, here.today),
            "bodies": [{"key": body, "label": body.label} for body in milestone.bodies],
            "bodies_source": milestone.bodies_source,
            "bodies_verified": milestone.bodies_verified,
            "contradictions": [each.model_dump() for each in disputed],
        }
        print_json({**here.heading(), "milestone": whole})
        return
    lines: list[tuple[str, str | Text]] = [
        ("编号", milestone.key),
        ("原文", milestone.wording),
        ("完成时间", milestone.completion),
        ("期限", f"{milestone.starts_on} 至 {milestone.ends_on}"),
        ("现状", _standing(milestone, here.today)),
        ("目标", milestone.target_text or "—"),
        ("责任单位", _sourced(_names(milestone.bodies), milestone.bodies_verified)),
        ("", milestone.bodies_source),
        ("出处", _sourced(milestone.source, milestone.verified)),
    ]
    show(here.note, pairs(lines), *(part for each in disputed for part in _dispute(each)))


def _names(bodies: tuple[Role, ...]) -> str:
    return "、".join(body.label for body in bodies)


def _sourced(text: str, is_verified: bool) -> Text:
    said = Text(text)
    if not is_verified:
        said.append("（待核）", style="yellow")
    return said


def _standing(milestone: Milestone, today: date) -> Text:
    """Return where today lies in the window; whether the work is done is not known here."""
    if today < milestone.starts_on:
        return Text("未开始", style="dim")
    if today > milestone.ends_on:
        return Text("期限已过", style="dim")
    return Text("进行中", style="green")


def _summary(milestone: Milestone, today: date) -> dict[str, Any]:
    return {
        "key": milestone.key,
        "number": milestone.number,
        "wording": milestone.wording,
        "completion": milestone.completion,
        "starts_on": milestone.starts_on,
        "ends_on": milestone.ends_on,
        "standing": _standing(milestone, today).plain,
        "batch": milestone.batch,
        "target": milestone.target,
        "target_text": milestone.target_text,
        "source": milestone.source,
        "verified": milestone.verified,
    }


def _annex_items(source: str) -> set[tuple[str, str]]:
    """Return (annex, number) of every annex item that `source` names."""
    return {
        (annex, number)
        for annex, numbers in _ANNEX_ITEMS.findall(source)
        for number in numbers.split("、")
    }


def _contradictions(programme: Programme, milestone: Milestone) -> list[Contradiction]:
    """Return the contradictions one of whose readings rests on the milestone's annex item."""
    own = _annex_items(milestone.source)
    return [
        each
        for each in programme.contradictions
        if any(own & _annex_items(reading.source) for reading in each.readings)
    ]


def _dispute(contradiction: Contradiction) -> list[Any]:
    lines: list[tuple[str, str | Text]] = []
    for reading in contradiction.readings:
        is_in_force = reading.key == contradiction.in_force
        days = f"（{reading.starts_on} 至 {reading.ends_on}）" if reading.starts_on else ""
        text = Text(f"{reading.text}{days}", style="bold" if is_in_force else "")
        lines.append(("现行读法" if is_in_force else "另一读法", text))
        lines.append(("", _sourced(reading.source, reading.verified)))
    lines.append(("理由", _sourced(contradiction.reason, contradiction.verified)))
    return [Text(f"\n方案自相矛盾：{contradiction.topic}", style="yellow"), pairs(lines)]
