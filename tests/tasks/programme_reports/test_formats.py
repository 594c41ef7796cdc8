"""One snapshot in four formats: read back, they say the same; drawn twice, they are the same."""

import io
import re
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.oxml.table import CT_Tc
from openpyxl import load_workbook
from pypdf import PdfReader

from models.rules.report_content import (
    Cell,
    Chart,
    ColumnKind,
    Report,
    Slot,
    Table,
    cell_text,
)
from tasks.programme_reports import as_docx, as_html, as_pdf, as_xlsx
from tasks.programme_reports.drawing import Printed, column_widths

FORMATS = (as_docx, as_xlsx, as_html, as_pdf)
#: What fonts draw in a way of their own, and what lines are broken by.
_SPACE = re.compile(r"\s+")


class _Cells(HTMLParser):
    """The tables of a page as rows of texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._text = []

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._text is not None:
            self.tables[-1][-1].append("".join(self._text))
            self._text = None


def _with_kinds(table: Table, row: tuple[Cell, ...]) -> list[tuple[Cell, ColumnKind]]:
    return [(cell, column.kind) for cell, column in zip(row, table.columns, strict=True)]


def expected(report: Report) -> list[list[list[str]]]:
    """Every table as it is to be printed."""
    return [
        [
            [column.heading for column in block.columns],
            *([cell_text(*each) for each in _with_kinds(block, row)] for row in block.rows),
        ]
        for section in report.sections
        for block in section.blocks
        if isinstance(block, Table)
    ]


def words(report: Report) -> list[str]:
    """What every format has to say besides tables."""
    said = [report.title, report.programme, report.document_no, str(report.trial_note)]
    for section in report.sections:
        said.append(section.title)
        for block in section.blocks:
            if isinstance(block, Slot):
                said += ["【待填写】", block.prompt]
    return said


def _text(cell: CT_Tc) -> str:
    return "".join(text.text or "" for text in cell.iter(qn("w:t")))


def test_word_holds_every_table_and_a_native_chart_for_every_chart(printed: Printed) -> None:
    word = Document(io.BytesIO(as_docx.draw(printed)))

    found = [
        [[_text(cell) for cell in row.tc_lst] for row in table._tbl.tr_lst] for table in word.tables
    ]
    assert found == expected(printed.report)
    text = "\n".join(paragraph.text for paragraph in word.paragraphs)
    assert [each for each in words(printed.report) if each not in text] == []
    charts = [
        part
        for part in word.part.package.iter_parts()
        if part.content_type.endswith("drawingml.chart+xml")
    ]
    drawn = [b for s in printed.report.sections for b in s.blocks if isinstance(b, Chart)]
    assert len(charts) == len(drawn) > 5
    foot = word.sections[0].footer.paragraphs[0].text
    assert printed.sha256[:16] in foot


def test_the_page_holds_every_table_and_escapes_what_is_no_markup(printed: Printed) -> None:
    page = as_html.draw(printed).decode()

    cells = _Cells()
    cells.feed(page)
    assert cells.tables == expected(printed.report)
    assert "演示数据 &lt;不得&gt; 上报 &amp; 使用" in page
    assert page.count("<svg") == sum(
        isinstance(block, Chart) for section in printed.report.sections for block in section.blocks
    )
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/", "")
    assert printed.sha256 in page


def test_the_workbook_holds_numbers_as_numbers(printed: Printed) -> None:
    book = load_workbook(io.BytesIO(as_xlsx.draw(printed)))

    cells = [
        [cell.value for cell in row if cell.value is not None]
        for sheet in book.worksheets
        for row in sheet.iter_rows()
    ]
    rows = [row for row in cells if row]
    for section in printed.report.sections:
        for block in section.blocks:
            if not isinstance(block, Table):
                continue
            for row in block.rows:
                wanted = [_excel(*each) for each in _with_kinds(block, row) if each[0] != ""]
                assert wanted in rows
    assert sum(len(sheet._charts) for sheet in book.worksheets) > 5
    assert book.sheetnames[0] == "封面"
    assert book.sheetnames[-1] == "图表数据"


def test_no_text_of_the_workbook_is_cut_off_by_the_height_of_its_row(printed: Printed) -> None:
    book = load_workbook(io.BytesIO(as_xlsx.draw(printed)))

    broken = 0
    for sheet in book.worksheets[1:-1]:
        merged = {each.min_row for each in sheet.merged_cells.ranges}
        for row in sheet.iter_rows():
            for cell in row:
                if not isinstance(cell.value, str) or cell.row in merged:
                    continue
                digits = sum(1 if sign.isascii() else 2 for sign in cell.value)
                lines = -(-digits // sheet.column_dimensions[cell.column_letter].width)
                assert sheet.row_dimensions[cell.row].height >= 15 * lines, cell.value
                broken += lines > 1
    assert broken > 10


def test_short_words_and_days_of_the_page_stay_on_one_line(printed: Printed) -> None:
    page = as_html.draw(printed).decode()

    assert '<td class="whole">2024-03-31</td>' in page
    assert '<td class="whole">一级</td>' in page
    assert re.search('<td class="whole">HS-[0-9]-[0-9]+</td>', page)
    assert '<table class="wide">' in page


def test_a_long_text_of_the_page_is_broken_in_whatever_column_it_stands(printed: Printed) -> None:
    page = as_html.draw(printed).decode()

    style, _, _ = page.partition("</style>")
    kept = [line.split("{")[0].strip() for line in style.splitlines() if "nowrap" in line]
    assert kept == ["td.whole", "td.number"]
    assert "<td>申报条件：在本市登记注册的独立法人企业</td>" in page


def test_word_says_that_it_is_chinese(printed: Printed) -> None:
    word = Document(io.BytesIO(as_docx.draw(printed)))

    languages = [each.get(qn("w:eastAsia")) for each in word.styles.element.iter(qn("w:lang"))]
    assert languages == ["zh-CN"]


def _excel(cell: Cell, kind: ColumnKind) -> object:
    if cell is None:
        return "—"
    if kind is ColumnKind.YUAN and isinstance(cell, str):
        # Workbooks hold binary fractions; fifteen digits come back as they went in.
        return float(Decimal(cell)) if Decimal(cell) % 1 else int(Decimal(cell))
    if kind is ColumnKind.DAY and isinstance(cell, str):
        return datetime.fromisoformat(cell)
    return cell


def test_the_pdf_holds_every_figure_page_numbers_and_the_hash(printed: Printed) -> None:
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(as_pdf.draw(printed))).pages]

    text = _SPACE.sub("", "".join(pages))
    cells = {cell for table in expected(printed.report) for row in table for cell in row}
    assert [each for each in sorted(cells) if _SPACE.sub("", each) not in text] == []
    assert [each for each in words(printed.report) if _SPACE.sub("", each) not in text] == []
    for number, page in enumerate(pages, start=1):
        assert f"— {number} —" in page
        assert printed.sha256[:16] in page


@pytest.mark.parametrize("drawing", FORMATS, ids=lambda each: each.__name__.rpartition(".")[2])
def test_the_same_snapshot_gives_the_same_bytes(drawing: object, printed: Printed) -> None:
    first = drawing.draw(printed)  # type: ignore[attr-defined]

    assert drawing.draw(printed) == first  # type: ignore[attr-defined]


def test_widths_of_columns_fill_the_page_and_numbers_are_never_broken(printed: Printed) -> None:
    for section in printed.report.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                widths = column_widths(block, 9000, 180)
                assert sum(widths) == 9000
                assert min(widths) > 0
