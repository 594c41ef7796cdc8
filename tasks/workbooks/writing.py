"""Workbooks of ours: headings, locked facts, open cells with drop-downs; nothing that executes."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import WorkbookAlreadySaved
from openpyxl.worksheet.datavalidation import DataValidation

from models.rules.errors import PilotError
from tasks.workbooks.cell_text import to_cell
from tasks.workbooks.saving import save_whole
from tasks.workbooks.styles import Kind, Look, Styles

__all__ = ["LISTS", "Cell", "Column", "Kind", "OutgoingSheet", "OutgoingWorkbook"]

Cell = str | int | Decimal | date | None

LISTS = "选项"  # the hidden sheet that holds what the drop-downs offer
_LONGEST_PROMPT = 255
_TITLE_HEIGHT = 24
_A4 = 9
#: In letters; a wider sheet squeezed onto one page could not be read.
_WIDEST_ON_ONE_PAGE = 250
_LONGEST_TITLE = 31
_NOT_IN_TITLES = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a sheet."""

    title: str
    width: int = 16
    kind: Kind = Kind.TEXT
    #: To be filled in: tinted, and not locked.
    is_open: bool = False
    #: Marked with a star in the heading.
    is_needed: bool = False
    #: Shown at the heading and, of an open column, at the cell that is being filled in.
    note: str = ""
    #: What the drop-down of an open column offers; a row may have a list of its own.
    choices: Sequence[str] = ()


class OutgoingSheet:
    """One sheet: some lines of introduction, a heading that stays in sight, rows.

    It is protected against slips, without a password: only open cells can be typed into.
    """

    def __init__(
        self,
        book: "OutgoingWorkbook",
        title: str,
        columns: Sequence[Column],
        intro: Sequence[str],
        *,
        is_protected: bool = True,
    ) -> None:
        """Write the introduction and the heading."""
        self.columns = tuple(columns)
        self._book = book
        self._sheet: Any = book.new_sheet(title)
        self._styles = Styles(self._sheet)
        #: (column, offered) -> the rows that offer it.
        self._offers: dict[tuple[int, tuple[str, ...]], list[int]] = {}
        self.heading_row = len(intro) + 1
        self.last_row = self.heading_row
        self._set_up(is_protected=is_protected)
        for place, line in enumerate(intro):
            look = Look.TITLE if place == 0 else Look.INTRO
            self._sheet.append([self._cell(line, look, Kind.TEXT)])
        self._sheet.append([self._heading(column) for column in self.columns])

    def append(
        self,
        values: Sequence[Cell],
        choices: Mapping[str, Sequence[str]] | None = None,
        marks: Mapping[str, str] | None = None,
    ) -> int:
        """Write one row and return its number; `choices` by title go before those of the column.

        A cell whose title is in `marks` is coloured as wrong, with the mark as its comment.
        """
        self.last_row += 1
        own = choices or {}
        for place, column in enumerate(self.columns):
            offered = tuple(own.get(column.title, column.choices))
            if column.is_open and (offered or column.note):
                self._offers.setdefault((place, offered), []).append(self.last_row)
        cells = [
            self._cell(value, Look.OPEN if column.is_open else Look.FACT, column.kind)
            for value, column in zip(values, self.columns, strict=True)
        ]
        for place, column in enumerate(self.columns if marks else ()):
            if marks and column.title in marks:
                cells[place] = self._cell(values[place], Look.WRONG, column.kind)
                cells[place].comment = Comment(
                    to_cell(marks[column.title]), "核对", height=120, width=320
                )
        self._sheet.append(cells)
        return self.last_row

    def append_empty(self, count: int) -> None:
        """Write `count` rows to be filled in."""
        for _ in range(count):
            self.append([None] * len(self.columns))

    def hide(self) -> None:
        """Keep the sheet out of sight: what it says is for the way back."""
        self._sheet.sheet_state = "hidden"

    def finish(self) -> None:
        """Attach the drop-downs, once all rows are there."""
        if self.columns and self.last_row > self.heading_row:
            last = get_column_letter(len(self.columns))
            self._sheet.auto_filter.ref = f"A{self.heading_row}:{last}{self.last_row}"
        for (place, offered), rows in self._offers.items():
            column = self.columns[place]
            check = DataValidation(allow_blank=True, showInputMessage=True)
            if offered:
                check.type = "list"
                check.formula1 = self._book.list_of(offered)
                check.showErrorMessage = True
                check.errorTitle, check.error = "不在选项之内", "请从下拉列表中选择。"
            if column.note:
                check.promptTitle = to_cell(column.title)[:32]
                check.prompt = to_cell(column.note)[:_LONGEST_PROMPT]
            letter = get_column_letter(place + 1)
            for first, end in _stretches(rows):
                check.add(f"{letter}{first}:{letter}{end}")
            self._sheet.data_validations.append(check)

    def _set_up(self, *, is_protected: bool) -> None:
        """Set what openpyxl wants to know before the first row."""
        sheet = self._sheet
        facts = next((i for i, column in enumerate(self.columns) if column.is_open), 0)
        # Facts to the left stay in sight as long as they leave room for what is to be filled in.
        kept = min(facts, 3)
        sheet.freeze_panes = f"{get_column_letter(kept + 1)}{self.heading_row + 1}"
        for place, column in enumerate(self.columns, start=1):
            sheet.column_dimensions[get_column_letter(place)].width = column.width
        sheet.row_dimensions[self.heading_row].height = 32
        if self.heading_row > 1:
            sheet.row_dimensions[1].height = _TITLE_HEIGHT
        sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", _A4
        if sum(column.width for column in self.columns) <= _WIDEST_ON_ONE_PAGE:
            sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
            sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.print_title_rows = f"{self.heading_row}:{self.heading_row}"
        sheet.protection.sheet = is_protected
        # "False" means that it is not forbidden.
        for allowed in ("formatColumns", "formatRows", "autoFilter", "sort"):
            setattr(sheet.protection, allowed, False)

    def _heading(self, column: Column) -> Any:
        look = Look.OPEN_HEADING if column.is_open else Look.HEADING
        cell = self._cell(f"{column.title}{'*' if column.is_needed else ''}", look, Kind.TEXT)
        if column.note:
            cell.comment = Comment(to_cell(column.note), "填写说明", height=90, width=260)
        return cell

    def _cell(self, value: Cell, look: Look, kind: Kind) -> Any:
        cell: Any = WriteOnlyCell(self._sheet)
        if not isinstance(value, str):
            if value is not None:
                cell.value = value
            self._styles.dress(cell, look, kind)
            return cell
        if text := to_cell(value):
            cell.value = text
            cell.data_type = "s"  # openpyxl would take `#N/A` for an error
        # What was escaped must stay text when somebody edits it.
        self._styles.dress(cell, look, Kind.TEXT, is_quoted=text.startswith("'"))
        return cell


