"""A report as one web page that needs nothing beside it, and prints on A4."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from models.rules.report_content import Chart, ColumnKind, cell_text
from tasks.programme_reports.drawing import Printed, headed, numbered_tables
from tasks.programme_reports.drawn_charts import as_svg

_environment = Environment(
    loader=PackageLoader("tasks.programme_reports"),
    undefined=StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _svg(chart: Chart) -> Markup:
    return Markup(as_svg(chart))  # noqa: S704 -- drawn by ourselves, its texts escaped by ReportLab


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
        text=cell_text,
        is_number=lambda kind: kind in (ColumnKind.COUNT, ColumnKind.YUAN),
    )
    return page.encode()
