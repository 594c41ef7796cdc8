"""How our workbooks look: dark headings, grey facts, tinted cells to fill in."""

from enum import Enum
from typing import Any

from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side


class Kind(Enum):
    """What stands in a column -> its number format."""

    TEXT = "@"
    WHOLE = "0"
    YUAN = "#,##0.00"
    DAY = "yyyy-mm-dd"


class Look(Enum):
    """What a cell is for."""

    TITLE = "title"
    INTRO = "intro"
    HEADING = "heading"
    #: The heading of what is to be filled in.
    OPEN_HEADING = "open heading"
    FACT = "fact"
    OPEN = "open"
    #: Filled in, and not right.
    WRONG = "wrong"


_LINE = Side(style="thin", color="BFBFBF")
_FRAME = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_FONT_NAME = "等线"  # Excel's and WPS's own; others take what they have
_FONTS = {
    Look.TITLE: Font(name=_FONT_NAME, size=14, bold=True),
    Look.INTRO: Font(name=_FONT_NAME, size=10, color="595959"),
    Look.HEADING: Font(name=_FONT_NAME, size=11, bold=True, color="FFFFFF"),
    Look.OPEN_HEADING: Font(name=_FONT_NAME, size=11, bold=True, color="FFFFFF"),
    Look.FACT: Font(name=_FONT_NAME, size=11, color="404040"),
    Look.OPEN: Font(name=_FONT_NAME, size=11),
    Look.WRONG: Font(name=_FONT_NAME, size=11, bold=True, color="9C0006"),
}
_FILLS = {
    Look.HEADING: PatternFill("solid", fgColor="1F4E79"),
    Look.OPEN_HEADING: PatternFill("solid", fgColor="B45F06"),
    Look.FACT: PatternFill("solid", fgColor="F2F2F2"),
    Look.OPEN: PatternFill("solid", fgColor="FFF8E1"),
    Look.WRONG: PatternFill("solid", fgColor="FFC7CE"),
}
_VALUES = (Look.FACT, Look.OPEN, Look.WRONG)


class Styles:
    """The styles of one workbook: each look and kind is made once and shared by its cells."""

    def __init__(self, sheet: Any) -> None:
        """Take a sheet of the workbook; its cells bring the styles into the workbook."""
        self._sheet = sheet
        self._made: dict[tuple[Look, Kind, bool], Any] = {}

    def dress(self, cell: Any, look: Look, kind: Kind, *, is_quoted: bool = False) -> None:
        """Give `cell` its look; one `is_quoted` stays text when somebody edits it."""
        key = (look, kind, is_quoted)
        if key not in self._made:
            self._made[key] = self._pattern(*key)._style
        # openpyxl's own recipe for many cells of one style: its public setters compare at every
        # cell and cost ten times as much.
        cell._style = self._made[key]

    def _pattern(self, look: Look, kind: Kind, is_quoted: bool) -> Any:
        cell: Any = WriteOnlyCell(self._sheet)
        cell.font = _FONTS[look]
        if look in _FILLS:
            cell.fill = _FILLS[look]
            cell.border = _FRAME
        is_heading = look in (Look.HEADING, Look.OPEN_HEADING)
        is_number = kind in (Kind.WHOLE, Kind.YUAN) and look in _VALUES
        cell.alignment = Alignment(
            horizontal="center" if is_heading else "right" if is_number else "left",
            vertical="center" if is_heading else "top",
            wrap_text=look in _FILLS,
        )
        if look in _VALUES:
            cell.number_format = kind.value
        cell.protection = Protection(locked=look not in (Look.OPEN, Look.WRONG))
        if is_quoted:
            cell.quotePrefix = True
        return cell
