"""A worklist that comes back: which rows are filled in, with what, and which cannot be taken."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from models.rules.errors import PilotError
from tasks.workbooks.form_columns import values_of
from tasks.workbooks.reading import IncomingWorkbook, Table, TableRow, Value
from tasks.workbooks.refusals import MissingColumnsError
from tasks.workbooks.worklist_sheets import (
    CASE,
    ENTERPRISE,
    EXPLANATION,
    EXPORT_KEY,
    ITEM,
    WAY_BACK,
    StepLayout,
    layouts,
)
from tasks.workbooks.writing import LISTS

OUTCOME = "办理结果"
_LONGEST_NUMBER = 18


class NotAWorklistError(PilotError):
    """A workbook that is no worklist of ours, or has lost what makes it one."""

    def __init__(self, path: Path, why: str) -> None:
        """Name the file and say what is missing."""
        super().__init__(f"文件 {path.name} 不是可导入的待办清单：{why}；请使用系统导出的文件")


@dataclass(frozen=True, kw_only=True)
class FilledRow:
    """One row of a step's sheet as it came back."""

    layout: StepLayout
    number: int
    item_id: int | None
    #: Everything that stands in the row, by title.
    cells: Mapping[str, Value]
    #: The form: what the row says, and the rows of its lists.
    given: Mapping[str, object]
    #: What in the row itself makes it impossible to take, in words; empty where it can be tried.
    problem: str
    #: What in the rows of its lists does.
    list_problem: str

    @property
    def has_outcome(self) -> bool:
        """Whether the person has chosen an outcome: the row is to be answered."""
        return "outcome" in self.given


@dataclass(frozen=True, kw_only=True)
class FilledListRow:
    """One row of a list's sheet."""

    number: int
    item_id: int | None
    cells: Mapping[str, Value]
    given: Mapping[str, object]
    #: Why nobody knows whose it is; empty where somebody does.
    orphaned: str


@dataclass(frozen=True, kw_only=True)
class FilledStep:
    """The sheets of one step as they came back."""

    layout: StepLayout
    rows: tuple[FilledRow, ...]
    lists: Mapping[str, tuple[FilledListRow, ...]]


@dataclass
class _ListSheet:
    rows: list[FilledListRow] = field(default_factory=list)
    #: Item -> what is wrong in its rows.
    problems: dict[int | None, str] = field(default_factory=dict)

    def lines_of(self) -> dict[int | None, list[Mapping[str, object]]]:
        """Return what each item's rows say."""
        lines: dict[int | None, list[Mapping[str, object]]] = {}
        for row in self.rows:
            lines.setdefault(row.item_id, []).append(row.given)
        return lines

    def problem_of(self, item_id: int) -> str:
        """Return what is wrong for an item.

        A row of nobody's may be a row of this item: without it the answer would be wrong.
        """
        orphaned = [row.orphaned for row in self.rows if row.orphaned]
        return "；".join([*filter(None, [self.problems.get(item_id, "")]), *orphaned[:3]])


def export_key(book: IncomingWorkbook) -> str:
    """Return the key of the export that the file came from."""
    try:
        rows = list(book.sheet(WAY_BACK).table([EXPORT_KEY]).rows)
    except PilotError:
        raise NotAWorklistError(book.path, f"缺少“{WAY_BACK}”") from None
    if len(rows) != 1 or not isinstance(rows[0].values[EXPORT_KEY], str):
        raise NotAWorklistError(book.path, f"“{WAY_BACK}”被改动")
    return str(rows[0].values[EXPORT_KEY])


def filled_steps(book: IncomingWorkbook) -> list[FilledStep]:
    """Return what the file holds, step by step."""
    present = [layout for layout in layouts() if layout.title in book.sheets]
    _require_known_sheets(book, present)
    return [_filled_step(book, layout) for layout in present]


