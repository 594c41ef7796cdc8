"""The roster as a workbook: its rows, the template, and a copy that shows what is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from models.forms.roster import SHEETS, RosterColumn, RosterRow, columns_of
from models.operations.rosters.checking import Finding, SheetRow
from models.policy import Programme
from tasks.workbooks.reading import IncomingWorkbook, Table, TableRow, heading, open_workbook
from tasks.workbooks.refusals import MissingSheetError
from tasks.workbooks.saving import require_free
from tasks.workbooks.writing import Cell, Column, Kind, OutgoingWorkbook

_T = TypeVar("_T")

#: Sheets that stand in our own files and hold no rows of the roster.
GUIDE, FINDINGS = "填写说明", "问题"
#: Rows of the template that are dressed to be filled in; no sheet is locked, more may follow.
_ROWS = 500
_WIDE = {"name": 26, "party": 28, "credit_code": 24, "address": 30, "main_business": 30}
_KINDS = {"founded_on": Kind.DAY}


def roster_rows(path: Path, passed_over: list[str]) -> Iterator[SheetRow]:
    """Give the rows of all sheets of the roster in the file; one sheet of it is enough.

    Raises where the file cannot be used at all. Sheets and columns that mean nothing here are
    named in `passed_over`.
    """
    with open_workbook(path) as book:
        kinds = _kinds(path, book)
        ours = {GUIDE, FINDINGS, *(kind.sheet for kind in kinds)}
        passed_over += [
            f"工作表“{sheet.title}”"
            for sheet in book.sheets.values()
            if sheet.title not in ours and not sheet.is_hidden
        ]
        for kind in kinds:
            table, fields = _table(book, kind)
            passed_over += [
                f"“{kind.sheet}”的列“{title}”" for title in table.columns if title not in fields
            ]
            for row in table.rows:
                yield SheetRow(
                    kind=kind,
                    number=row.number,
                    cells=_by_field(fields, row.values),
                    problems=_by_field(fields, row.problems),
                )


def write_template(
    path: Path, programme: Programme, *, force: bool = False, rows: int = _ROWS
) -> None:
    """Write an empty roster with drop-downs, notes and one example row a sheet."""
    require_free(path, force=force)
    book = OutgoingWorkbook()
    book.explain(GUIDE, _guide(programme))
    for kind in SHEETS:
        columns = columns_of(kind, programme)
        sheet = book.sheet(
            kind.sheet,
            [_column(column) for column in columns],
            [
                f"{programme.name} · {kind.sheet}",
                "带 * 的列必填；把鼠标移到表头上可看说明。下面第一行是示例，不会导入，可以删去。",
            ],
            is_protected=False,
        )
        sheet.append([column.example for column in columns])  # type: ignore[misc]
        sheet.append_empty(rows)
    book.save(path, force=force)


def write_findings(
    path: Path, source: Path, findings: Sequence[Finding], programme: Programme
) -> None:
    """Write a copy of `source` to `path`: the cells that are wrong coloured, with a comment.

    Rows keep their numbers and the drop-downs are there, so that the copy can be mended and
    imported. A copy written before is replaced.
    """
    book = OutgoingWorkbook()
    listed = book.sheet(
        FINDINGS,
        [
            Column(title="工作表", width=12),
            Column(title="行", width=8, kind=Kind.WHOLE),
            Column(title="列", width=22),
            Column(title="问题", width=60),
            Column(title="怎样改正", width=50),
        ],
        [f"共 {len(findings)} 处需要改正；可在本文件中改好后重新导入，未导入任何内容"],
    )
    for each in findings:
        listed.append([each.sheet, each.row, each.column, each.what, each.mend])
    marks: dict[str, dict[int, dict[str, str]]] = {}
    for each in findings:
        row = marks.setdefault(each.sheet, {}).setdefault(each.row, {})
        row[heading(each.column)] = f"{each.what}\n改正：{each.mend}"
    with open_workbook(source) as incoming:
        for kind in _kinds(source, incoming):
            _copy(book, incoming, kind, programme, marks.get(kind.sheet, {}))
    book.save(path, force=True)


def _copy(
    book: OutgoingWorkbook,
    incoming: IncomingWorkbook,
    kind: type[RosterRow],
    programme: Programme,
    marks: Mapping[int, Mapping[str, str]],
) -> None:
    """Copy one sheet, row by row at the same numbers."""
    table, _ = _table(incoming, kind)
    known = {heading(column.title): _column(column) for column in columns_of(kind, programme)}
    columns = [
        known.get(title) or Column(title=title, is_open=True)
        for title, _ in sorted(table.columns.items(), key=lambda each: each[1])
    ]
    # A column that lacks, but whose cell is wrong, is there to be filled in.
    shown = {heading(column.title) for column in columns}
    lacking = {title for row in marks.values() for title in row} - shown
    columns += [column for title, column in known.items() if title in lacking]
    titles = [heading(column.title) for column in columns]
    intro = [f"{kind.sheet}（核对结果：红色单元格需要改正，批注里写明原因）"]
    intro += [""] * (table.heading_row - 2)
    sheet = book.sheet(kind.sheet, columns, intro[: table.heading_row - 1], is_protected=False)
    for row in table.rows:
        sheet.append_empty(row.number - sheet.last_row - 1)
        sheet.append([_shown(row, title) for title in titles], marks=marks.get(row.number))


def _kinds(path: Path, book: IncomingWorkbook) -> list[type[RosterRow]]:
    """Return which sheets of the roster the file has; raise where it has none."""
    present = [kind for kind in SHEETS if kind.sheet in book.sheets]
    if not present:
        shown = [sheet.title for sheet in book.sheets.values() if not sheet.is_hidden]
        raise MissingSheetError(path, "”“".join(kind.sheet for kind in SHEETS), shown)
    return present


def _table(book: IncomingWorkbook, kind: type[RosterRow]) -> tuple[Table, dict[str, str]]:
    """Return the rows of a sheet, and the fields by the titles of their columns."""
    fields = {heading(field.title): name for name, field in kind.model_fields.items()}
    needed = [heading(field.title) for field in kind.model_fields.values() if field.is_required()]
    return book.sheet(kind.sheet).table(needed), fields


def _by_field(fields: Mapping[str, str], values: Mapping[str, _T | None]) -> dict[str, _T]:
    return {
        fields[title]: value
        for title, value in values.items()
        if title in fields and value is not None
    }


def _shown(row: TableRow, title: str) -> Cell:
    return row.values.get(title)


def _column(column: RosterColumn) -> Column:
    return Column(
        title=column.title,
        width=_WIDE.get(column.field, max(14, 2 * len(column.title) + 4)),
        kind=_KINDS.get(column.field, Kind.TEXT),
        is_open=True,
        is_needed=column.is_required,
        note=column.note,
        choices=column.choices,
    )


def _guide(programme: Programme) -> list[str]:
    limits = programme.eligibility
    state = "已核" if limits.verified else "待核"
    return [
        f"{programme.name}：名册填写说明",
        "",
        "1. 每张表一类单位；联系人填在“联系人”表，按单位类别和单位名称对应。用不到的表可以空着。",
        "2. 带 * 的列必填。空着的单元格表示“不说明”：已登记的内容保持不变，不会被清空。",
        "3. 有下拉列表的请从列表选择；代码、电话按文本填写。每张表第一行是示例，不会导入。",
        "4. 新登记的单位必须至少有一位联系人；每个单位只有一位第一联系人，通知先发给他。",
        f"5. 企业须为中小企业：从业人数 {limits.staff_below} 人以下或年营业收入 "
        f"{limits.revenue_below:,} 元以下，满足其一即可（{state}）。",
        "6. 先检查：pilot import 文件.xlsx --check；导入：pilot import 文件.xlsx。",
        "7. 会改动已登记内容的，先列出改动前后，确认后加 --apply；有一处错误则全部不导入，",
        "   并生成“文件名.核对.xlsx”，错误的单元格标红并附批注，改好后可直接导入。",
        "8. 企业已在申报中承诺、县市区已审核或已由人工更正的内容不会被覆盖，会单独列出；",
        "   确需覆盖的，再加 --overwrite-checked。",
    ]
