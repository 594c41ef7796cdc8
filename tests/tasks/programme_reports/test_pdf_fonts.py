"""The font of a PDF: carried in the file, so that it is read on a machine that has no Chinese."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import reportlab
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont
from pypdf import PdfReader
from pypdf.generic import DictionaryObject
from reportlab.pdfbase import pdfmetrics

from tasks.programme_reports import as_pdf
from tasks.programme_reports.drawing import Printed
from tasks.programme_reports.pdf_fonts import ChineseFont, chinese_font, redrawn, remark
from tasks.programme_reports.refusals import FontError


def fonts(pdf: bytes) -> Iterator[DictionaryObject]:
    """Yield each font of each page, without the one that ReportLab names and never uses."""
    for page in PdfReader(io.BytesIO(pdf)).pages:
        for each in page["/Resources"]["/Font"].values():  # type: ignore[index]
            if each["/BaseFont"] != "/Helvetica":
                yield each


@pytest.fixture
def no_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which fontconfig finds nothing."""
    monkeypatch.setenv("PATH", "/nowhere")


@pytest.fixture
def own() -> ChineseFont:
    """What fontconfig finds here; tests/need-debian-packages installs fonts-noto-cjk."""
    found = chinese_font()
    assert found is not None
    return found


def test_the_pdf_carries_every_letter_that_it_shows(printed: Printed, own: ChineseFont) -> None:
    pdf = as_pdf.draw(printed)

    carried = list(fonts(pdf))
    assert carried
    assert all("/FontFile2" in font["/FontDescriptor"] for font in carried)
    shown = set("".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages))
    known = pdfmetrics.getFont("PilotReport").face.charToGlyph
    assert sorted(letter for letter in shown - {"\n"} if ord(letter) not in known) == []
    assert remark() == ""
    assert len(pdf) < 500_000  # of the font's 25 MB, what is shown


def test_a_report_drawn_after_another_has_letters_that_the_other_had_not(printed: Printed) -> None:
    as_pdf.draw(printed)
    other = printed.report.model_copy(update={"issuer": "龘靐市经信局"})

    pdf = as_pdf.draw(replace(printed, report=other))

    assert "龘靐" in "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def test_letters_are_drawn_as_wide_and_as_high_as_in_the_font(own: ChineseFont) -> None:
    def sizes(font: TTFont) -> list[tuple[float, ...]]:
        letters, names = font.getGlyphSet(), font.getBestCmap()
        found = []
        for letter in "黄Ag，":
            pen = BoundsPen(letters)
            letters[names[ord(letter)]].draw(pen)
            found.append((letters[names[ord(letter)]].width, *(pen.bounds or ())))
        return found

    with own.opened() as font:
        made = TTFont(io.BytesIO(redrawn(font, [ord(letter) for letter in "黄Ag，"])))

        for before, after in zip(sizes(font), sizes(made), strict=True):
            assert after == pytest.approx(before, abs=2)


@pytest.mark.usefixtures("no_font")
def test_without_a_font_the_pdf_names_one_and_it_is_said_what_to_do(printed: Printed) -> None:
    pdf = as_pdf.draw(printed)

    assert {font["/BaseFont"] for font in fonts(pdf)} == {"/STSong-Light"}
    assert "fonts-noto-cjk" in as_pdf.require_usable()
    assert "PILOT_REPORT_FONT" in as_pdf.require_usable()


def test_the_font_named_is_carried_whatever_the_machine_has(
    printed: Printed, own: ChineseFont, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "own.ttf"
    chinese = [*range(0x20, 0x7F), *range(0x3000, 0x3020), *range(0x4E00, 0x4F00), ord("黄")]
    with own.opened() as font:
        path.write_bytes(redrawn(font, chinese))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PILOT_REPORT_FONT", str(path))

    assert as_pdf.require_usable() == ""
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts(as_pdf.draw(printed)))


def test_of_a_collection_the_simplified_forms_are_taken(
    own: ChineseFont, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own.path.suffix == ".ttc"
    monkeypatch.setenv("PILOT_REPORT_FONT", str(own.path))

    assert chinese_font() == own
    with own.opened() as font:
        assert font["name"].getDebugName(1).endswith(" SC")


def test_a_font_for_pdf_that_cannot_be_used_is_refused_with_what_would_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for content, why in ((None, "没有这个文件"), (b"no font", "不能用于 PDF")):
        path = tmp_path / "font.ttf"
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setenv("PILOT_REPORT_FONT", str(path))

        with pytest.raises(FontError, match=why):
            as_pdf.require_usable()


def test_a_font_without_chinese_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    latin = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
    monkeypatch.setenv("PILOT_REPORT_FONT", str(latin))

    with pytest.raises(FontError, match="没有汉字"):
        as_pdf.require_usable()
