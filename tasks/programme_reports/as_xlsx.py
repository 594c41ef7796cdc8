"""A report as a workbook: a sheet for each heading, its tables as numbers, native charts."""

import io
import re
from copy import copy
from datetime import date, datetime, time
from decimal import Decimal
from math import ceil
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from models.rules.report_content import (
    TO_BE_WRITTEN,
    Cell,
    Chart,
    Column,
    ColumnKind,
    Paragraph,
    Slot,
    Table,
    cell_text,
)
from tasks.programme_reports.drawing import Printed, headed, numbered_tables
from tasks.programme_reports.office_charts import referring
from tasks.programme_reports.packages import timeless
from tasks.workbooks.cell_text import to_cell

_DATA = "图表数据"
_FORMATS = {ColumnKind.COUNT: "#,##0", ColumnKind.YUAN: "#,##0.00", ColumnKind.DAY: "yyyy-mm-dd"}
_LINE = Side(style="thin", color="808080")
_BORDER = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_FILL = PatternFill("solid", fgColor="EEF2F6")
_NARROWEST, _WIDEST = 12, 44
#: Points that a line takes: no program makes rows higher by itself where a report's text is broken.
_LINE_HEIGHT = 16
#: What a chart takes: centimetres, and the rows below it that stay empty.
_CHART_SIZE = (20.0, 8.0)
_CHART_ROWS = 17
#: Columns over which a sentence runs.
_ACROSS = 9


def require_usable() -> str:
    """Nothing is needed: fonts are the reader's."""
    return ""


def draw(printed: Printed) -> bytes:
    """Return the workbook."""
    book = Workbook()
    cover = book.active
    assert cover is not None  # noqa: S101 -- a new workbook has a sheet
    _cover(cover, printed)
    data = _ChartData(book)
    numbers = numbered_tables(printed.report)
    for heading, section in headed(printed.report):
        sheet = _Sheet(book.create_sheet(heading.replace("　", " ")[:31]), printed, data)
        sheet.say(heading, Font(name="黑体", size=16))
        for block in section.blocks:
            match block:
                case Paragraph():
                    sheet.say(block.text, Font(name="仿宋", size=12))
                case Slot():
                    sheet.slot(block)
                case Table():
                    sheet.table(block, numbers.get(id(block)))
                case Chart():
                    sheet.chart(block)
        sheet.make_room()
    data.place_last()
    properties = book.properties
    properties.title, properties.creator = printed.report.title, printed.report.issuer
    properties.created = properties.modified = datetime.combine(printed.made_on, time())
    out = io.BytesIO()
    book.save(out)
    return timeless(out.getvalue(), f"{printed.made_on}T00:00:00Z")


def _cover(sheet: Any, printed: Printed) -> None:
    report = printed.report
    sheet.title = "封面"
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 16, 80
    _put(sheet.cell(3, 2), report.programme, Font(name="宋体", size=16))
    _put(sheet.cell(5, 2), report.title, Font(name="宋体", size=24, bold=True))
    lines = [*printed.cover, ("数据快照", printed.proof)]
    if report.trial_note:
        lines.append(("注意", report.trial_note))
    for row, (name, words) in enumerate(lines, start=8):
        _put(sheet.cell(row, 1), name, Font(name="黑体", size=12))
        sheet.cell(row, 1).alignment = Alignment(vertical="top")
        cell = sheet.cell(row, 2)
        _put(cell, words, Font(name="仿宋", size=12))
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = 20 * _lines(words, 70)
    _page(sheet, printed)


def _page(sheet: Any, printed: Printed) -> None:
    sheet.page_setup.paperSize, sheet.page_setup.orientation = 9, "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddFooter.center.text = f"— &P —　{printed.foot}"
    sheet.oddFooter.center.size = 9


def _width(text: str) -> int:
    """Return how wide a text is, in digits."""
    return sum(1 if ord(sign) < 0x2000 else 2 for sign in text)


def _lines(text: str, width: float) -> int:
    """Return over how many lines a text runs in a cell `width` digits wide: rather one too many."""
    if _width(text) <= width:
        return 1
    # A word is not broken, and leaves some of the line before it empty; a hash takes a line.
    words = max((_width(word) for word in re.findall(r"[!-~]+", text)), default=0)
    return ceil(_width(text) / (width - min(words, width / 3)))


def _put(cell: Any, text: str, font: Font) -> None:
    """Write text that is never calculated."""
    cell.value = to_cell(text)
    cell.data_type = "s"
    cell.font = font


