"""The Chinese font that a PDF carries: the one named, or one of this machine; else none."""

import io
import shutil
import subprocess
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.filterPen import DecomposingFilterPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont, TTLibError
from pydantic_settings import BaseSettings, SettingsConfigDict
from reportlab.pdfbase import pdfmetrics, ttfonts

from tasks.programme_reports.refusals import FontError

_CARRIED = "PilotReport"
#: A font without it has no Chinese; fontconfig gives its next best, whatever it has.
_CHINESE = "黄"
#: What fontconfig is asked for: letters with serifs as in print, in simplified forms.
_WANTED = "serif:lang=zh-cn"
_REGULAR = 400
#: 1970, as fonts count from 1904: the same letters are to give the same bytes.
_NO_DAY = 0x7C259DC0
_NOT_CARRIED = (
    "本机没有中文字体，PDF 不带字体，在没有宋体的电脑上会显示为空白；请安装中文字体"
    "（如 fonts-noto-cjk），或用 PILOT_REPORT_FONT 指定一个，再重新输出"
)
#: An outline's curves are redrawn within a thousandth of the height of a letter.
_PRECISION = 1 / 1000


class ReportSettings(BaseSettings):
    """The font that PDF files carry, instead of one that is found on this machine."""

    model_config = SettingsConfigDict(env_prefix="PILOT_REPORT_", extra="ignore")

    font: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ChineseFont:
    """A font file, and which of the fonts in it where it is a collection (`.ttc`)."""

    path: Path
    number: int

    @contextmanager
    def opened(self) -> Iterator[TTFont]:
        """Have it open; `FontError` where it is no font, or has no Chinese."""
        try:
            with self.path.open("rb") as file:
                font = TTFont(file, fontNumber=self.number, lazy=True)
                if ord(_CHINESE) not in (font.getBestCmap() or ()):
                    raise FontError(self.path, "其中没有汉字")
                yield font
        except (TTLibError, OSError, KeyError, AssertionError) as error:
            raise FontError(self.path, str(error) or "不是字体文件") from error


def remark() -> str:
    """Return what is to be known of a PDF made on this machine: nothing where it carries a font.

    `FontError` where the one that was named cannot be used.
    """
    return "" if chinese_font() else _NOT_CARRIED


def chinese_font() -> ChineseFont | None:
    """Return the font of `PILOT_REPORT_FONT`, or else one that fontconfig finds, or else None.

    `FontError` where the one that was named cannot be used.
    """
    named = ReportSettings().font
    if named is None:
        return _found()
    if not named.is_file():
        raise FontError(named, "没有这个文件")
    font = ChineseFont(path=named, number=_simplified(named))
    with font.opened():
        return font


def carried(font: ChineseFont, characters: Iterable[str]) -> str:
    """Return the name of a font with those characters, registered with ReportLab.

    ReportLab takes TrueType outlines only, and most free Chinese fonts have PostScript's: each
    letter is drawn anew. The same letters give the same bytes.
    """
    with font.opened() as opened:
        data = redrawn(opened, {ord(each) for each in characters})
    made = ttfonts.TTFont(_CARRIED, io.BytesIO(data))
    # Of two fonts of one name ReportLab keeps the first: the letters of the report before.
    made.unregister()
    pdfmetrics.registerFont(made)
    return _CARRIED


def _found() -> ChineseFont | None:
    program = shutil.which("fc-match")
    if program is None:
        return None
    asked = [program, "--format", "%{file}\n%{index}", _WANTED]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    path, _, number = answer.stdout.partition("\n")
    if not path:
        return None
    # The upper half of fontconfig's number is the instance of a variable font.
    font = ChineseFont(path=Path(path), number=int(number or 0) & 0xFFFF)
    try:
        with font.opened():
            return font
    except FontError:
        return None


def _simplified(path: Path) -> int:
    """Return which font of a collection has the simplified forms; the first where none says so."""
    try:
        with path.open("rb") as file, TTCollection(file, lazy=True) as collection:
            names = [font["name"].getDebugName(1) or "" for font in collection.fonts]
    except TTLibError:
        return 0
    return next((number for number, name in enumerate(names) if name.endswith("SC")), 0)


def redrawn(font: TTFont, codes: Collection[int]) -> bytes:
    """Return a TrueType font with the letters for `codes` alone, those that `font` has."""
    shown = {code: name for code, name in font.getBestCmap().items() if code in codes}
    nothing = font.getGlyphOrder()[0]
    order = [nothing, *sorted(set(shown.values()) - {nothing})]
    letters = font.getGlyphSet(location={"wght": _REGULAR} if "fvar" in font else None)
    units = font["head"].unitsPerEm
    outlines = {}
    for name in order:
        pen = TTGlyphPen(None)
        curves = Cu2QuPen(pen, units * _PRECISION, reverse_direction="glyf" not in font)
        letters[name].draw(DecomposingFilterPen(curves, letters))
        outlines[name] = pen.glyph()
    made = FontBuilder(units, isTTF=True)
    made.setupGlyphOrder(order)
    made.setupCharacterMap(shown)
    made.setupGlyf(outlines)
    sides = made.font["glyf"]
    made.setupHorizontalMetrics(
        {name: (letters[name].width, getattr(sides[name], "xMin", 0)) for name in order}
    )
    made.setupHorizontalHeader(ascent=font["hhea"].ascent, descent=font["hhea"].descent)
    made.setupNameTable({"familyName": _CARRIED, "styleName": "Regular", "psName": _CARRIED})
    made.setupOS2(
        sTypoAscender=font["hhea"].ascent,
        sTypoDescender=font["hhea"].descent,
        usWeightClass=_REGULAR,
    )
    made.setupPost()
    made.updateHead(created=_NO_DAY, modified=_NO_DAY)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()
