"""A report in Word, laid out as official papers are (GB/T 9704: A4, 仿宋, page numbers)."""

import io
from datetime import datetime, time
from itertools import count

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENTATION, WD_SECTION_START
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph as WordParagraph

from models.rules.report_content import Chart, Paragraph, Slot, Table
from tasks.programme_reports.drawing import Printed, headed, numbered_tables
from tasks.programme_reports.office_charts import written_out
from tasks.programme_reports.packages import timeless
from tasks.programme_reports.word_tables import word_table

_CHART_TYPE = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
_CHART_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/chart"
_CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_EMU_PER_CM, _EMU_PER_TWIP = 360_000, 635

#: Named as they are on machines of offices; others take what they have in their place.
_BODY, _HEAD, _TITLE = "仿宋", "黑体", "宋体"


def require_usable() -> str:
    """Nothing is needed: fonts are the reader's."""
    return ""


def draw(printed: Printed) -> bytes:
    """Return the document."""
    word = Document()
    _set_up(word, printed)
    _cover(word, printed)
    numbers = numbered_tables(printed.report)
    charts = count(1)
    for heading, section in headed(printed.report):
        if section.is_annex and word.sections[-1].orientation is WD_ORIENTATION.PORTRAIT:
            _turn(word)
        word.add_paragraph(heading, style="Heading 1")
        for block in section.blocks:
            match block:
                case Paragraph():
                    word.add_paragraph(block.text, style="Body Text")
                case Slot():
                    _slot(word, block)
                case Table():
                    _table(word, block, numbers.get(id(block)))
                case Chart():
                    _chart(word, block, next(charts))
    word.add_paragraph(printed.proof, style="Caption")
    out = io.BytesIO()
    word.save(out)
    return timeless(out.getvalue(), f"{printed.made_on}T00:00:00Z")


def _font(style: ParagraphStyle, name: str, size: float, *, is_bold: bool = False) -> None:
    style.font.name, style.font.size, style.font.bold = "Times New Roman", Pt(size), is_bold
    style.font.italic = False
    style.font.color.rgb = RGBColor(0, 0, 0)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for attribute in list(fonts.attrib):  # the template's theme fonts would go before ours
        if attribute.endswith("Theme"):
            del fonts.attrib[attribute]
    fonts.set(qn("w:eastAsia"), name)


def _speak_chinese(word: WordDocument) -> None:
    # A program without our fonts takes others by the language; the template says English.
    for language in word.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")


def _style(word: WordDocument, name: str) -> ParagraphStyle:
    style = word.styles[name]
    assert isinstance(style, ParagraphStyle)  # noqa: S101 -- the template's own styles
    return style


def _set_up(word: WordDocument, printed: Printed) -> None:
    """Page, styles, foot; and no moment but the report's own."""
    _speak_chinese(word)
    section = word.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.top_margin, section.bottom_margin = Cm(3.7), Cm(3.5)
    section.left_margin, section.right_margin = Cm(2.8), Cm(2.6)
    _font(_style(word, "Normal"), _BODY, 10.5)
    body = _style(word, "Body Text")
    _font(body, _BODY, 16)
    body.paragraph_format.first_line_indent = Pt(32)
    body.paragraph_format.line_spacing_rule = WD_LINE_SPACING.EXACTLY
    body.paragraph_format.line_spacing = Pt(28)
    body.paragraph_format.space_after = Pt(0)
    _font(_style(word, "Heading 1"), _HEAD, 16)
    _style(word, "Heading 1").paragraph_format.space_before = Pt(18)
    _style(word, "Heading 1").paragraph_format.space_after = Pt(6)
    _font(_style(word, "Caption"), _BODY, 9)
    _font(_style(word, "Title"), _TITLE, 26, is_bold=True)
    _font(_style(word, "Subtitle"), _TITLE, 18)
    for name in ("Title", "Subtitle"):
        style = _style(word, name)
        style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
        borders = style.element.find(f"{qn('w:pPr')}/{qn('w:pBdr')}")
        if borders is not None:
            borders.getparent().remove(borders)
    made_at = datetime.combine(printed.made_on, time())
    core = word.core_properties
    core.title, core.author, core.comments = printed.report.title, printed.report.issuer, ""
    core.created = core.modified = made_at
    _foot(section.footer.paragraphs[0], printed)


