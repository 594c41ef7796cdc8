"""A report as one web page that needs nothing beside it, and prints on A4."""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from models.rules.report_content import Chart, ColumnKind, Table, cell_text
from tasks.programme_reports.drawing import (
    MANY_COLUMNS,
    Printed,
    column_widths,
    headed,
    numbered_tables,
)
from tasks.programme_reports.drawn_charts import as_svg

#: A letter's share of the width of a table, in ten-thousandths: 14 of 756 pixels.
_LETTER = 185

#: A text of so many letters is not broken, and neither is a day or the number of a case.
_SHORT = 6
_NUMBER = re.compile(r"[A-Z0-9-]{,16}")

_environment = Environment(
    loader=PackageLoader("tasks.programme_reports"),
    undefined=StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _svg(chart: Chart) -> Markup:
    return Markup(as_svg(chart))  # noqa: S704 -- drawn by ourselves, its texts escaped by ReportLab


def _widths(table: Table) -> list[float]:
    """Return the widths of the columns in hundredths of the table's."""
    return [width / 100 for width in column_widths(table, 10_000, _LETTER)]


def require_usable() -> str:
    """Nothing is needed: the reader's browser has the fonts."""
    return ""


def draw(printed: Printed) -> bytes:
    """Return the page in UTF-8."""
    page = _environment.get_template("report.html").render(
        printed=printed,
        report=printed.report,
        headed=list(headed(printed.report)),
        numbers=numbered_tables(printed.report),
        identity=id,
        svg=_svg,
        widths=_widths,
        many_columns=MANY_COLUMNS,
        is_whole=lambda words: len(words) <= _SHORT or _NUMBER.fullmatch(words),
        text=cell_text,
        is_number=lambda kind: kind in (ColumnKind.COUNT, ColumnKind.YUAN),
    )
    return page.encode()
