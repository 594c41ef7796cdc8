"""`pilot item`: what waits for whom, and what one item asks for."""

from typing import Annotated, Any

import typer
from rich.text import Text
from sqlmodel import Session, select

from deployments.cli.case_commands import item_lines
from deployments.cli.commands import AsJson, Command, new_app, one_of
from deployments.cli.form_fields import FieldAsked, fields_asked
from deployments.cli.instance import Instance, present
from deployments.cli.output import joined, left, pairs, print_json, show, table
from models.lifecycle import step_of
from models.operations.answering import UnknownItemError, require_item_number
from models.operations.case_facts import case_facts
from models.operations.form_choices import choices_for
from models.operations.prefilling import prefill
from models.operations.worklists import OpenItem, open_items
from models.rules.errors import PilotError
from models.rules.stages import Role
from models.tables.case import WorkItem
from models.tables.party import Party
from tasks.database import reading

app = new_app("待办事项：列表、所需内容")


class UnknownPartyNameError(PilotError):
    """Nobody is registered under that name."""

    def __init__(self, name: str) -> None:
        """Name it."""
        super().__init__(f"没有登记名为“{name}”的单位；可用 pilot party list 查看")


class ItemOverError(PilotError):
    """The item has been dealt with; nothing is asked any more."""

    def __init__(self, item_id: int, case_no: str) -> None:
        """Name the item, and where to read how it went."""
        super().__init__(f"事项 {item_id} 已办结；经过见 pilot case history {case_no}")


@app.command("list", cls=Command)
def list_items(
    party: Annotated[
        str | None, typer.Option(metavar="单位", help="只看该单位的事项（名称或“市经信局”等）")
    ] = None,
    role: Annotated[
        Role | None, typer.Option(parser=one_of(Role), metavar="角色", help="企业、服务商 …")
    ] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="只看逾期的")] = False,
    as_json: AsJson = False,
) -> None:
    """列出待办事项，最急的在前。"""
    here = present()
    with reading() as session:
        if party is not None:
            require_party(session, party)
        items = open_items(session, today=here.today, party=party, role=role, overdue_only=overdue)
    if as_json:
        print_json({**here.heading(), "items": items})
        return
    listed = table(
        ("事项", {"justify": "right"}),
        ("案卷", {"no_wrap": True}),
        "企业",
        "步骤",
        "办理单位",
        ("截止", {"no_wrap": True}),
        ("剩余", {"no_wrap": True}),
    )
    for item in items:
        listed.add_row(
            str(item.item_id),
            item.case_no,
            item.enterprise,
            f"{item.stage.label} · {item.step_label}",
            item.party,
            str(item.due_on or ("暂停计时" if item.stop else "未定")),
            left(item.days_left, is_overdue=item.is_overdue),
        )
    late = sum(item.is_overdue for item in items)
    show(
        here.note,
        listed,
        Text(f"共 {len(items)} 项，逾期 {late} 项；剩余为工作日", style="dim"),
    )


@app.command("show", cls=Command)
def show_item(
    item_id: Annotated[int, typer.Argument(metavar="事项", help="事项编号", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """显示一个事项需要填写什么、已知什么。"""
    print_item(present(), item_id, as_json=as_json)


def print_item(here: Instance, item_id: int, *, as_json: bool) -> None:
    """Print what the item asks for; refused where it is unknown or over."""
    with reading() as session:
        item = _open_item(session, here, item_id)
        step = step_of(item.stage, item.step)
        facts = case_facts(session, item.case_no)
        asked = session.get_one(Party, item.party_id)
        choices = choices_for(session, step, asked, here.moment.programme)
        known = prefill(session, item_id)
    if choices["handler"]:
        # Who is not named is taken to be the first contact.
        known["handler"] = choices["handler"][0]
    fields = fields_asked(step.form, choices, known)
    if as_json:
        print_json(
            {
                **here.heading(),
                "item": item,
                "asks": step.asks,
                "clause": f"{here.moment.programme.document_no} {step.clause}",
                "case": facts,
                "fields": fields,
            }
        )
        return
    show(
        here.note,
        Text(f"{step.asks}。", style="bold cyan"),
        pairs([*item_lines(item), ("案卷", item.case_no), *facts.lines()]),
        _form(fields),
        Text(f"办理：pilot answer {item_id} {_example(fields)}", style="green"),
    )


def _form(fields: list[FieldAsked]) -> Any:
    listed = table(("名称", {"no_wrap": True}), "内容", "填法", "必填", "已知")
    for field in fields:
        title = Text(field.title)
        if field.description:
            title.append(f"\n{field.description}", style="dim")
        listed.add_row(
            field.name,
            title,
            joined(field.choices) if field.choices else field.kind,
            field.needed,
            Text(field.known, style="cyan"),
        )
    return listed


def _example(fields: list[FieldAsked]) -> str:
    outcome = next(field for field in fields if field.name == "outcome")
    return f"--set outcome={outcome.choices[0]} --set …"


def _open_item(session: Session, here: Instance, item_id: int) -> OpenItem:
    require_item_number(item_id)
    found = open_items(session, today=here.today, item_id=item_id)
    if found:
        return found[0]
    over = session.get(WorkItem, item_id)
    if over is None:
        raise UnknownItemError(item_id)
    raise ItemOverError(item_id, over.case_no)


def require_party(session: Session, name: str) -> None:
    """Raise `UnknownPartyNameError` unless `name` is a party's, or the word for a role."""
    if any(role.label == name for role in Role):
        return
    if session.exec(select(Party.id).where(Party.name == name)).first() is None:
        raise UnknownPartyNameError(name)
