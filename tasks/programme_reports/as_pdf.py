"""A report as PDF by ReportLab, which pip alone installs, with the Chinese font that is found."""

import io
from collections.abc import Iterator
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    KeepTogether,
    LongTable,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Paragraph as PdfParagraph

from models.rules.report_content import Chart, ColumnKind, Paragraph, Slot, Table, cell_text
from tasks.programme_reports.drawing import (
    KEPT_TOGETHER,
    MANY_COLUMNS,
    Printed,
    column_widths,
    headed,
    numbered_tables,
)
from tasks.programme_reports.drawn_charts import built_in_font, drawn
from tasks.programme_reports.pdf_fonts import carried, chinese_font, remark

_SIDE, _TOP = 2.3 * cm, 2.4 * cm
_UPRIGHT, _ACROSS = "upright", "across"
_GREY, _FILL, _RED = HexColor(0x808080), HexColor(0xEEF2F6), HexColor(0xB3261E)
_PADDING = 3
_NUMBERS = (ColumnKind.COUNT, ColumnKind.YUAN)


def require_usable() -> str:
    """Raise `FontError` where the font that was named cannot be used; return a remark."""
    return remark()


def draw(printed: Printed) -> bytes:
    """Return the file."""
    font = chinese_font()
    return _drawn(printed, carried(font, _letters(printed)) if font else built_in_font())


class _Listening(UnicodeCIDFont):  # type: ignore[misc]  # ReportLab has no types
    """A font that notes the letters it is asked to draw."""

    def __init__(self) -> None:
        super().__init__("STSong-Light")
        self.name = self.fontName = "PilotListening"
        self.letters = set[str]()

    def formatForPdf(self, text: str) -> Any:  # noqa: N802 -- ReportLab calls it
        """Return `text` as it stands in the file."""
        self.letters.update(text)
        return super().formatForPdf(text)


def _letters(printed: Printed) -> set[str]:
    """Return every letter that the file shows: it is drawn once to see."""
    listening = _Listening()
    pdfmetrics.registerFont(listening)
    _drawn(printed, listening.fontName)
    return listening.letters


def _drawn(printed: Printed, font: str) -> bytes:
    out = io.BytesIO()
    report = printed.report
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        title=report.title,
        author=report.issuer,
        subject=f"SHA-256 {printed.sha256}",
        invariant=1,
    )
    foot = partial(_foot, printed, font)
    document.addPageTemplates(
        [
            PageTemplate(name, [_frame(size)], onPage=foot, pagesize=size)
            for name, size in ((_UPRIGHT, A4), (_ACROSS, landscape(A4)))
        ]
    )
    document.build(list(_story(printed, font)))
    return out.getvalue()


def _frame(size: tuple[float, float]) -> Frame:
    """Return the part of a page that text stands in."""
    width, height = size
    edges = {"leftPadding": 0, "rightPadding": 0, "topPadding": 0, "bottomPadding": 0}
    return Frame(_SIDE, _TOP, width - 2 * _SIDE, height - 2 * _TOP, **edges)


def _style(font: str, size: float, **more: Any) -> ParagraphStyle:
    settings = {"fontName": font, "fontSize": size, "leading": size * 1.5, "wordWrap": "CJK"}
    return ParagraphStyle("", **{**settings, **more})


def _story(printed: Printed, font: str) -> Iterator[Any]:
    yield from _cover(printed, font)
    heading_style = _style(font, 16, spaceBefore=14, spaceAfter=6, keepWithNext=True)
    body = _style(font, 12, leading=22, firstLineIndent=24)
    numbers = numbered_tables(printed.report)
    width, is_across = A4[0], False
    for heading, section in headed(printed.report):
        if section.is_annex and not is_across:  # annexes have many columns
            width, is_across = A4[1], True
            yield NextPageTemplate(_ACROSS)
            yield PageBreak()
        yield _said(heading, heading_style)
        for block in section.blocks:
            match block:
                case Paragraph():
                    yield _said(block.text, body)
                case Slot():
                    yield from _slot(block, font)
                case Table():
                    room = int(width - 2 * _SIDE)
                    yield from _table(block, numbers.get(id(block)), font, room)
                case Chart():
                    yield Spacer(1, 6)
                    yield drawn(block, font)
    yield Spacer(1, 12)
    yield _said(printed.proof, _style(font, 8, textColor=_GREY))


