"""`pilot mail suppressed` and `pilot mail calls`: whom mail does not reach, and who telephones."""

from typing import Annotated, Any

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command, new_app
from deployments.cli.instance import account, present
from deployments.cli.output import instant, print_json, show, table
from models.operations import reach
from models.operations.calls import Call, calls, finish_call
from models.tables.mail import machine_now
from models.tables.reach import Suppression
from tasks.database import reading, transaction

suppressed_app = new_app("停发名单：不再发信的邮箱")
calls_app = new_app("电话通知：邮件无人可收，须打电话")

Address = Annotated[str, typer.Argument(metavar="邮箱", help="邮箱地址", show_default=False)]
Reason = Annotated[str, typer.Option(metavar="原因", help="为什么，记录在案")]


@suppressed_app.command("list", cls=Command)
def list_suppressed(
    with_lifted: Annotated[bool, typer.Option("--all", help="连同已恢复的")] = False,
    as_json: AsJson = False,
) -> None:
    """列出停发的邮箱，最新的在前。"""
    here = present()
    with reading() as session:
        found = reach.suppressions(session, with_lifted=with_lifted)
    if as_json:
        print_json({**here.heading(), "suppressed": [_suppression(each) for each in found]})
        return
    listed = table("邮箱", "原因", ("自", {"no_wrap": True}), "经手", "恢复")
    for each in found:
        lifted = (
            f"{instant(each.lifted_at)} {each.lifted_by}：{each.lift_reason}"
            if each.lifted_at
            else ""
        )
        listed.add_row(each.address, each.reason, instant(each.since), each.by, lifted)
    show(here.note, listed, Text(f"共 {len(found)} 个", style="dim"))


@suppressed_app.command("add", cls=Command)
def add_suppressed(address: Address, reason: Reason) -> None:
    """停止向一个邮箱发信；排队中的邮件改发下一位联系人。"""
    here = present()
    with transaction() as session:
        reach.suppress_by_hand(session, address, reason=reason, by=account(), at=machine_now())
    show(here.note, Text(f"✓ 不再向 {address} 发信", style="green"))


@suppressed_app.command("lift", cls=Command)
def lift_suppressed(address: Address, reason: Reason) -> None:
    """恢复向一个邮箱发信；原记录保留。"""
    here = present()
    with transaction() as session:
        reach.lift(session, address, reason=reason, by=account(), at=machine_now())
    show(here.note, Text(f"✓ 恢复向 {address} 发信", style="green"))


@calls_app.command("list", cls=Command)
def list_calls(
    with_done: Annotated[bool, typer.Option("--all", help="连同已办结的")] = False,
    as_json: AsJson = False,
) -> None:
    """列出要打的电话：打给谁、为什么、哪封邮件；最早的在前。"""
    here = present()
    with reading() as session:
        found = calls(session, with_done=with_done)
    if as_json:
        print_json({**here.heading(), "calls": [_call(each) for each in found]})
        return
    listed = table(
        ("编号", {"justify": "right"}),
        "单位",
        "联系人",
        ("案卷", {"no_wrap": True}),
        ("邮件", {"justify": "right"}),
        "原因",
        ("自", {"no_wrap": True}),
    )
    for each in found:
        call = each.call
        done = f"\n✓ {call.done_by}：{call.note}" if call.done_at else ""
        listed.add_row(
            str(call.id),
            each.mail.to_party,
            "\n".join(f"{name} {phone or '（无电话）'}" for name, phone in each.people) or "—",
            each.mail.case_no or "",
            str(each.mail.id),
            f"{call.why}{done}",
            instant(call.since),
        )
    hint = "邮件全文：pilot mail show 邮件编号；打完后：pilot mail calls done 编号… --note 结果"
    show(here.note, listed, Text(f"共 {len(found)} 件。{hint}", style="dim"))


@calls_app.command("done", cls=Command)
def finish(
    numbers: Annotated[
        list[int],
        typer.Argument(
            metavar="编号...", help="电话编号，一次通话说清的可写几个", show_default=False
        ),
    ],
    note: Annotated[str, typer.Option(metavar="结果", help="通话结果，记录在案")],
) -> None:
    """记下已打的电话及其结果；有一个不能办结，就都不记。"""
    here = present()
    with transaction() as session:
        for number in dict.fromkeys(numbers):
            finish_call(session, number, note=note, by=account(), at=machine_now())
    said = "、".join(map(str, dict.fromkeys(numbers)))
    show(here.note, Text(f"✓ 电话通知 {said} 已办结", style="green"))


def _suppression(each: Suppression) -> dict[str, Any]:
    return {
        "address": each.address,
        "reason": each.reason,
        "code": each.code,
        "detail": each.detail,
        "mail_id": each.mail_id,
        "since": each.since,
        "by": each.by,
        "lifted_at": each.lifted_at,
        "lifted_by": each.lifted_by or None,
        "lift_reason": each.lift_reason or None,
    }


def _call(each: Call) -> dict[str, Any]:
    call, mail = each.call, each.mail
    return {
        "call_id": call.id,
        "party": mail.to_party,
        "people": [{"name": name, "phone": phone} for name, phone in each.people],
        "case_no": mail.case_no,
        "item_id": mail.item_id,
        "mail_id": mail.id,
        "template": mail.template,
        "why": call.why,
        "since": call.since,
        "done_at": call.done_at,
        "done_by": call.done_by or None,
        "note": call.note or None,
    }
