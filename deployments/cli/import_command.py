"""`pilot import`: parties and people from a workbook."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
)
from rich.text import Text

from deployments.cli.commands import AsJson, Command
from deployments.cli.instance import Instance, present
from deployments.cli.output import print_json, show, table
from deployments.cli.party_commands import registering
from models.operations.rosters.checking import Finding
from models.operations.rosters.plan import PlannedRow, RowState
from models.policy import load_programme
from models.rules.choice import Choice
from models.rules.errors import PilotError
from models.rules.stages import Role
from tasks.database import reading

if TYPE_CHECKING:
    from tasks.rosters import Imported

#: A terminal shows so many rows of a kind; the others are counted. JSON and the copy have all.
_SHOWN = 40


class RosterRefusedError(PilotError):
    """The roster has mistakes; nothing was imported."""

    def __init__(self, count: int, copy: str) -> None:
        """Say how many, and where the copy is that shows them."""
        super().__init__(f"有 {count} 处需要改正，未导入任何内容；已标注在 {copy}")


class RosterChangesError(PilotError):
    """The roster would change what is registered; nothing was imported yet."""

    def __init__(self, count: int) -> None:
        """Say how many rows, and how to agree."""
        super().__init__(
            f"有 {count} 行会改动已登记的内容，未导入任何内容；"
            "核对改动前后无误后，请加 --apply 重新运行"
        )


class RosterUsageError(typer.BadParameter):
    """Options that contradict each other."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import", cls=Command)(import_parties)


def import_parties(
    file: Annotated[
        Path | None, typer.Argument(metavar="文件.xlsx", help="填好的名册", show_default=False)
    ] = None,
    template: Annotated[
        Path | None, typer.Option(metavar="文件.xlsx", help="写出空白名册，供填写")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="只检查，不导入")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="同意改动已登记的内容")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite-checked", help="连已申报、已审核或人工更正的内容也覆盖")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="空白名册可覆盖同名文件")] = False,
    as_json: AsJson = False,
) -> None:
    """从 Excel 名册登记单位和联系人；全部正确才导入，重复导入不会有任何变化。"""
    if (file is None) == (template is None):
        raise RosterUsageError("请给出要导入的文件，或用 --template 写出空白名册，二者取一")
    if template is not None:
        _write(template, force=force, as_json=as_json)
        return
    if check and apply:
        raise RosterUsageError("--check 只检查，不能与 --apply 同用")
    assert file is not None  # noqa: S101 -- one of the two is given
    # openpyxl takes a third of a second to import: only commands with a workbook need it.
    from tasks.rosters import Wanted, import_roster

    here = present()
    wanted = Wanted.CHECK if check else Wanted.APPLY if apply else Wanted.ADD
    with reading() as session:
        deed = replace(
            registering(here, session, Role.ENTERPRISE),
            clause=f"{here.moment.programme.document_no} 三（一）、五（一）",
        )
    with _progress(is_shown=not as_json) as (read, written):
        done = import_roster(
            file,
            deed,
            wanted,
            moment=here.moment,
            overwrites_checked=overwrite,
            row_read=read,
            parties_written=written,
        )
    if as_json:
        print_json(_document(here, done))
    else:
        _report(here, done)
    if done.plan.findings:
        assert done.copy is not None  # noqa: S101 -- findings are always copied
        raise RosterRefusedError(len(done.plan.findings), str(done.copy))
    if done.plan.asks and wanted is Wanted.ADD:
        raise RosterChangesError(done.plan.counts()[RowState.CHANGED])


def _write(path: Path, *, force: bool, as_json: bool) -> None:
    from tasks.workbooks.roster import write_template

    write_template(path, load_programme(), force=force)
    if as_json:
        print_json({"template": str(path)})
        return
    show(None, Text(f"✓ 已写出空白名册 {path}，第一张表是填写说明", style="green"))


class _Count(ProgressColumn):
    """How much is done, and of how much where that is known."""

    def render(self, task: Task) -> Text:
        """Return 3,000 or 3,000 / 10,000."""
        of = "" if task.total is None else f" / {task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{of}", style="progress.download")