def _said(text: str, style: ParagraphStyle) -> PdfParagraph:
    # ReportLab takes the wide space for a break between words, and drops it.
    return PdfParagraph(escape(text).replace("　", "\xa0\xa0"), style)


def _cover(printed: Printed, font: str) -> Iterator[Any]:
    report = printed.report
    yield Spacer(1, 5 * cm)
    yield _said(report.programme, _style(font, 18, alignment=TA_CENTER))
    yield Spacer(1, 1 * cm)
    yield _said(report.title, _style(font, 28, leading=40, alignment=TA_CENTER))
    yield Spacer(1, 6 * cm)
    for name, words in printed.cover:
        yield _said(f"{name}：{words}", _style(font, 12, leading=24, leftIndent=1 * cm))
    if report.trial_note:
        note = _style(font, 12, leading=24, leftIndent=1 * cm, textColor=_RED)
        yield _said(f"◆ {report.trial_note}", note)
    yield PageBreak()


def _slot(slot: Slot, font: str) -> Iterator[Any]:
    style = _style(font, 12, leading=22, leftIndent=12, borderColor=_RED, borderWidth=0.6)
    style.borderPadding, style.spaceBefore, style.spaceAfter = 5, 10, 10
    yield PdfParagraph(
        f'<font color="#B3261E">【待填写】</font>{escape(slot.prompt)}'
        + "".join(f"<br/>已登记：{escape(line)}" for line in slot.recorded),
        style,
    )


def _table(table: Table, number: int | None, font: str, room: int) -> Iterator[Any]:
    size = 8 if len(table.columns) > MANY_COLUMNS else 9.5
    centre = _style(font, size, leading=size * 1.35, alignment=TA_CENTER)
    widths = column_widths(table, room, size)
    rows: list[list[Any]] = [[_said(column.heading, centre) for column in table.columns]]
    rows += [
        [
            _cell(cell_text(cell, column.kind), column.kind in _NUMBERS, width, font, size)
            for cell, column, width in zip(row, table.columns, widths, strict=True)
        ]
        for row in table.rows
    ]
    looks: list[tuple[Any, ...]] = [
        ("GRID", (0, 0), (-1, -1), 0.5, _GREY),
        ("BACKGROUND", (0, 0), (-1, 0), _FILL),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("FONT", (0, 0), (-1, -1), font, size, size * 1.35),
        ("LEFTPADDING", (0, 0), (-1, -1), _PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
    looks += [
        ("ALIGN", (place, 1), (place, -1), "RIGHT")
        for place, column in enumerate(table.columns)
        if column.kind in _NUMBERS
    ]
    if table.has_total:
        looks.append(("BACKGROUND", (0, -1), (-1, -1), HexColor(0xF7F7F7)))
        looks.append(("LINEABOVE", (0, -1), (-1, -1), 1, HexColor(0x444444)))
    drawn_table = LongTable(rows, colWidths=widths, repeatRows=1, style=TableStyle(looks))
    parts: list[Any] = [drawn_table]
    if number is not None:
        title = _style(font, 11, alignment=TA_CENTER, spaceBefore=12, spaceAfter=4)
        title.keepWithNext = True
        parts.insert(0, _said(f"表 {number}　{table.title}", title))
    if table.note:
        note = _style(font, 8, textColor=HexColor(0x555555), spaceBefore=3)
        parts.append(_said(f"注：{table.note}", note))
    yield from ([KeepTogether(parts)] if len(table.rows) <= KEPT_TOGETHER else parts)


def _cell(text: str, is_number: bool, width: int, font: str, size: float) -> Any:
    """Return a text that fits as it is: a paragraph for each of thousands takes a minute."""
    if pdfmetrics.stringWidth(text, font, size) <= width - 2 * _PADDING:
        return text
    side = {"alignment": TA_RIGHT} if is_number else {}
    return _said(text, _style(font, size, leading=size * 1.35, **side))


def _foot(printed: Printed, font: str, canvas: Any, document: Any) -> None:
    canvas.saveState()
    canvas.setFont(font, 10)
    middle = canvas._pagesize[0] / 2
    canvas.drawCentredString(middle, 1.5 * cm, f"— {document.page} —")
    canvas.setFont(font, 7)
    canvas.setFillColor(_GREY)
    canvas.drawCentredString(middle, 1.0 * cm, printed.foot)
    canvas.restoreState()
