"""Filling in our workbooks as a person would, by the titles over the cells."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from tasks.workbooks.form_columns import cells_of
from tasks.workbooks.worklist_sheets import ITEM, StepLayout


class Paper:
    """A workbook in somebody's hands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.book = load_workbook(path)

    def titles(self, sheet: str) -> tuple[int, dict[str, int]]:
        """Return the row of the heading, and title -> column."""
        for row in self.book[sheet].iter_rows(max_row=6):
            found = {str(cell.value or "").strip("*"): cell.column for cell in row}
            if ITEM in found or "案卷号" in found:
                return row[0].row, found
        raise AssertionError(f"{sheet} has no heading")

    def rows(self, sheet: str) -> list[dict[str, Any]]:
        """Return the rows below the heading, by title."""
        top, titles = self.titles(sheet)
        return [
            {title: row[column - 1].value for title, column in titles.items()}
            for row in self.book[sheet].iter_rows(min_row=top + 1)
        ]

    def row_of(self, sheet: str, item_id: int) -> int:
        top, titles = self.titles(sheet)
        column = titles[ITEM]
        for row in range(top + 1, self.book[sheet].max_row + 1):
            if self.book[sheet].cell(row, column).value == item_id:
                return row
        raise AssertionError(f"{sheet} has no item {item_id}")

    def put(self, sheet: str, row: int, cells: Mapping[str, Any]) -> None:
        _, titles = self.titles(sheet)
        for title, value in cells.items():
            self.book[sheet].cell(row, titles[title]).value = value

    def fill(self, layout: StepLayout, item_id: int, form: Mapping[str, Any]) -> None:
        """Fill in the form of an item, its lists in their own sheets."""
        cells = cells_of(layout.columns, form)
        self.put(layout.title, self.row_of(layout.title, item_id), _filled(cells))
        for title, form_list in layout.lists.items():
            first = self.row_of(title, item_id)
            for place, line in enumerate(form.get(form_list.name, ())):
                self.put(title, first + place, _filled(cells_of(form_list.columns, line)))

    def save(self, path: Path | None = None) -> Path:
        self.book.save(path or self.path)
        return path or self.path


def _filled(cells: Mapping[str, Any]) -> dict[str, str | int | float | date]:
    """Return the cells that hold something, amounts as the numbers that Excel makes of them."""
    return {
        title: float(value) if isinstance(value, Decimal) else value
        for title, value in cells.items()
        if value is not None
    }
