"""`pilot item extend|stop|restart`: how a deadline is moved, on record."""

from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from deployments.cli.case_commands import deed_of, item_lines, person_of
from deployments.cli.commands import AsJson, Command, one_of
from deployments.cli.instance import Instance, present
from deployments.cli.output import pairs, print_json, show
from models.operations.answering import UnknownItemError, require_item_number
from models.operations.audit import Deed
from models.operations.deadlines import Moved, action_words
from models.operations.parties import party_for_role
from models.operations.worklists import open_items
from models.rules.stages import Role
from models.tables.case import WorkItem
from tasks.database import reading
from tasks.deadline_moves import extend_item, restart_item, stop_item

Item = Annotated[int, typer.Argument(metavar="事项", help="事项编号", show_default=False)]
Reason = Annotated[str, typer.Option(metavar="理由", help="为何如此；记入审计", show_default=False)]
By = Annotated[str, typer.Option("--by", metavar="姓名", help="市经信局经办人，默认其第一联系人")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for name, command in (("extend", extend), ("stop", stop), ("restart", restart)):
        app.command(name, cls=Command)(command)


def extend(
    item_id: Item,
    reason: Reason,
    days: Annotated[
        int | None, typer.Option(metavar="天数", help="再给多少个工作日", min=1, max=250)
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(metavar="日期", help="延到哪一天，例如 2025-03-14", formats=["%Y-%m-%d"]),
    ] = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """延长一个事项的办理期限，通知办理单位。"""
    if (days is None) == (until is None):
        raise typer.BadParameter("--days 与 --until 须且只须写一个")
    here = present()
    day = until.date() if until else None
    deed = _deed(here, item_id, by, f"延长期限 {days} 个工作日" if days else f"延长期限至 {day}")
    moved = extend_item(item_id, days=days, until=day, reason=reason, deed=deed, moment=here.moment)
    _tell(here, moved, f"期限由 {moved.before} 延长到 {moved.due_on}", as_json=as_json)


def stop(
    item_id: Item,
    reason: Reason,
    waits_for: Annotated[
        Role,
        typer.Option(parser=one_of(Role), metavar="角色", help="在等谁：企业、服务商 …"),
    ],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """因等待另一方而暂停一个事项的计时：期间没有期限，不催办，不算逾期。"""
    here = present()
    deed = _deed(here, item_id, by, f"暂停计时，等待{waits_for.label}")
    moved = stop_item(item_id, waits_for=waits_for, reason=reason, deed=deed, moment=here.moment)
    _tell(
        here, moved, f"已暂停计时，等待{waits_for.label}（原期限 {moved.before}）", as_json=as_json
    )


def restart(item_id: Item, by: By = "", as_json: AsJson = False) -> None:
    """恢复计时：期限顺延暂停期间的工作日数。"""
    here = present()
    deed = _deed(here, item_id, by, "恢复计时")
    moved = restart_item(item_id, deed=deed, moment=here.moment)
    days = f"暂停了 {moved.stopped_days} 个工作日，" if moved.stopped_days is not None else ""
    _tell(here, moved, f"已恢复计时，{days}期限为 {moved.due_on}", as_json=as_json)


def _deed(here: Instance, item_id: int, by: str, what: str) -> Deed:
    require_item_number(item_id)
    with reading() as session:
        item = session.get(WorkItem, item_id)
        if item is None:
            raise UnknownItemError(item_id)
        bureau = party_for_role(session, Role.CITY_BUREAU)
        actor = person_of(session, bureau, by)
    # The bureau that leads and co-ordinates.
    return deed_of(here, bureau, actor, action_words(item, what), "五（一）")


def _tell(here: Instance, moved: Moved, what: str, *, as_json: bool) -> None:
    with reading() as session:
        [item] = open_items(session, today=here.today, item_id=moved.item.id)
    is_repeat = moved.number is None
    if as_json:
        print_json(
            {
                **here.heading(),
                "case_no": moved.case.case_no,
                "is_repeat": is_repeat,
                "before": moved.before,
                "due_on": moved.due_on,
                "stopped_days": moved.stopped_days,
                "item": item,
            }
        )
        return
    again = "（此前已登记，本次未改变任何内容）" if is_repeat else ""
    done = Text(f"✓ 事项 {item.item_id}：{what}{again}", style="green")
    show(here.note, done, pairs(item_lines(item)))
