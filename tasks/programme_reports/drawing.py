"""What every format needs to draw a snapshot: the words of the cover, of headings, of the foot."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from models.rules.report_content import (
    Chart,
    ColumnKind,
    Report,
    Section,
    Table,
    cell_text,
    chinese_day,
    chinese_number,
)

#: The hash is printed in groups: a person compares it by eye.
_SHORT = 16

#: The colours of series, dark enough to be told apart in a black-and-white copy.
COLOURS = ("1F4E79", "C55A11", "7F9F3F", "7F7F7F", "BF9000", "5B9BD5")


#: Where more columns of a chart than this stand side by side, their values have less room.
_MANY_VALUES = 9
#: A table with more columns than this is set in smaller letters.
MANY_COLUMNS = 6
#: A table of so few rows is not torn apart by the end of a page.
KEPT_TOGETHER = 12
#: What a cell takes beside its text, and the most of a heading that stays on one line, in letters.
_MARGIN, _HEADING = 1.4, 4.0
#: A text of so many letters is not broken; columns of longer ones share what room is left.
_SHORT_TEXT, _SHARING = 6.5, 24.0


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A snapshot that is to be drawn: its report, and what is known of its making."""

    report: Report
    number: int
    edition: int
    sha256: str
    made_on: date
    made_by: str

    @property
    def cover(self) -> list[tuple[str, str]]:
        """What the cover says under the title."""
        report = self.report
        return [
            ("方案", f"{report.document_title}（{report.document_no}）"),
            ("数据截至", chinese_day(report.as_of)),
            ("编制单位", report.issuer),
            ("编制日期", chinese_day(self.made_on)),
            ("报告编号", f"{self.number}（第 {self.edition} 版）"),
        ]

    @property
    def foot(self) -> str:
        """What stands at the foot of every page."""
        return f"报告 {self.number} 第 {self.edition} 版 · 数据快照 SHA-256 {self.sha256[:_SHORT]}…"

    @property
    def proof(self) -> str:
        """The whole hash, and how it is checked."""
        return (
            f"数据快照 SHA-256：{self.sha256}（可用 pilot report verify 核验）；"
            f"政策文件版本：{self.report.policy_version[:_SHORT]}…"
        )


def headed(report: Report) -> Iterator[tuple[str, Section]]:
    """Yield the sections, each after its heading: 一、二、… and then 附表 1, 附表 2, …"""
    for number, section in enumerate(report.text_sections, start=1):
        yield f"{chinese_number(number)}、{section.title}", section
    for number, section in enumerate(report.annexes, start=1):
        yield f"附表 {number}　{section.title}", section


def numbered_tables(report: Report) -> dict[int, int]:
    """Return the number of each table of the text, by the identity of the table.

    Annexes are numbered by themselves.
    """
    tables = [
        block
        for section in report.text_sections
        for block in section.blocks
        if isinstance(block, Table)
    ]
    return {id(table): number for number, table in enumerate(tables, start=1)}


def label_digits(chart: Chart) -> int:
    """Return how many places after the point the values over a chart's columns are shown with."""
    return 1 if len(chart.categories) * len(chart.series) > _MANY_VALUES else 2


def column_widths(table: Table, whole: int, letter: float) -> list[int]:
    """Return the widths of the columns, adding up to `whole`, where a Chinese letter is `letter`.

    Numbers, days and short words are never broken; long texts share what is left.
    """
    fixed: dict[int, float] = {}
    sharing: dict[int, float] = {}
    for place, column in enumerate(table.columns):
        longest = max(
            (_length(cell_text(row[place], column.kind)) for row in table.rows), default=0
        )
        if column.kind is not ColumnKind.TEXT or longest <= _SHORT_TEXT:
            fixed[place] = max(longest, min(_length(column.title), _HEADING)) + _MARGIN
        else:
            sharing[place] = min(longest, _SHARING) + _MARGIN
    room = whole / letter - sum(fixed.values())
    if sharing and room > 4 * len(sharing):
        share = room / sum(sharing.values())
        needed = {**fixed, **{place: share * each for place, each in sharing.items()}}
    else:
        needed = {**fixed, **sharing}
    total = sum(needed.values())
    widths = [int(whole * needed[place] / total) for place in range(len(table.columns))]
    widths[-1] += whole - sum(widths)
    return widths


def _length(text: str) -> float:
    """Return how wide a text is, in Chinese letters; a bold digit is some more than half of one."""
    return sum(0.6 if ord(sign) < 0x2000 else 1 for sign in text)