class _ChartData:
    """The sheet that the charts are drawn from."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._sheet: Any = book.create_sheet(_DATA)
        self._row = 1

    def add(self, chart: Chart) -> Any:
        """Write the numbers of `chart` and return the native chart of them."""
        sheet = self._sheet
        _put(sheet.cell(self._row, 1), f"{chart.title}（{chart.unit}）", Font(bold=True))
        heading = self._row + 1
        is_whole = all(value == int(value) for each in chart.series for value in each.values)
        number_format = _FORMATS[ColumnKind.COUNT if is_whole else ColumnKind.YUAN]
        for column, series in enumerate(chart.series, start=2):
            _put(sheet.cell(heading, column), series.name, Font(bold=True))
            for row, value in enumerate(series.values, start=heading + 1):
                sheet.cell(row, column).value = value
                sheet.cell(row, column).number_format = number_format
        for row, name in enumerate(chart.categories, start=heading + 1):
            _put(sheet.cell(row, 1), name, Font())
        self._row = heading + len(chart.categories) + 2
        letters = [get_column_letter(column) for column in range(2, len(chart.series) + 2)]
        return referring(chart, _DATA, heading + 1, "A", letters)

    def place_last(self) -> None:
        """Put the sheet behind all others."""
        self._sheet.column_dimensions["A"].width = 24
        self._book.move_sheet(self._sheet, len(self._book.sheetnames))


class _Sheet:
    """One heading's sheet, written from top to bottom."""

    def __init__(self, sheet: Any, printed: Printed, data: _ChartData) -> None:
        self._sheet, self._data, self._row = sheet, data, 1
        self._widths: dict[int, int] = {}
        self._said: list[tuple[int, str, float]] = []
        self._broken: list[tuple[int, int, str]] = []
        self._looks: dict[tuple[ColumnKind | None, bool], Any] = {}
        sheet.sheet_view.showGridLines = False
        _page(sheet, printed)

    def say(self, text: str, font: Font) -> None:
        """Write a line across the sheet."""
        cell = self._sheet.cell(self._row, 1)
        _put(cell, text, font)
        self._sheet.merge_cells(
            start_row=self._row, end_row=self._row, start_column=1, end_column=_ACROSS
        )
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        self._said.append((self._row, text, max(20, _LINE_HEIGHT * font.size / 11)))
        self._row += 1

    def slot(self, slot: Slot) -> None:
        """Leave a place to write in."""
        self.say(f"【{TO_BE_WRITTEN}】{slot.prompt}", Font(name="仿宋", size=12, color="B3261E"))
        for line in slot.recorded:
            self.say(f"已登记：{line}", Font(name="仿宋", size=11))

    def table(self, table: Table, number: int | None) -> None:
        """Write a table; its numbers are numbers."""
        self._row += 1
        if number is not None:
            self.say(f"表 {number}　{table.title}", Font(name="黑体", size=11))
        for place, column in enumerate(table.columns, start=1):
            cell = self._sheet.cell(self._row, place)
            _put(cell, column.heading, Font(name="黑体", size=11))
            self._broken.append((self._row, place, column.heading))
            cell.fill, cell.border = _FILL, _BORDER
            cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
            self._widen(place, column.heading)
        self._row += 1
        for at, row in enumerate(table.rows, start=1):
            is_total = table.has_total and at == len(table.rows)
            for place, (value, column) in enumerate(zip(row, table.columns, strict=True), start=1):
                self._fill(place, value, column, is_total)
            self._row += 1
        if table.note:
            self.say(f"注：{table.note}", Font(name="仿宋", size=10))

    def make_room(self) -> None:
        """Make rows as high as their texts need, now that the columns have their widths."""
        across = sum(self._widths.get(place, 13) for place in range(1, _ACROSS + 1))
        heights = {row: _lines(text, across) * high for row, text, high in self._said}
        for row, place, text in self._broken:
            needed = _lines(text, self._widths[place]) * _LINE_HEIGHT
            heights[row] = max(heights.get(row, 0), needed)
        for row, height in heights.items():
            self._sheet.row_dimensions[row].height = height

    def chart(self, chart: Chart) -> None:
        """Put a chart below what is there."""
        native = self._data.add(chart)
        native.width, native.height = _CHART_SIZE
        self._sheet.add_chart(native, f"A{self._row + 1}")
        self._row += _CHART_ROWS

    def _fill(self, place: int, value: Cell, column: Column, is_total: bool) -> None:
        cell = self._sheet.cell(self._row, place)
        shown = cell_text(value, column.kind)
        number = _number(value, column.kind)
        if number is None:
            cell.value = to_cell(shown)
            cell.data_type = "s"
            self._broken.append((self._row, place, shown))
        else:
            cell.value = number
        self._dress(cell, None if number is None else column.kind, is_total)
        self._widen(place, shown)

    def _dress(self, cell: Any, kind: ColumnKind | None, is_total: bool) -> None:
        """Give a cell its looks: openpyxl takes its time over them, so once for each kind."""
        if (kind, is_total) not in self._looks:
            cell.font = Font(name="仿宋", size=11, bold=is_total)
            cell.border = _BORDER
            side = "center" if kind is ColumnKind.DAY else None
            cell.alignment = Alignment(horizontal=side, wrap_text=kind is None, vertical="center")
            if kind is not None:
                cell.number_format = _FORMATS[kind]
            self._looks[kind, is_total] = cell._style
        cell._style = copy(self._looks[kind, is_total])

    def _widen(self, place: int, text: str) -> None:
        """Make a column as wide as its longest text, within limits."""
        width = min(max(2 + _width(text), _NARROWEST), _WIDEST)
        if width > self._widths.get(place, 0):
            self._widths[place] = width
            self._sheet.column_dimensions[get_column_letter(place)].width = width


def _number(value: Cell, kind: ColumnKind) -> int | Decimal | date | None:
    """Return what Excel can count with; None for text, a dash, a number still to be written."""
    if kind is ColumnKind.COUNT and isinstance(value, int):
        return value
    if kind is ColumnKind.YUAN and value is not None:
        return Decimal(value)
    if kind is ColumnKind.DAY and isinstance(value, str):
        return date.fromisoformat(value)
    return None
