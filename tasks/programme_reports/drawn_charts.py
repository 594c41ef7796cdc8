"""Charts drawn by ReportLab: vectors in a PDF, and SVG in a web page."""

from decimal import Decimal
from functools import partial

from reportlab.graphics import renderSVG
from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.legends import Legend
from reportlab.graphics.shapes import Drawing, String
from reportlab.lib.colors import HexColor, white
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont

from models.rules.report_content import Chart
from tasks.programme_reports.drawing import COLOURS, label_digits

_BUILT_IN = "STSong-Light"
_WIDTH, _HEIGHT = 450, 215
_GREY = HexColor(0x8C8C8C)
_INK = HexColor(0x333333)


def built_in_font() -> str:
    """Return the Chinese font that readers of PDF bring along, registered with ReportLab."""
    if _BUILT_IN not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_BUILT_IN))
    return _BUILT_IN


def drawn(chart: Chart, font: str) -> Drawing:
    """Return the chart as columns side by side, each with its value, in a registered `font`."""
    drawing = Drawing(_WIDTH, _HEIGHT)
    drawing.add(
        String(
            _WIDTH / 2,
            _HEIGHT - 12,
            f"{chart.title}（{chart.unit}）",
            fontName=font,
            fontSize=10.5,
            fillColor=_INK,
            textAnchor="middle",
        )
    )
    columns = VerticalBarChart()
    columns.x, columns.y, columns.width, columns.height = 40, 52, _WIDTH - 50, _HEIGHT - 90
    columns.data = [tuple(float(value) for value in series.values) for series in chart.series]
    columns.groupSpacing, columns.barSpacing = 10, 1
    columns.bars.strokeColor = None
    for number, _ in enumerate(chart.series):
        columns.bars[number].fillColor = _colour(number)
    columns.categoryAxis.categoryNames = [_wrapped(name) for name in chart.categories]
    columns.categoryAxis.labels.fontName = font
    columns.categoryAxis.labels.fontSize = 8
    columns.categoryAxis.labels.boxAnchor = "n"
    columns.categoryAxis.labels.dy = -3
    columns.categoryAxis.strokeColor = _GREY
    columns.categoryAxis.visibleTicks = False
    columns.valueAxis.valueMin = 0
    columns.valueAxis.valueMax = _top(chart)
    columns.valueAxis.strokeColor = None
    columns.valueAxis.visibleGrid = True
    columns.valueAxis.gridStrokeColor = HexColor(0xDDDDDD)
    columns.valueAxis.gridStrokeWidth = 0.4
    columns.valueAxis.labels.fontName = font
    columns.valueAxis.labels.fontSize = 8
    columns.valueAxis.labelTextFormat = _value
    columns.barLabelFormat = partial(_bar_label, label_digits(chart))
    columns.barLabels.fontName = font
    columns.barLabels.fontSize = 7
    columns.barLabels.nudge = 6
    drawing.add(columns)
    drawing.add(_legend(chart, font))
    return drawing


def as_svg(chart: Chart) -> str:
    """Return the chart as an SVG element in the fonts of whoever looks at it."""
    # Its widths place the words; the page itself says in which font they are shown.
    text = renderSVG.drawToString(drawn(chart, built_in_font()))
    return str(text[text.index("<svg") :])


def _legend(chart: Chart, font: str) -> Legend:
    legend = Legend()
    legend.x, legend.y = 44, 16
    legend.boxAnchor = "w"
    legend.columnMaximum = 1
    legend.alignment = "right"
    legend.deltax = 78
    legend.dx = legend.dy = 7
    legend.strokeColor = white
    legend.fontName, legend.fontSize = font, 8.5
    legend.colorNamePairs = [
        (_colour(number), series.name) for number, series in enumerate(chart.series)
    ]
    return legend


def _colour(number: int) -> HexColor:
    return HexColor(int(COLOURS[number % len(COLOURS)], 16))


def _wrapped(name: str) -> str:
    """Break a long name in two: categories stand close together."""
    return name if len(name) <= 6 else f"{name[:5]}\n{name[5:]}"


def _top(chart: Chart) -> float:
    """Return where the axis ends: above the highest column, and above nothing at all."""
    highest = max((value for series in chart.series for value in series.values), default=Decimal(0))
    return float(max(highest * Decimal("1.15"), Decimal(1)))


def _value(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _bar_label(digits: int, value: float) -> str:
    return "" if not value else f"{value:,.0f}" if value == int(value) else f"{value:,.{digits}f}"
