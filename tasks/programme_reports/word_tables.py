"""Tables for Word as one piece of XML: thousands of rows added cell by cell take minutes."""

from typing import Any
from xml.sax.saxutils import escape

from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from models.rules.report_content import ColumnKind, Table, cell_text
from tasks.programme_reports.drawing import KEPT_TOGETHER, MANY_COLUMNS, column_widths

#: In half points: 10 points, and 8 where many columns have to stand beside each other.
_SIZE, _SMALL_SIZE = 20, 16
_FILL = "EEF2F6"
_NUMBERS = frozenset({ColumnKind.COUNT, ColumnKind.YUAN})


def word_table(table: Table, width: int) -> Any:
    """Return the element of `table`, `width` twentieths of a point wide.

    Its heading is repeated on every page.
    """
    size = _SMALL_SIZE if len(table.columns) > MANY_COLUMNS else _SIZE
    # A half point is ten twentieths of a point.
    widths = column_widths(table, width, size * 10)
    grid = "".join(f'<w:gridCol w:w="{room}"/>' for room in widths)
    is_short = len(table.rows) <= KEPT_TOGETHER
    head = _row(
        [
            _cell(column.heading, room, "center", size, is_bold=True, is_kept=True, fill=_FILL)
            for column, room in zip(table.columns, widths, strict=True)
        ],
        is_heading=True,
    )
    rows = []
    for place, row in enumerate(table.rows):
        is_total = table.has_total and place == len(table.rows) - 1
        rows.append(
            _row(
                [
                    _cell(
                        cell_text(cell, column.kind),
                        room,
                        "right" if column.kind in _NUMBERS else "left",
                        size,
                        is_bold=is_total,
                        is_kept=is_short and place < len(table.rows) - 1,
                    )
                    for cell, column, room in zip(row, table.columns, widths, strict=True)
                ]
            )
        )
    sides = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="808080"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    return parse_xml(
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblW w:w="{width}" w:type="dxa"/>'
        f'<w:tblBorders>{sides}</w:tblBorders><w:tblLayout w:type="fixed"/>'
        '<w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/>'
        f"</w:tblCellMar></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{head}{''.join(rows)}</w:tbl>"
    )


def _row(cells: list[str], *, is_heading: bool = False) -> str:
    heading = "<w:tblHeader/>" if is_heading else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{heading}</w:trPr>{''.join(cells)}</w:tr>"


def _cell(
    text: str,
    width: int,
    side: str,
    size: int,
    *,
    is_bold: bool = False,
    is_kept: bool = False,
    fill: str = "",
) -> str:
    shade = f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>' if fill else ""
    bold = "<w:b/>" if is_bold else ""
    kept = "<w:keepNext/>" if is_kept else ""
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade}<w:vAlign w:val="center"/>'
        f'</w:tcPr><w:p><w:pPr>{kept}<w:spacing w:before="20" w:after="20"/><w:jc w:val="{side}"/>'
        f'</w:pPr><w:r><w:rPr>{bold}<w:sz w:val="{size}"/></w:rPr>'
        f'<w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p></w:tc>'
    )
