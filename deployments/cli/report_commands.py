"""`pilot report`: the programme's reports from frozen figures."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command, new_app
from deployments.cli.instance import Instance, account, caller, present
from deployments.cli.output import instant, pairs, print_json, show, table
from models.operations.audit import Deed
from models.operations.parties import party_for_role
from models.operations.report_snapshots import (
    ACTION,
    RenewalReasonError,
    all_snapshots,
    numbered,
    require_intact,
    verify_snapshots,
)
from models.rules.clock import day_of
from models.rules.report_content import Paragraph, Report, ReportKind, Slot, cell_text
from models.rules.report_content import Table as ReportTable
from models.rules.stages import Role
from models.tables.report import ReportSnapshot
from tasks.database import reading
from tasks.programme_reports.drawing import headed
from tasks.programme_reports.making import make_report

app = new_app("报告：中期、终期和月报，按方案的标题，数据冻结可复现")


def _day(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise typer.BadParameter(f"“{given}”，应形如 2024-12-31") from None


AsOf = Annotated[
    date,
    typer.Option("--as-of", parser=_day, metavar="日期", help="数据截至哪一天（含），2024-12-31"),
]
Output = Annotated[
    Path,
    typer.Option("-o", "--output", metavar="文件", help="写到哪里：.docx .xlsx .html .pdf"),
]
Force = Annotated[bool, typer.Option("--force", help="文件已存在时覆盖")]
Renew = Annotated[bool, typer.Option("--renew", help="按现在的数据重新编制一版，旧版保留")]
Reason = Annotated[str, typer.Option(metavar="理由", help="为何重新编制；记入登记册审计链")]


@app.command("midterm", cls=Command)
def midterm(
    as_of: AsOf,
    output: Output,
    renew: Renew = False,
    reason: Reason = "",
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """中期绩效评价报告。"""
    _make(ReportKind.MIDTERM, as_of, output, renew, reason, force, as_json)


@app.command("final", cls=Command)
def final(
    as_of: AsOf,
    output: Output,
    renew: Renew = False,
    reason: Reason = "",
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """终期绩效自评估报告。"""
    _make(ReportKind.FINAL, as_of, output, renew, reason, force, as_json)


@app.command("monthly", cls=Command)
def monthly(
    as_of: AsOf,
    output: Output,
    renew: Renew = False,
    reason: Reason = "",
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """月报：当月首日至截至日的进展，加各项累计。"""
    _make(ReportKind.MONTHLY, as_of, output, renew, reason, force, as_json)


def _make(
    kind: ReportKind,
    as_of: date,
    output: Path,
    renew: bool,
    reason: str,
    force: bool,
    as_json: bool,
) -> None:
    if reason and not renew:
        raise typer.BadParameter("--reason 只与 --renew 同用")
    if renew and not reason.strip():
        raise RenewalReasonError
    here = present()
    made = make_report(
        kind,
        as_of,
        output,
        _deed(here),
        moment=here.moment,
        renew_because=reason if renew else None,
        force=force,
    )
    if as_json:
        made_of = {"is_new": made.is_new, "report": _summary(made.snapshot)}
        print_json({**here.heading(), "file": str(output), "remark": made.remark, **made_of})
        return
    how = "数据已冻结" if made.is_new else "取自已冻结的数据"
    done = Text(f"✓ {made.report.title}已写入 {output}（{how}）", style="green")
    show(here.note, done, pairs(_lines(made.snapshot)), *_early(made.snapshot))
    if made.remark:
        show(None, Text(f"! {made.remark}", style="yellow"))


def _deed(here: Instance) -> Deed:
    way = caller()
    with reading() as session:
        bureau = party_for_role(session, Role.CITY_BUREAU).name
    return Deed(
        party=bureau,
        actor=account(),
        identity=way.identity,
        channel=way.channel,
        action=ACTION,
        clause=f"{here.moment.programme.document_no} 四",
    )


def _early(snapshot: ReportSnapshot) -> list[Text]:
    """Say of a snapshot taken before its day was over that the rest of the day is not in it."""
    if day_of(snapshot.made_at) > snapshot.as_of:
        return []
    return [
        Text(
            f"注意：编制时 {snapshot.as_of} 尚未结束，当天此后的办理不在其中；"
            "要补上，第二天起加 --renew --reason 重新编制",
            style="yellow",
        )
    ]


def _lines(snapshot: ReportSnapshot) -> list[tuple[str, str | Text]]:
    lines: list[tuple[str, str | Text]] = [
        ("编号", f"{snapshot.id}（第 {snapshot.edition} 版）"),
        ("种类", snapshot.kind.label),
        ("数据截至", str(snapshot.as_of)),
        ("编制", f"{instant(snapshot.made_at)} {snapshot.made_by}"),
        ("SHA-256", snapshot.sha256),
    ]
    if snapshot.reason:
        lines.append(("重编理由", snapshot.reason))
    return lines


def _summary(snapshot: ReportSnapshot) -> dict[str, Any]:
    return {
        name: getattr(snapshot, name)
        for name in ("id", "kind", "as_of", "edition", "sha256", "made_at", "made_by", "reason")
    }


@app.command("list", cls=Command)
def list_reports(as_json: AsJson = False) -> None:
    """列出已编制的报告，最新的在前。"""
    here = present()
    with reading() as session:
        snapshots = all_snapshots(session)
    if as_json:
        print_json({**here.heading(), "reports": [_summary(each) for each in snapshots]})
        return
    listed = table("编号", "种类", "数据截至", "版次", "编制", "SHA-256", "重编理由")
    for each in snapshots:
        listed.add_row(
            str(each.id),
            each.kind.label,
            str(each.as_of),
            f"第 {each.edition} 版",
            f"{instant(each.made_at)} {each.made_by}",
            f"{each.sha256[:12]}…",
            each.reason,
        )
    show(here.note, listed if snapshots else Text("还没有编制过报告"))


@app.command("show", cls=Command)
def show_report(
    number: Annotated[int, typer.Argument(metavar="编号", help="见 pilot report list")],
    as_json: AsJson = False,
) -> None:
    """显示一份报告冻结的数据。"""
    here = present()
    with reading() as session:
        snapshot = numbered(session, number)
        require_intact(session, snapshot)
    report = Report.model_validate_json(snapshot.content)
    if as_json:
        whole = {**_summary(snapshot), "content": report.model_dump(mode="json")}
        print_json({**here.heading(), "report": whole})
        return
    parts: list[Any] = [Text(f"\n{report.title}", style="bold"), pairs(_lines(snapshot))]
    for heading, section in headed(report):
        parts.append(Text(f"\n{heading}", style="bold"))
        for block in section.blocks:
            if isinstance(block, Paragraph):
                parts.append(Text(block.text))
            elif isinstance(block, Slot):
                parts.append(Text(f"【待填写】{block.prompt}", style="yellow"))
            elif isinstance(block, ReportTable):
                parts.append(_table(block))
    show(here.note, *parts)


def _table(block: ReportTable) -> Any:
    listed = table(*(column.heading for column in block.columns))
    listed.title = block.title
    for row in block.rows:
        listed.add_row(
            *(cell_text(cell, column.kind) for cell, column in zip(row, block.columns, strict=True))
        )
    return listed


@app.command("verify", cls=Command)
def verify(as_json: AsJson = False) -> None:
    """核验全部报告与其哈希、与登记册审计链是否一致；有出入时退出码为 1。"""
    here = present()
    with reading() as session:
        checked, faults = verify_snapshots(session)
    if as_json:
        print_json(
            {**here.heading(), "is_intact": not faults, "reports": checked, "faults": faults}
        )
    elif faults:
        listed = table("报告", "问题")
        for fault in faults:
            listed.add_row(str(fault.number), Text(fault.what, style="red"))
        failed = Text(f"✗ 核验 {checked} 份，发现 {len(faults)} 处问题", style="bold red")
        show(here.note, failed, listed)
    else:
        show(here.note, Text(f"✓ 核验 {checked} 份，全部与编制时一致", style="green"))
    if faults:
        raise typer.Exit(1)
