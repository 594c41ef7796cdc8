"""Charts as office programs keep them (DrawingML): they stay sharp, and can be restyled.

openpyxl builds them for Excel; the same element, with its numbers written in, goes into Word.
"""

from collections.abc import Sequence

from openpyxl.chart import BarChart
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.data_source import (
    AxDataSource,
    NumData,
    NumDataSource,
    NumRef,
    NumVal,
    StrData,
    StrRef,
    StrVal,
)
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.layout import Layout, ManualLayout
from openpyxl.chart.series import Series, SeriesLabel
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.text import (
    CharacterProperties,
    Paragraph,
    ParagraphProperties,
    RegularTextRun,
)
from openpyxl.xml.functions import tostring

from models.rules.report_content import Chart
from tasks.programme_reports.drawing import COLOURS, label_digits


def bar_chart(chart: Chart, series: Sequence[Series]) -> BarChart:
    """Return columns side by side with these `series`, titled as `chart` is."""
    bars = BarChart()
    bars.type, bars.grouping, bars.overlap, bars.gapWidth = "col", "clustered", 0, 60
    bars.title = _title(chart)
    bars.legend.position = "b"
    # Readers of today take a missing answer for "yes": the axes would be hidden.
    bars.x_axis.delete = bars.y_axis.delete = False
    bars.y_axis.scaling.min = 0
    grey = GraphicalProperties(ln=LineProperties(solidFill="DDDDDD"))
    bars.y_axis.majorGridlines = ChartLines(spPr=grey)
    bars.y_axis.number_format = "General"
    bars.layout = Layout(manualLayout=ManualLayout(x=0.08, y=0.15, w=0.9, h=0.62))
    letters = ParagraphProperties(defRPr=CharacterProperties(sz=800))
    small = RichText(p=[Paragraph(pPr=letters, endParaRPr=CharacterProperties())])
    for number, each in enumerate(series):
        each.graphicalProperties = GraphicalProperties(solidFill=COLOURS[number % len(COLOURS)])
        each.dLbls = DataLabelList(
            numFmt=_label_format(chart),
            txPr=small,
            showVal=True,
            showSerName=False,
            showCatName=False,
            showLegendKey=False,
            showPercent=False,
        )
        bars.series.append(each)
    return bars


def _label_format(chart: Chart) -> str:
    """Return how the values over the columns are shown: numbers that are whole stay whole."""
    values = [value for series in chart.series for value in series.values]
    if all(value == int(value) for value in values):
        return "#,##0"
    return "#,##0." + "0" * label_digits(chart)


def _title(chart: Chart) -> Title:
    style = CharacterProperties(sz=1200, b=True)
    run = RegularTextRun(rPr=style, t=f"{chart.title}（{chart.unit}）")
    paragraph = Paragraph(pPr=ParagraphProperties(defRPr=style), r=[run])
    return Title(tx=Text(rich=RichText(p=[paragraph])), overlay=False)


def written_out(chart: Chart) -> bytes:
    """Return the chart as an XML document that holds its own numbers."""
    names = StrData(
        ptCount=len(chart.categories),
        pt=[StrVal(idx=place, v=name) for place, name in enumerate(chart.categories)],
    )
    series = [
        Series(
            idx=number,
            order=number,
            tx=SeriesLabel(v=each.name),
            cat=AxDataSource(strLit=names),
            val=NumDataSource(
                numLit=NumData(
                    formatCode="General",
                    ptCount=len(each.values),
                    pt=[NumVal(idx=i, v=str(value)) for i, value in enumerate(each.values)],
                )
            ),
        )
        for number, each in enumerate(chart.series)
    ]
    # openpyxl offers no public way to the element that it writes into a workbook.
    document = tostring(bar_chart(chart, series)._write())  # type: ignore[attr-defined]
    whole = document if isinstance(document, bytes) else document.encode()
    return b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + whole


def referring(
    chart: Chart, sheet: str, first_row: int, names: str, columns: Sequence[str]
) -> BarChart:
    """Return the chart of cells: `names` and `columns` are letters, the heading above the rows."""
    last_row = first_row + len(chart.categories) - 1

    def cells(column: str) -> str:
        return f"'{sheet}'!${column}${first_row}:${column}${last_row}"

    return bar_chart(
        chart,
        [
            Series(
                idx=number,
                order=number,
                tx=SeriesLabel(strRef=StrRef(f"'{sheet}'!${column}${first_row - 1}")),
                cat=AxDataSource(strRef=StrRef(cells(names))),
                val=NumDataSource(numRef=NumRef(f=cells(column))),
            )
            for number, column in enumerate(columns)
        ],
    )
