"""`pilot mail retry|stats`: try failed mails anew, and how soon mails reach their server."""

from decimal import Decimal
from typing import Annotated

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command
from deployments.cli.instance import account, present
from deployments.cli.output import print_json, show, table
from models.operations.mail_figures import AIM, SOON, DayFigure, day_figures, whole_share
from models.operations.mail_retries import failed_mails
from models.operations.mail_retries import retry as retry_mails
from models.tables.mail import machine_now
from tasks.database import reading, transaction

_MOST_DAYS = 366
BEFORE_START = "另有 {} 封在邮件发送首次启动之前入队（如装入演示数据时），不计入比例"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("retry", cls=Command)(retry)
    app.command("stats", cls=Command)(stats)


def retry(
    mail_ids: Annotated[
        list[int] | None, typer.Argument(metavar="[编号]...", help="邮件编号", show_default=False)
    ] = None,
    all_failed: Annotated[
        bool,
        typer.Option("--failed", "--all-failed", help="重试全部失败的邮件，停发名单上的除外"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """把发送失败的邮件重新排入待发送，并记录是谁要求的；已送达的不会重发。"""
    if bool(mail_ids) == all_failed:
        raise typer.BadParameter("应给出邮件编号，或用 --failed 重试全部发送失败的邮件")
    here = present()
    with transaction() as session:
        done = retry_mails(
            session,
            failed_mails(session) if all_failed else mail_ids or [],
            asked_by=f"命令行（系统账户 {account()}）",
            now=machine_now(),
        )
    if as_json:
        print_json({**here.heading(), "queued": done.queued, "waiting": done.waiting})
        return
    lines = [Text(f"✓ {len(done.queued)} 封邮件重新排入待发送", style="green")]
    if done.waiting:
        lines.append(Text(f"{len(done.waiting)} 封本来就在待发送，未作改动"))
    show(here.note, *lines)


def stats(
    days: Annotated[int, typer.Option(min=1, max=_MOST_DAYS, metavar="天数", help="最近几天")] = 7,
    as_json: AsJson = False,
) -> None:
    """按日统计邮件：入队后 10 秒内被服务器接收的比例（按机器时间）；首次启动之前入队的不计。"""
    here = present()
    with reading() as session:
        figures = day_figures(session, now=machine_now(), days=days)
    share = whole_share(figures)
    if as_json:
        print_json(
            {
                **here.heading(),
                "within_seconds": int(SOON.total_seconds()),
                "aim": AIM,
                "share": share,
                "days": [figure_document(figure) for figure in figures],
            }
        )
        return
    heads = ("入队", "已接收", "10 秒内", "失败", "未到时", "比例")
    unstarted = sum(figure.before_start for figure in figures)
    listed = table(("日期", {"no_wrap": True}), *((head, {"justify": "right"}) for head in heads))
    for figure in figures:
        counts = (figure.queued, figure.accepted, figure.soon, figure.failed, figure.undecided)
        style = "red" if figure.share is not None and figure.share < AIM else ""
        listed.add_row(str(figure.day), *map(str, counts), Text(percent(figure.share), style=style))
    whole = f"{days} 天合计 {percent(share)}，目标不低于 {percent(AIM)}"
    notes = [Text(whole, style="dim")]
    if unstarted:
        notes.append(Text(BEFORE_START.format(unstarted), style="dim"))
    show(here.note, listed, *notes)


def figure_document(figure: DayFigure) -> dict[str, object]:
    """Return a day's figure as JSON has it."""
    return {**vars(figure), "share": figure.share}


def percent(share: Decimal | None) -> str:
    """97.5%, or a dash."""
    return "—" if share is None else f"{(share * 100).normalize():f}%"