class OutgoingWorkbook:
    """A workbook in the making; rows go to disk as they come."""

    def __init__(self) -> None:
        """Begin with no sheet."""
        self._workbook = Workbook(write_only=True)
        self._sheets: list[OutgoingSheet] = []
        self._lists: dict[tuple[str, ...], str] = {}

    def sheet(
        self,
        title: str,
        columns: Sequence[Column],
        intro: Sequence[str] = (),
        *,
        is_protected: bool = True,
    ) -> OutgoingSheet:
        """Begin a sheet: lines of `intro`, the first of them large, then the heading.

        One that is not protected may grow: people add rows to it.
        """
        made = OutgoingSheet(self, title, columns, intro, is_protected=is_protected)
        self._sheets.append(made)
        return made

    def explain(self, title: str, lines: Iterable[str]) -> None:
        """Add a sheet of text, the first line large."""
        sheet: Any = self.new_sheet(title)
        sheet.column_dimensions["A"].width = 110
        sheet.row_dimensions[1].height = _TITLE_HEIGHT
        sheet.protection.sheet = True
        styles = Styles(sheet)
        for place, line in enumerate(lines):
            cell: Any = WriteOnlyCell(sheet, value=to_cell(line) or None)
            if line:
                cell.data_type = "s"
            styles.dress(cell, Look.INTRO if place else Look.TITLE, Kind.TEXT)
            sheet.append([cell])

    def new_sheet(self, title: str) -> Any:
        """Return an openpyxl sheet whose title Excel accepts."""
        fit = " ".join(title.translate(_NOT_IN_TITLES).split())[:_LONGEST_TITLE]
        return self._workbook.create_sheet(fit)

    def list_of(self, offered: tuple[str, ...]) -> str:
        """Return where the hidden sheet holds `offered`: a list in the cell ends at 255 letters."""
        if offered not in self._lists:
            letter = get_column_letter(len(self._lists) + 1)
            self._lists[offered] = f"'{LISTS}'!${letter}$1:${letter}${len(offered)}"
        return self._lists[offered]

    def save(self, path: Path, *, force: bool = False) -> None:
        """Write the file, whole or not at all; another one is replaced only with `force`."""
        for sheet in self._sheets:
            sheet.finish()
        self._write_lists()
        try:
            save_whole(path, lambda fresh: self._workbook.save(fresh), force=force)
        except PilotError:
            self._drop()
            raise

    def _drop(self) -> None:
        """End the sheets that were never written out: openpyxl would complain of them at exit."""
        for sheet in self._workbook.worksheets:
            with suppress(WorkbookAlreadySaved):
                sheet.close()

    def _write_lists(self) -> None:
        if not self._lists:
            return
        sheet: Any = self._workbook.create_sheet(LISTS)
        sheet.sheet_state = "hidden"
        sheet.protection.sheet = True
        lists = list(self._lists)
        for place in range(max(len(offered) for offered in lists)):
            row = []
            for offered in lists:
                text = to_cell(offered[place]) if place < len(offered) else None
                cell: Any = WriteOnlyCell(sheet, value=text)
                if text:
                    cell.data_type = "s"
                row.append(cell)
            sheet.append(row)


def _stretches(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Return ascending row numbers as (first, last) of what is without a gap."""
    stretches: list[tuple[int, int]] = []
    for row in rows:
        if stretches and stretches[-1][1] == row - 1:
            stretches[-1] = (stretches[-1][0], row)
        else:
            stretches.append((row, row))
    return stretches
