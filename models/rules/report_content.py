"""What a report of the programme says: headings, paragraphs, tables, charts; and its hash."""

import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.rules.choice import Choice

#: What a place that only a person can fill in says.
TO_BE_WRITTEN = "待填写"
#: What follows a figure or a source that the lead bureau has not confirmed.
UNVERIFIED = "（待核）"


class ReportKind(Choice):
    """The reports the programme hands in (plan 四（二）2, 四（三）) and the monthly one."""

    MIDTERM = "midterm", "中期"
    FINAL = "final", "终期"
    MONTHLY = "monthly", "月报"


class ColumnKind(Choice):
    """What stands in a column of a report's table."""

    TEXT = "text", "文字"
    COUNT = "count", "个数"
    YUAN = "yuan", "金额"
    DAY = "day", "日期"


#: Whole numbers for counts; yuan as a string with two decimals; days as ISO strings.
Cell = str | int | None


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Content):
    """One column; the unit of its numbers stands in its heading."""

    title: str
    kind: ColumnKind = ColumnKind.TEXT
    unit: str = ""

    @property
    def heading(self) -> str:
        """已拨付（元）."""
        return f"{self.title}（{self.unit}）" if self.unit else self.title


class Table(_Content):
    """A table; with `has_total` its last row adds up those above."""

    block: Literal["table"] = "table"
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    has_total: bool = False
    note: str = ""


class Series(_Content):
    """One colour of a chart: a value for each of its categories."""

    name: str
    values: tuple[Decimal, ...]


class Chart(_Content):
    """Columns side by side, drawn from the table before it."""

    block: Literal["chart"] = "chart"
    title: str
    unit: str
    categories: tuple[str, ...]
    series: tuple[Series, ...]


class Paragraph(_Content):
    """A sentence or several, made of figures only."""

    block: Literal["paragraph"] = "paragraph"
    text: str


class Slot(_Content):
    """Prose that a person writes: nothing is invented for it."""

    block: Literal["slot"] = "slot"
    prompt: str
    #: What has been recorded, a line each; it helps who writes and is no text of the report.
    recorded: tuple[str, ...] = ()


Block = Annotated[Table | Chart | Paragraph | Slot, Field(discriminator="block")]


class Section(_Content):
    """One heading with what stands under it; an annex stands after the text."""

    key: str
    title: str
    source: str
    blocks: tuple[Block, ...]
    is_annex: bool = False


class Report(_Content):
    """A whole report, frozen: whoever draws it, in whatever form, draws the same figures."""

    #: The shape of this document, should it ever change.
    layout: Literal[1] = 1
    kind: ReportKind
    title: str
    programme: str
    document_no: str
    document_title: str
    issuer: str
    as_of: date
    policy_version: str
    #: Set where the data are invented or the day is not today's.
    trial_note: str | None = None
    sections: tuple[Section, ...]

    def canonical(self) -> str:
        """Return the one JSON text of this report: sorted keys, no blanks."""
        return json.dumps(
            self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":")
        )

    @property
    def text_sections(self) -> tuple[Section, ...]:
        """The numbered headings."""
        return tuple(each for each in self.sections if not each.is_annex)

    @property
    def annexes(self) -> tuple[Section, ...]:
        """The annexes."""
        return tuple(each for each in self.sections if each.is_annex)


def content_digest(canonical: str) -> str:
    """Return the SHA-256 of a report's canonical text."""
    return hashlib.sha256(canonical.encode()).hexdigest()


def chinese_number(number: int) -> str:
    """Return 一 … 二十 as headings are numbered; beyond that is a `ValueError`."""
    digits = "一二三四五六七八九十"
    if not 1 <= number <= 20:
        raise ValueError(f"{number} is no number of a heading")
    if number <= 10:
        return digits[number - 1]
    return "二十" if number == 20 else f"十{digits[number - 11]}"


def chinese_day(day: date) -> str:
    """2024年12月31日."""
    return f"{day.year}年{day.month}月{day.day}日"


def cell_text(cell: Cell, kind: ColumnKind) -> str:
    """Return a cell as it is printed: thousands apart, yuan with two decimals, empty as a dash."""
    if cell is None:
        return "—"
    if kind is ColumnKind.YUAN:
        return f"{Decimal(cell):,.2f}"
    if kind is ColumnKind.COUNT:
        return f"{cell:,}" if isinstance(cell, int) else cell
    return str(cell)
