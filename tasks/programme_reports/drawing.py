"""What every format needs to draw a snapshot: the words of the cover, of headings, of the foot."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from models.rules.report_content import (
    Block,
    Report,
    Table,
    chinese_day,
    chinese_number,
)

#: The hash is printed in groups: a person compares it by eye.
_SHORT = 16

#: The colours of series, dark enough to be told apart in a black-and-white copy.
COLOURS = ("1F4E79", "C55A11", "7F9F3F", "7F7F7F", "BF9000", "5B9BD5")


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


def headed(report: Report) -> Iterator[tuple[str, tuple[Block, ...]]]:
    """Yield the sections with their headings: 一、二、… and then 附表 1, 附表 2, …"""
    for number, section in enumerate(report.text_sections, start=1):
        yield f"{chinese_number(number)}、{section.title}", section.blocks
    for number, section in enumerate(report.annexes, start=1):
        yield f"附表 {number}　{section.title}", section.blocks


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
