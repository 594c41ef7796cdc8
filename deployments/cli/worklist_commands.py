"""`pilot worklist`: open items as an Excel, and the answers that come back in it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command, new_app, one_of
from deployments.cli.instance import account, present
from deployments.cli.item_commands import require_party
from deployments.cli.output import print_json, show, table
from models.rules.stages import Role
from tasks.database import reading
from tasks.workbooks.saving import require_free

if TYPE_CHECKING:
    from tasks.workbooks.worklist_import import Imported

app = new_app("待办清单：导出为 Excel，填好后导入")

_STYLES = {"accepted": "green", "refused": "red", "skipped": "dim"}


@app.command("export", cls=Command)
def export(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="文件", help="写到哪里，.xlsx")],
    party: Annotated[
        str | None, typer.Option(metavar="单位", help="该单位的事项（名称或“市经信局”等）")
    ] = None,
    role: Annotated[
        Role | None, typer.Option(parser=one_of(Role), metavar="角色", help="企业、服务商 …")
    ] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="只要逾期的")] = False,
    force: Annotated[bool, typer.Option("--force", help="文件已存在时覆盖")] = False,
    as_json: AsJson = False,
) -> None:
    """导出待办事项，供单位在 Excel 或 WPS 中填写。"""
    if party is None and role is None:
        raise typer.BadParameter("请用 --party 或 --role 指定导出谁的事项")
    if output.suffix.lower() != ".xlsx":
        raise typer.BadParameter("-o 的文件名应以 .xlsx 结尾")
    # openpyxl takes a third of a second to import: only commands with a workbook need it.
    from tasks.workbooks.worklist_export import export_worklist

    here = present()
    if party is not None:
        with reading() as session:
            require_party(session, party)
    counts = export_worklist(
        output,
        party=party,
        role=role,
        overdue_only=overdue,
        exported_by=account(),
        moment=here.moment,
        force=force,
    )
    total = sum(counts.values())
    if as_json:
        print_json({**here.heading(), "file": str(output), "items": total, "sheets": counts})
        return
    listed = table("工作表", ("事项", {"justify": "right"}))
    for title, count in counts.items():
        listed.add_row(title, str(count))
    show(here.note, Text(f"✓ 已导出 {total} 项到 {output}", style="green"), listed)


@app.command("import", cls=Command)
def import_filled(
    file: Annotated[
        Path, typer.Argument(metavar="文件", help="填好的待办清单", show_default=False)
    ],
    handler: Annotated[
        str | None, typer.Option("--as", metavar="姓名", help="经办人，代替表中所填")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="文件", help="结果文件，默认 文件.结果.xlsx"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """导入填好的待办清单：每行单独受理，结果另存为一个文件。

    全部受理时退出状态为 0；有一行未受理即为 1，其余各行仍然有效。
    """
    from tasks.workbooks.worklist_import import RowStatus, import_worklist
    from tasks.workbooks.worklist_results import results_path, write_results

    here = present()
    results = output or results_path(file)
    # Before anything is answered: who cannot be told should not be surprised.
    require_free(results, force=False)
    imported = import_worklist(
        file, handler=handler, identity=f"系统账户 {account()} 导入", moment=here.moment
    )
    write_results(imported, results, here.moment)
    counts = {status: imported.count(status) for status in RowStatus}
    if as_json:
        print_json(
            {
                **here.heading(),
                "results_file": str(results),
                **{status.value: count for status, count in counts.items()},
                "rows": list(imported.results.values()),
            }
        )
    else:
        is_filled = any(count for status, count in counts.items() if status.value != "skipped")
        show(here.note, *([_listed(imported)] if is_filled else []))
        words = "，".join(f"{status.label} {count} 行" for status, count in counts.items())
        show(None, Text(f"{words}；详见 {results}", style="dim"))
    if counts[RowStatus.REFUSED]:
        sys.stderr.write(
            f"✗ {counts[RowStatus.REFUSED]} 行未受理（原因见 {results}）；"
            f"其余 {counts[RowStatus.ACCEPTED]} 行已受理，仍然有效。"
            "改正后再次导入即可，不会重复办理\n"
        )
        raise typer.Exit(1)


def _listed(imported: "Imported") -> object:
    listed = table(
        "工作表",
        ("行", {"justify": "right"}),
        ("事项", {"justify": "right"}),
        ("受理情况", {"no_wrap": True}),
        "回执号或原因",
    )
    for result in imported.results.values():
        if result.status.value != "skipped":
            listed.add_row(
                result.sheet,
                str(result.row),
                str(result.item_id or ""),
                Text(result.status.label, style=_STYLES[result.status.value]),
                Text(result.receipt.number if result.receipt else result.reason),
            )
    return listed
