"""`pilot replay`: the whole pilot on a virtual clock, in a database of its own."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr
from rich.table import Table
from rich.text import Text
from sqlalchemy import URL

from deployments.cli.commands import AsJson, Command, one_of
from deployments.cli.output import pairs, print_json, show, table
from deployments.replay.wanted import EngineName, Wanted
from models.rules.milestones import MilestoneState
from notifications.contexts import CONTEXTS
from tasks.database import DatabaseSettings

if TYPE_CHECKING:
    from deployments.replay.outcome import Outcome


def _day(given: str | date) -> date:
    """Return the day of an option."""
    try:
        return date.fromisoformat(str(given))
    except ValueError:
        raise typer.BadParameter(f"“{given}”，应为日期，例如 2024-01-01") from None


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("replay", cls=Command)(replay)


def replay(
    enterprises: Annotated[
        int, typer.Option(metavar="家数", min=1, max=2000, help="虚构企业的家数")
    ] = 220,
    first: Annotated[
        date, typer.Option("--from", parser=_day, metavar="日期", help="从这一天的巡检开始")
    ] = date(2024, 1, 1),
    last: Annotated[
        date, typer.Option("--to", parser=_day, metavar="日期", help="到这一天结束，含当日")
    ] = date(2025, 12, 31),
    seed: Annotated[int, typer.Option(metavar="整数", help="同一数字，逐字节相同的结果")] = 1,
    engine: Annotated[
        EngineName,
        typer.Option(
            parser=one_of(EngineName),
            metavar="direct|prefect",
            help="direct 直接执行；prefect 经真实的 Prefect 流程运行，结果相同而慢得多",
        ),
    ] = EngineName.DIRECT,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="目录", help="保留重放的数据目录（新的或空的），可作演示打开"),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            metavar="地址", help="在该 PostgreSQL 服务器上另建临时库重放；不给则用 SQLite"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """在临时数据库中按虚拟日期重放整个试点：虚构的企业，或早或晚或不办理。"""
    from deployments.replay.replaying import replay as play  # only this command plays

    wanted = Wanted(enterprises=enterprises, first=first, last=last, seed=seed)
    outcome = play(wanted, engine, keep=keep, server=_server(database_url, keep))
    if as_json:
        print_json({"outcome": outcome, "is_sound": outcome.is_sound})
    else:
        _show(outcome)
    if not outcome.is_sound:
        raise typer.Exit(1)


def _server(address: str | None, keep: Path | None) -> URL | None:
    if address is None:
        return None
    if keep is not None:
        raise typer.BadParameter("--keep 只保留 SQLite；不能与 --database-url 同用")
    url = DatabaseSettings(database_url=SecretStr(address)).url()
    if url.get_backend_name() != "postgresql":
        raise typer.BadParameter("只接受 PostgreSQL 的地址；不给 --database-url 则用 SQLite")
    return url


def _show(outcome: "Outcome") -> None:
    heading = pairs(
        [
            ("期间", f"{outcome.first} 至 {outcome.last}，巡检并封存 {outcome.sealed_days} 天"),
            ("企业", f"{outcome.enterprises} 家（虚构），种子 {outcome.seed}"),
            ("办理", f"{outcome.answers} 次，公示 {outcome.notices} 项"),
        ]
    )
    right: dict[str, str] = {"justify": "right"}
    cases = table("批次", "结局", "所在阶段", ("案卷", right))
    for each in outcome.cases:
        stage = each.stage.label if each.stage else ""
        cases.add_row(f"第 {each.batch} 批", each.status.label, stage, str(each.cases))
    mails = table("邮件", ("写出", right), ("送达", right), ("地址失效", right), ("已取消", right))
    for mail in outcome.mails:
        numbers = (mail.queued, mail.sent, mail.failed, mail.cancelled)
        mails.add_row(CONTEXTS[mail.kind].label, *map(str, numbers))
    money = table(
        "批次",
        ("申报支出", right),
        ("认定支出", right),
        ("批准", right),
        ("上限合计", right),
        ("批准金额", right),
        ("拨付", right),
        ("拨付金额（元）", right),
    )
    for batch in outcome.money:
        money.add_row(
            f"第 {batch.batch} 批",
            *map(_yuan, (batch.declared, batch.recognised)),
            str(batch.awards),
            *map(_yuan, (batch.ceilings, batch.granted)),
            str(batch.payments),
            _yuan(batch.paid),
        )
    parts = (_milestones(outcome), cases, _days(outcome), mails, money)
    show("重放：全部为虚构数据", heading, *parts, *_verdict(outcome))


def _milestones(outcome: "Outcome") -> Table:
    listed = table("里程碑", "期限", "目标", ("实绩", {"justify": "right"}), "完成", "结果", "任务")
    for each in outcome.milestones:
        is_met = each.state is MilestoneState.DONE
        listed.add_row(
            Text(each.key),
            str(each.ends_on),
            each.target,
            "" if each.value is None else str(each.value),
            str(each.done_on or ""),
            Text(each.state.label, style="green" if is_met else "bold red"),
            each.name,
        )
    return listed


def _days(outcome: "Outcome") -> Table:
    right: dict[str, str] = {"justify": "right"}
    listed = table("办理单位", ("事项", right), ("用去工作日", right), ("逾期事项", right))
    for each in outcome.days:
        listed.add_row(each.role.label, str(each.items), str(each.working_days), str(each.overdue))
    return listed


def _verdict(outcome: "Outcome") -> list[Text]:
    lines = [Text(f"审计记录 {outcome.audit_entries} 条", style="bold")]
    if outcome.is_sound:
        lines.append(Text("✓ 各项性质成立：不重复拨付、不超上限、审计链衔接、邮件有着落", "green"))
    else:
        lines += [Text(f"✗ {breach}", style="bold red") for breach in outcome.breaches]
    return [*lines, Text(f"结果摘要 {outcome.digest}", style="dim")]


def _yuan(amount: Decimal) -> str:
    return f"{amount:,.2f}"
