"""Tables and charts of a report from its case lines: by batch, county and industry."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from models.operations.report_facts import CaseLine
from models.operations.report_marks import Mark
from models.rules.report_content import Cell, Chart, Column, ColumnKind, Series, Table

#: A figure of a group of cases: its heading, its kind, its unit, and how it is counted.
TOTAL = "合计"
NOT_STATED = "未填"
_TEN_THOUSAND = Decimal(10_000)


@dataclass(frozen=True)
class Figure:
    """One column of a grouped table: what is counted or added up of the cases of a row."""

    title: str
    kind: ColumnKind
    unit: str
    of: Callable[[Sequence[CaseLine]], int | Decimal]

    @property
    def column(self) -> Column:
        """The column it stands in."""
        return Column(title=self.title, kind=self.kind, unit=self.unit)


@dataclass(frozen=True)
class Grouping:
    """Rows of a grouped table: what they are called, and which row a case belongs to.

    `names` come first and in this order, with or without cases; others follow as they come.
    """

    title: str
    names: tuple[str, ...]
    of: Callable[[CaseLine], str]

    def groups(self, lines: Iterable[CaseLine]) -> dict[str, list[CaseLine]]:
        """Return the cases of each row; every case is in exactly one."""
        groups: dict[str, list[CaseLine]] = {name: [] for name in self.names}
        for line in lines:
            groups.setdefault(self.of(line) or NOT_STATED, []).append(line)
        return groups


def counted(title: str, unit: str, is_counted: Callable[[CaseLine], bool]) -> Figure:
    """Return the number of cases for which `is_counted`."""
    return Figure(title, ColumnKind.COUNT, unit, lambda lines: sum(map(is_counted, lines)))


def marked(mark: Mark) -> Figure:
    """Return the number of cases that have come to `mark`."""
    return counted(mark.label, "家", lambda line: mark in line.marks)


def summed(title: str, of: Callable[[CaseLine], Decimal]) -> Figure:
    """Return a sum of yuan."""
    return Figure(title, ColumnKind.YUAN, "元", lambda lines: sum(map(of, lines), Decimal("0.00")))


def cell(value: int | Decimal) -> Cell:
    """Return a number as a snapshot holds it: yuan as a string with two decimals."""
    return value if isinstance(value, int) else f"{value:.2f}"


def grouped(
    title: str,
    grouping: Grouping,
    figures: Sequence[Figure],
    lines: Sequence[CaseLine],
    *,
    note: str = "",
) -> Table:
    """Return a table of `figures` by `grouping`; its last row is counted over all cases anew."""
    rows = [
        (name, *(cell(figure.of(theirs)) for figure in figures))
        for name, theirs in grouping.groups(lines).items()
    ]
    rows.append((TOTAL, *(cell(figure.of(lines)) for figure in figures)))
    return Table(
        title=title,
        columns=(Column(title=grouping.title), *(figure.column for figure in figures)),
        rows=tuple(rows),
        has_total=True,
        note=note,
    )


def with_column(table: Table, column: Column, values: Sequence[Cell]) -> Table:
    """Return `table` with one more column behind its first one: a value for each row."""
    return table.model_copy(
        update={
            "columns": (table.columns[0], column, *table.columns[1:]),
            "rows": tuple(
                (row[0], value, *row[1:]) for row, value in zip(table.rows, values, strict=True)
            ),
        }
    )


def chart_of(table: Table, title: str, *, columns: Sequence[str]) -> Chart:
    """Return the chart of those `columns` of `table`: rows are categories, the total is not drawn.

    Yuan are drawn in ten thousands.
    """
    places = [place for place, column in enumerate(table.columns) if column.title in columns]
    rows = table.rows[:-1] if table.has_total else table.rows
    is_money = table.columns[places[0]].kind is ColumnKind.YUAN
    scale = _TEN_THOUSAND if is_money else Decimal(1)
    return Chart(
        title=title,
        unit="万元" if is_money else table.columns[places[0]].unit,
        categories=tuple(str(row[0]) for row in rows),
        series=tuple(
            Series(
                name=table.columns[place].title,
                values=tuple(_drawn(Decimal(row[place] or 0), scale) for row in rows),
            )
            for place in places
        ),
    )


def _drawn(value: Decimal, scale: Decimal) -> Decimal:
    """Return what a column of a chart is as high as; the exact sum stands in the table."""
    return value if scale == 1 else (value / scale).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def turned(table: Table, title: str, *, columns: Sequence[str]) -> Chart:
    """Return the chart with `columns` as categories and a series for each row but the total."""
    chart = chart_of(table, title, columns=columns)
    return Chart(
        title=title,
        unit=chart.unit,
        categories=tuple(series.name for series in chart.series),
        series=tuple(
            Series(name=name, values=tuple(series.values[place] for series in chart.series))
            for place, name in enumerate(chart.categories)
        ),
    )