@contextmanager
def _progress(*, is_shown: bool) -> Iterator[tuple[Any, Any]]:
    """Give what is called for each row read and for parties written; a terminal sees both."""
    console = Console(stderr=True)
    if not (is_shown and console.is_terminal):
        yield (lambda: None), (lambda done, of: None)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), _Count())
    with Progress(*columns, console=console, transient=True) as bars:
        rows = bars.add_task("读取并核对（行）", total=None)
        parties = bars.add_task("写入（单位）", total=None, visible=False)
        yield (
            lambda: bars.advance(rows),
            lambda done, of: bars.update(parties, completed=done, total=of, visible=True),
        )


_KEPT = "不覆盖：已申报、已审核或人工更正的内容（确需覆盖加 --overwrite-checked）"


def _report(here: Instance, done: "Imported") -> None:
    parts: list[Any] = []
    if done.plan.findings:
        parts.append(_findings(done.plan.findings))
    else:
        rows = list(done.plan.rows())
        changed = [row for row in rows if any(not why for *_, why in row.changes)]
        kept = [row for row in rows if any(why for *_, why in row.changes)]
        if changed:
            parts += [Text("改动", style="bold"), *_changes(changed, kept=False)]
        if kept:
            parts += [Text(_KEPT, style="bold yellow"), *_changes(kept, kept=True)]
        counted = "、".join(f"{state.label} {n} 行" for state, n in done.plan.counts().items() if n)
        counted = counted or "名册中没有可导入的行"
        ended = Text(f"✓ 已导入：{counted}", style="green")
        parts.append(ended if done.is_done else Text(f"检查无误，未导入：{counted}"))
    if done.passed_over:
        parts.append(Text(f"未读取：{'、'.join(done.passed_over)}", style="yellow"))
    show(here.note, *parts)


def _findings(findings: list[Finding]) -> Any:
    listed = table("工作表", ("行", {"justify": "right"}), "列", "问题", "怎样改正")
    for each in findings[:_SHOWN]:
        listed.add_row(each.sheet, str(each.row), each.column, each.what, each.mend)
    if len(findings) > _SHOWN:
        listed.add_row("…", "", "", f"另有 {len(findings) - _SHOWN} 处，见标注的文件", "")
    return listed


def _changes(rows: list[PlannedRow], *, kept: bool) -> Iterator[Any]:
    headings = ("保留", "名册所填", "原因") if kept else ("改动前", "改动后")
    listed = table("工作表", ("行", {"justify": "right"}), "单位或联系人", "项目", *headings)
    for row in rows[:_SHOWN]:
        for title, before, after, why in row.changes:
            if bool(why) is kept:
                cells = (row.sheet, str(row.row), row.name, title, _said(before), _said(after))
                listed.add_row(*cells, *([why] if kept else []))
    yield listed
    if len(rows) > _SHOWN:
        yield Text(f"另有 {len(rows) - _SHOWN} 行，用 --json 可看全部", style="dim")


def _said(value: object) -> str:
    match value:
        case None | "":
            return "（空）"
        case bool():
            return "是" if value else "否"
        case Choice():
            return value.label
    return str(value)


def _document(here: Instance, done: "Imported") -> dict[str, Any]:
    plan = done.plan
    rows = [] if plan.findings else [row for row in plan.rows() if row.state is not RowState.SAME]
    return {
        **here.heading(),
        "is_done": done.is_done,
        "findings": plan.findings,
        "annotated_copy": None if done.copy is None else str(done.copy),
        "counts": {} if plan.findings else {state.value: n for state, n in plan.counts().items()},
        "rows": [
            {
                "sheet": row.sheet,
                "row": row.row,
                "name": row.name,
                "state": row.state,
                "changes": [
                    {"column": title, "before": before, "after": after, "kept_because": why}
                    for title, before, after, why in row.changes
                ],
            }
            for row in rows
        ],
        "example_rows_passed_over": done.examples,
        "passed_over": done.passed_over,
    }
