"""`pilot event`: training and matching events, moved or called off, who is invited and came."""

from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command, new_app, one_of
from deployments.cli.instance import Instance, present
from deployments.cli.milestone_recording import By, Reason, lead_deed
from deployments.cli.output import instant, pairs, print_json, show, table
from models.operations import events
from models.operations.parties import party_named
from models.rules.clock import SHANGHAI
from models.rules.events import EventKind
from models.rules.stages import Role
from models.tables.event import Event
from tasks.calendar_mails import mails_for_changed_event, mails_for_invitation
from tasks.database import reading, transaction

app = new_app("活动：培训与供需对接的登记、邀请、签到")

_TIME = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]
EventId = Annotated[
    int, typer.Argument(metavar="活动", help="见 pilot event list", show_default=False)
]


@app.command("add", cls=Command)
def add(
    kind: Annotated[
        EventKind,
        typer.Option(parser=one_of(EventKind), metavar="类别", help="培训、供需对接"),
    ],
    name: Annotated[str, typer.Option(metavar="名称", help="活动名称")],
    place: Annotated[str, typer.Option(metavar="地点", help="在哪里举办")],
    starts: Annotated[
        datetime, typer.Option(formats=_TIME, metavar="时间", help="开始，如 2024-06-18 09:00")
    ],
    ends: Annotated[
        datetime, typer.Option(formats=_TIME, metavar="时间", help="结束，如 2024-06-18 17:00")
    ],
    milestone: Annotated[str, typer.Option(metavar="里程碑", help="属于哪一项，如 2024-06")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """登记一次活动；同名同时的活动只登记一次。"""
    here = present()
    with transaction() as session:
        bureau, deed = lead_deed(here, session, by, "登记活动", "三（三）4")
        event, is_new = events.add_event(
            session,
            here.moment.programme,
            Event(
                kind=kind,
                name=name.strip(),
                place=place.strip(),
                starts_at=starts.replace(tzinfo=SHANGHAI),
                ends_at=ends.replace(tzinfo=SHANGHAI),
                milestone_key=milestone,
            ),
            deed,
            bureau,
            at=here.moment.at,
        )
    if as_json:
        print_json({**here.heading(), "event": _told(event), "is_new": is_new})
        return
    done = "已登记" if is_new else "此前已登记"
    show(here.note, Text(f"✓ {done}活动 {event.id}：{event.name}", style="green"))


@app.command("invite", cls=Command)
def invite(
    event_id: EventId,
    party: Annotated[
        list[str] | None, typer.Option(metavar="单位", help="单位全称，可重复")
    ] = None,
    role: Annotated[
        Role | None, typer.Option(parser=one_of(Role), metavar="角色", help="该角色的全部单位")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(metavar="批次", help="该批次办理中案卷的全部企业")
    ] = None,
    note: Annotated[str, typer.Option(metavar="说明", help="写进邀请邮件")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """邀请单位参加活动，邮件附日历文件；已邀请过的不再发。"""
    if not party and role is None and batch is None:
        raise typer.BadParameter("请用 --party、--role 或 --batch 说明邀请谁")
    here = present()
    with transaction() as session:
        bureau, deed = lead_deed(here, session, by, "邀请参加活动", "三（三）4")
        event = events.event_numbered(session, event_id)
        wanted = events.parties_of(session, role=role, batch=batch, names=party or ())
        new = events.invite(session, event, wanted, deed, bureau, at=here.moment.at)
        mails = mails_for_invitation(session, here.moment, event, new, note)
    if as_json:
        names = [each.name for each in new]
        print_json({**here.heading(), "event_id": event_id, "invited": names, "mails": mails})
        return
    said = f"✓ 新邀请 {len(new)} 家单位，邮件 {mails} 封；此前已邀请 {len(wanted) - len(new)} 家"
    show(here.note, Text(said, style="green"))


@app.command("attend", cls=Command)
def attend(
    event_id: EventId,
    party: Annotated[str, typer.Argument(metavar="单位", help="单位全称", show_default=False)],
    role: Annotated[
        Role, typer.Option(parser=one_of(Role), metavar="角色", help="单位的角色")
    ] = Role.ENTERPRISE,
    people: Annotated[str, typer.Option(metavar="姓名", help="签到的人，如 张三、李四")] = "",
    absent: Annotated[bool, typer.Option("--absent", help="登记为未到")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """登记一个单位到会与否；未邀请而到会的也可登记。"""
    here = present()
    with transaction() as session:
        bureau, deed = lead_deed(here, session, by, "登记活动签到", "三（三）4")
        row = events.attend(
            session,
            events.event_numbered(session, event_id),
            party_named(session, role, party),
            people,
            deed,
            bureau,
            has_attended=not absent,
            at=here.moment.at,
        )
    if as_json:
        print_json({**here.heading(), "attendance": row.model_dump()})
        return
    show(here.note, Text(f"✓ “{party}”{'未到' if absent else '已签到'}", style="green"))


@app.command("move", cls=Command)
def move(
    event_id: EventId,
    reason: Reason,
    starts: Annotated[
        datetime | None, typer.Option(formats=_TIME, metavar="时间", help="新的开始时间")
    ] = None,
    ends: Annotated[
        datetime | None, typer.Option(formats=_TIME, metavar="时间", help="新的结束时间")
    ] = None,
    place: Annotated[str, typer.Option(metavar="地点", help="新的地点，默认不变")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """改变活动的时间或地点，受邀单位收到邮件，日历随之更新。"""
    if (starts is None) != (ends is None):
        raise typer.BadParameter("改时间请同时写明 --starts 和 --ends")
    if starts is None and not place.strip():
        raise typer.BadParameter("请用 --starts、--ends 或 --place 说明改成什么")
    here = present()
    mails = 0
    with transaction() as session:
        bureau, deed = lead_deed(here, session, by, "变更活动", "三（三）4")
        event = events.event_numbered(session, event_id)
        is_moved = events.move_event(
            session,
            event,
            deed,
            bureau,
            starts_at=starts.replace(tzinfo=SHANGHAI) if starts else event.starts_at,
            ends_at=ends.replace(tzinfo=SHANGHAI) if ends else event.ends_at,
            place=place.strip() or event.place,
            reason=reason,
            at=here.moment.at,
        )
        if is_moved:
            mails = mails_for_changed_event(session, here.moment, event, reason)
    _show_change(here, event, "已变更" if is_moved else "与原来相同，未变更", mails, as_json)


@app.command("cancel", cls=Command)
def cancel(event_id: EventId, reason: Reason, by: By = "", as_json: AsJson = False) -> None:
    """取消活动：不计入里程碑，受邀单位收到邮件，日历中的条目随之取消。"""
    here = present()
    mails = 0
    with transaction() as session:
        bureau, deed = lead_deed(here, session, by, "取消活动", "三（三）4")
        event = events.event_numbered(session, event_id)
        stood = events.cancel_event(session, event, deed, bureau, reason=reason, at=here.moment.at)
        if stood:
            mails = mails_for_changed_event(session, here.moment, event, reason)
    _show_change(here, event, "已取消" if stood else "此前已取消", mails, as_json)


def _show_change(here: Instance, event: Event, done: str, mails: int, as_json: bool) -> None:
    if as_json:
        print_json({**here.heading(), "event": _told(event), "mails": mails})
        return
    said = f"✓ 活动 {event.id}（{event.name}）{done}，通知邮件 {mails} 封"
    show(here.note, Text(said, style="green"))


@app.command("list", cls=Command)
def list_events(as_json: AsJson = False) -> None:
    """列出全部活动：时间、地点、邀请和到会家数。"""
    here = present()
    with reading() as session:
        rows = events.event_rows(session)
    if as_json:
        told = [{**_told(row.event), "invited": row.invited, "came": row.came} for row in rows]
        print_json({**here.heading(), "events": told})
        return
    listed = table(
        ("编号", {"no_wrap": True}),
        "类别",
        "名称",
        ("时间", {"no_wrap": True}),
        "地点",
        ("里程碑", {"no_wrap": True}),
        "邀请",
        "到会",
    )
    for row in rows:
        event = row.event
        listed.add_row(
            str(event.id),
            event.kind.label,
            _name(event),
            f"{instant(event.starts_at)}\n{instant(event.ends_at)}",
            event.place,
            event.milestone_key,
            str(row.invited),
            str(row.came),
        )
    show(here.note, listed)


@app.command("show", cls=Command)
def show_event(event_id: EventId, as_json: AsJson = False) -> None:
    """显示一次活动及其签到情况。"""
    here = present()
    with reading() as session:
        event = events.event_numbered(session, event_id)
        invited = events.invitations(session, event)
    if as_json:
        told = [
            {**row.model_dump(), "party": party.name, "role": party.role} for row, party in invited
        ]
        print_json({**here.heading(), "event": _told(event), "invitations": told})
        return
    listed = table("单位", "角色", "到会", "签到的人")
    for row, party in invited:
        came = {None: "", True: "已到", False: "未到"}[row.has_attended]
        listed.add_row(party.name, party.role.label, came, row.attendees)
    lines: list[tuple[str, str | Text]] = [
        ("活动", f"{event.id}　{event.name}（{event.kind.label}）"),
        ("时间", f"{instant(event.starts_at)} 至 {instant(event.ends_at)}"),
        ("地点", event.place),
        ("里程碑", event.milestone_key),
    ]
    if event.cancelled_at is not None:
        lines.append(("取消", f"{instant(event.cancelled_at)}，不计入里程碑"))
    show(here.note, pairs(lines), listed)


def _name(event: Event) -> Text:
    """Return the name; below it, that the event was called off."""
    if event.cancelled_at is None:
        return Text(event.name)
    return Text.assemble((event.name, "strike"), ("\n已取消", "bold red"))


def _told(event: Event) -> dict[str, object]:
    return {**event.model_dump(), "kind": event.kind}