def _foot(foot: WordParagraph, printed: Printed) -> None:
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    foot.add_run("— ").font.size = Pt(14)
    page = foot.add_run()
    page.font.size = Pt(14)
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        xml = (
            f'<w:fldChar {nsdecls("w")} w:fldCharType="{kind}"/>'
            if kind
            else f'<w:instrText {nsdecls("w")} xml:space="preserve">{text}</w:instrText>'
        )
        page._r.append(parse_xml(xml))
    foot.add_run(" —").font.size = Pt(14)
    foot.add_run().add_break()
    foot.add_run(printed.foot).font.size = Pt(8)


def _cover(word: WordDocument, printed: Printed) -> None:
    report = printed.report
    first = word.add_paragraph(report.programme, style="Subtitle")
    first.paragraph_format.space_before = Pt(120)
    title = word.add_paragraph(report.title, style="Title")
    title.paragraph_format.space_before, title.paragraph_format.space_after = Pt(24), Pt(150)
    for name, words in printed.cover:
        line = word.add_paragraph(style="Normal")
        line.paragraph_format.left_indent = Cm(1.2)
        line.paragraph_format.space_after = Pt(8)
        run = line.add_run(f"{name}：")
        run.font.size = Pt(14)
        run.font.bold = True
        line.add_run(words).font.size = Pt(14)
    if report.trial_note:
        note = word.add_paragraph(style="Normal")
        note.paragraph_format.left_indent = Cm(1.2)
        run = note.add_run(f"◆ {report.trial_note}")
        run.font.size, run.font.color.rgb = Pt(14), RGBColor(0xB3, 0x26, 0x1E)
    word.add_section(WD_SECTION_START.NEW_PAGE)


def _turn(word: WordDocument) -> None:
    """Go on across the page: annexes have many columns."""
    section = word.add_section(WD_SECTION_START.NEW_PAGE)
    section.orientation = WD_ORIENTATION.LANDSCAPE
    section.page_width, section.page_height = section.page_height, section.page_width
    section.left_margin = section.right_margin = Cm(2.5)
    section.top_margin = section.bottom_margin = Cm(2.5)


def _room(word: WordDocument) -> int:
    """Return how wide the text of the page is, in twentieths of a point."""
    section = word.sections[-1]
    margins = (section.left_margin or 0) + (section.right_margin or 0)
    return int(((section.page_width or 0) - margins) / _EMU_PER_TWIP)


def _slot(word: WordDocument, slot: Slot) -> None:
    paragraph = word.add_paragraph(style="Body Text")
    mark = paragraph.add_run("【待填写】")
    mark.font.bold, mark.font.color.rgb = True, RGBColor(0xB3, 0x26, 0x1E)
    paragraph.add_run(slot.prompt)
    for line in slot.recorded:
        word.add_paragraph(f"已登记：{line}", style="Normal")


def _table(word: WordDocument, table: Table, number: int | None) -> None:
    if number is not None:
        title = word.add_paragraph(style="Normal")
        title.alignment = WD_ALIGN_PARAGRAPH.CENTER
        title.paragraph_format.keep_with_next = True
        title.paragraph_format.space_before, title.paragraph_format.space_after = Pt(12), Pt(3)
        run = title.add_run(f"表 {number}　{table.title}")
        run.font.bold = True
        run.font.size = Pt(12)
    word.element.body.insert_element_before(word_table(table, _room(word)), "w:sectPr")
    note = word.add_paragraph(f"注：{table.note}" if table.note else "", style="Caption")
    note.paragraph_format.space_before, note.paragraph_format.space_after = Pt(3), Pt(6)


def _chart(word: WordDocument, chart: Chart, number: int) -> None:
    part = Part(
        PackURI(f"/word/charts/chart{number}.xml"),
        _CHART_TYPE,
        written_out(chart),
        word.part.package,
    )
    relation = word.part.relate_to(part, _CHART_RELATION)
    width, height = (round(cm * _EMU_PER_CM) for cm in (15.4, 7.6))
    paragraph = word.add_paragraph(style="Normal")
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.add_run()._r.append(
        parse_xml(
            f'<w:drawing {nsdecls("w", "wp", "a", "r")}><wp:inline distT="0" distB="0" distL="0"'
            f' distR="0"><wp:extent cx="{width}" cy="{height}"/>'
            f'<wp:docPr id="{number}" name="chart{number}"/><wp:cNvGraphicFramePr/>'
            f'<a:graphic><a:graphicData uri="{_CHART}"><c:chart xmlns:c="{_CHART}"'
            f' r:id="{relation}"/></a:graphicData></a:graphic></wp:inline></w:drawing>'
        )
    )
