"""Workbooks from outside, row by row, as plain values; nothing in them is ever calculated."""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from models.rules.errors import PilotError
from models.rules.system_errors import system_reason
from tasks.workbooks.cell_text import from_cell
from tasks.workbooks.containers import LARGEST_FILE, require_safe
from tasks.workbooks.refusals import (
    MissingColumnsError,
    MissingSheetError,
    RepeatedColumnError,
    WorkbookRefusedError,
)

#: Text; numbers as the digits they were typed with; days. None where nothing stands.
Value = str | date | None

_T = TypeVar("_T")

#: Rows of a sheet, and cells counted with the gaps between them: a limit on time, not on data.
_MOST_ROWS = 1_048_576
_MOST_CELLS = 10_000_000
#: A heading stands in one of the first rows.
_HEADING_WITHIN = 20
#: Excel keeps 15 digits of a number and writes zeros for the others.
_TOO_MANY_DIGITS = 10**15
_SCIENTIFIC = re.compile(r"[1-9](\.\d+)?[Ee]\+\d+")

_FORMULA = "是公式；请复制后用“选择性粘贴 → 数值”贴回，或直接填写内容"
_LOST_DIGITS = (
    "超过 15 位的数字已被 Excel 改写（末位变成 0）；请先将单元格格式设为“文本”，再重新填写"
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row that holds something, with what cannot be taken, by position from 0."""

    number: int
    values: tuple[Value, ...]
    problems: Mapping[int, str]


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One row under a heading, by the titles of its columns."""

    number: int
    values: Mapping[str, Value]
    problems: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows of a sheet under its heading."""

    heading_row: int
    #: Title -> position from 0.
    columns: Mapping[str, int]
    rows: Iterator[TableRow] = field(repr=False)

    def address(self, row: int, title: str) -> str:
        """Return where a value stands, like `C7`."""
        return f"{get_column_letter(self.columns[title] + 1)}{row}"


class IncomingSheet:
    """One sheet of a workbook from outside."""

    def __init__(self, path: Path, sheet: Any) -> None:
        """Take openpyxl's read-only sheet."""
        self.path = path
        self.title: str = sheet.title
        self.is_hidden: bool = sheet.sheet_state != "visible"
        self._sheet = sheet

    def rows(self) -> Iterator[Row]:
        """Give the rows that hold something, one after the other: the sheet is never held whole."""
        self._sheet.reset_dimensions()  # what the file says of its size may be wrong
        cells = 0
        for number, (values, problems) in enumerate(_guarded_rows(self.path, self._sheet), start=1):
            cells += len(values)
            if number > _MOST_ROWS or cells > _MOST_CELLS:
                raise WorkbookRefusedError(
                    self.path, f"工作表“{self.title}”过大；请删去表格以外的空白行和列后重新保存"
                )
            if problems or any(value is not None for value in values):
                yield Row(number=number, values=tuple(values), problems=problems)

    def table(self, titles: Iterable[str]) -> Table:
        """Return the rows under the heading that holds all `titles`; it may hold others, too."""
        wanted = tuple(titles)
        rows = self.rows()
        fewest = wanted
        for row in rows:
            if row.number > _HEADING_WITHIN:
                break
            found = [heading(value) for value in row.values]
            missing = tuple(title for title in wanted if title not in found)
            if not missing:
                return self._below(row, found, rows)
            fewest = min(fewest, missing, key=len)
        raise MissingColumnsError(self.path, self.title, fewest)

    def _below(self, row: Row, found: list[str], rows: Iterator[Row]) -> Table:
        columns: dict[str, int] = {}
        for place, title in enumerate(found):
            if title in columns:
                raise RepeatedColumnError(self.path, self.title, title)
            if title:
                columns[title] = place
        return Table(
            heading_row=row.number,
            columns=columns,
            rows=(by_title for each in rows if (by_title := _by_title(each, columns))),
        )


class IncomingWorkbook:
    """A workbook from outside, found safe to read."""

    def __init__(self, path: Path, workbook: Any) -> None:
        """Take openpyxl's read-only workbook."""
        self.path = path
        self.sheets: dict[str, IncomingSheet] = {
            sheet.title: IncomingSheet(path, sheet) for sheet in workbook.worksheets
        }

    def sheet(self, title: str) -> IncomingSheet:
        """Return the sheet of that name, or refuse, naming those that are there."""
        if title not in self.sheets:
            shown = [sheet.title for sheet in self.sheets.values() if not sheet.is_hidden]
            raise MissingSheetError(self.path, title, shown)
        return self.sheets[title]


@contextmanager
def open_workbook(path: Path) -> Iterator[IncomingWorkbook]:
    """Give the workbook at `path`; `WorkbookRefusedError` says why not, and what to do.

    Cells are read as they were typed: a formula is a problem of its cell and never calculated,
    nor is what Excel last made of it taken.
    """
    try:
        if not path.is_file():
            raise WorkbookRefusedError(path, "没有这个文件" if not path.exists() else "不是文件")
        if path.stat().st_size > LARGEST_FILE:
            raise WorkbookRefusedError(
                path, f"超过 {LARGEST_FILE // 1024 // 1024} MB；请分成几个文件，或删去图片"
            )
        stream = path.open("rb")
    except OSError as error:
        raise WorkbookRefusedError(path, f"无法读取（{system_reason(error)}）") from None
    with stream:
        require_safe(path, stream)
        workbook = _guard(
            path,
            lambda: load_workbook(stream, read_only=True, data_only=False, keep_links=False),
        )
        try:
            if not workbook.worksheets:
                raise WorkbookRefusedError(path, "已损坏：其中没有工作表；请重新下载或重新保存")
            yield IncomingWorkbook(path, workbook)
        finally:
            workbook.close()


def heading(value: Value) -> str:
    """Return the title of a column without its line breaks and the star of what is needed."""
    return "".join(str(value or "").split()).strip("*＊")


def _by_title(row: Row, columns: Mapping[str, int]) -> TableRow | None:
    """Return the row by titles, or None where only cells beside the table hold something."""
    width = len(row.values)
    values = {
        title: row.values[place] if place < width else None for title, place in columns.items()
    }
    problems = {
        title: row.problems[place] for title, place in columns.items() if place in row.problems
    }
    if not problems and all(value is None for value in values.values()):
        return None
    return TableRow(number=row.number, values=values, problems=problems)


def _guard(path: Path, work: Callable[[], _T]) -> _T:
    """Return what `work` returns; whatever a damaged part makes openpyxl raise is one refusal."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what openpyxl does not keep: we keep none of it
            return work()
    except PilotError:
        raise
    except Exception as error:
        raise WorkbookRefusedError(
            path, "内容已损坏，无法读取；请在 Excel 中打开并重新保存后再试"
        ) from error


def _guarded_rows(path: Path, sheet: Any) -> Iterator[tuple[list[Value], dict[int, str]]]:
    """Give the values and the problems of every row, the empty ones between them, too."""
    cells = iter(_guard(path, sheet.iter_rows))
    # Some at a time: a guard costs more than a row does.
    while some := _guard(path, lambda: [_read(row) for row in islice(cells, 200)]):
        yield from some


def _read(row: Iterable[Any]) -> tuple[list[Value], dict[int, str]]:
    values: list[Value] = []
    problems = {}
    for place, cell in enumerate(row):
        value, problem = (None, "") if cell.value is None else _value(cell)
        values.append(value)
        if problem:
            problems[place] = problem
    return values, problems


def _value(cell: Any) -> tuple[Value, str]:
    """Return what stands in a cell, and what is wrong with it."""
    value, kind = cell.value, cell.data_type
    if kind == "f":
        return None, _FORMULA
    if kind == "e":
        return None, f"是错误值 {value}，请重新填写"
    if isinstance(value, bool):
        return ("是" if value else "否"), ""
    if isinstance(value, str):
        text = from_cell(value)
        return (text or None), (_LOST_DIGITS if _SCIENTIFIC.fullmatch(text) else "")
    if isinstance(value, datetime):
        whole_day = value.time() == time()
        return (value.date() if whole_day else f"{value:%Y-%m-%d %H:%M:%S}"), ""
    if isinstance(value, int | float):
        return _digits(value, is_percent="%" in (cell.number_format or ""))
    return str(value), ""  # a time of day, a duration


def _digits(number: int | float, *, is_percent: bool) -> tuple[Value, str]:
    """Return the digits of a number as they were typed.

    Excel keeps numbers as floats and writes up to 17 digits of them; the shortest text that means
    the same float is what was typed.
    """
    exact = Decimal(repr(number)) * (100 if is_percent else 1)
    if not exact.is_finite():
        return None, f"是错误值 {number}，请重新填写"
    if abs(exact) >= _TOO_MANY_DIGITS:
        return f"{exact:f}", _LOST_DIGITS
    text = f"{exact:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return (f"{text}%" if is_percent else text), ""