def _require_known_sheets(book: IncomingWorkbook, present: list[StepLayout]) -> None:
    """Refuse a sheet of items under a new name: its answers would be passed over in silence."""
    known = {EXPLANATION, WAY_BACK, LISTS}
    for layout in present:
        known |= {layout.title, *layout.lists}
        missing = [title for title in layout.lists if title not in book.sheets]
        if missing:
            raise NotAWorklistError(book.path, f"缺少工作表“{missing[0]}”")
    for title, sheet in book.sheets.items():
        if title in known:
            continue
        try:
            sheet.table([ITEM])
        except MissingColumnsError:
            continue  # somebody's notes
        raise NotAWorklistError(book.path, f"工作表“{title}”改过名称，请恢复原名")
    if not present:
        raise NotAWorklistError(book.path, "没有待办事项的工作表")


def _filled_step(book: IncomingWorkbook, layout: StepLayout) -> FilledStep:
    titles = [column.column.title for column in layout.columns]
    table = book.sheet(layout.title).table([ITEM, CASE, ENTERPRISE, *titles])
    found = [(row, _item_number(row.values[ITEM])) for row in table.rows]
    numbers: dict[int | None, list[int]] = {}
    for row, item_id in found:
        numbers.setdefault(item_id, []).append(row.number)
    lists = {title: _read_list(book, layout, title, set(numbers)) for title in layout.lists}
    lines = {title: sheet.lines_of() for title, sheet in lists.items()}
    rows = []
    for row, item_id in found:
        given = values_of(layout.columns, row.values)
        wrong = []
        for title, sheet in lists.items():
            if item_id in lines[title]:
                given[layout.lists[title].name] = lines[title][item_id]
            if said := sheet.problem_of(item_id or 0):
                wrong.append(f"工作表“{title}”：{said}")
        rows.append(
            FilledRow(
                layout=layout,
                number=row.number,
                item_id=item_id,
                cells=row.values,
                given=given,
                problem=_problem(table, row, item_id, numbers[item_id]),
                list_problem="；".join(wrong),
            )
        )
    return FilledStep(
        layout=layout,
        rows=tuple(rows),
        lists={title: tuple(sheet.rows) for title, sheet in lists.items()},
    )


def _problem(table: Table, row: TableRow, item_id: int | None, twins: list[int]) -> str:
    said = _words(table, row)
    if item_id is None:
        said.append(f"“{ITEM}”被改动，无法识别；请重新导出")
    elif len(twins) > 1:
        said.append(f"事项 {item_id} 在第 {'、'.join(map(str, twins))} 行重复，请只保留一行")
    return "；".join(said)


def _words(table: Table, row: TableRow) -> list[str]:
    return [f"{table.address(row.number, title)} {said}" for title, said in row.problems.items()]


def _read_list(
    book: IncomingWorkbook, layout: StepLayout, title: str, known: Set[int | None]
) -> _ListSheet:
    columns = layout.lists[title].columns
    table = book.sheet(title).table([ITEM, *(each.column.title for each in columns)])
    made = _ListSheet()
    for row in table.rows:
        given = values_of(columns, row.values)
        if not given and not row.problems:
            continue
        item_id = _item_number(row.values[ITEM])
        orphaned = ""
        if item_id is None:
            orphaned = f"第 {row.number} 行没有事项编号，无法确定属于哪一项"
        elif item_id not in known:
            orphaned = f"第 {row.number} 行的事项 {item_id} 不在工作表“{layout.title}”中"
        if words := _words(table, row):
            before = [made.problems[item_id]] if item_id in made.problems else []
            made.problems[item_id] = "；".join([*before, *words])
        made.rows.append(
            FilledListRow(
                number=row.number,
                item_id=item_id,
                cells=row.values,
                given=given,
                orphaned=orphaned,
            )
        )
    return made


def _item_number(value: Value) -> int | None:
    text = str(value or "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
    return int(text) if is_number else None
