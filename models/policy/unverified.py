"""What of the policy files nobody has confirmed yet: what it is, where it stands, its source."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from models.policy.lines import NAMING_KEYS
from models.policy.sources import read_toml

#: What a table holds, as the lead bureau would say it; of the files that reports rest on.
_HOLDS: Final = MappingProxyType(
    {
        "programme": "方案文号与实施期",
        "calendar": "须有节假日安排的年份",
        "phases": "方案阶段",
        "batches": "批次的申报期与目标",
        "targets": "总目标",
        "bodies": "职责单位",
        "bodies.contact": "联系方式",
        "industries": "申报行业",
        "counties": "申报属地",
        "eligibility": "中小企业划型标准（从业人员、年营业收入）",
        "eligibility.requirements": "申报条件",
        "applications": "批次申报期以外的申报如何处理",
        "subsidy": "补助的比例、上限与等级要求",
        "awards": "奖励上限",
        "contradictions": "方案不一致之处现行的读法",
        "contradictions.readings": "方案不一致之处的一种读法",
        "reports": "报告的标题与提纲",
        "headings": "报告提纲中的标题",
    }
)
#: The keys under which a table says in Chinese which one it is.
_CALLED: Final = ("name", "title", "topic", "text")
_NUMBER: Final = re.compile(r"\[\d+\]")


@dataclass(frozen=True, kw_only=True)
class Unverified:
    """A table that says `verified = false`."""

    #: What it is, for people; of files that no report rests on, the place.
    subject: str
    #: File and table, for who looks it up or corrects it.
    place: str
    source: str


def unverified_tables(files: Iterable[Path]) -> Iterator[Unverified]:
    """Yield every table of `files` that says `verified = false`."""
    for file in files:
        yield from _within(read_toml(file), file.name)


def _within(tables: Any, file: str, where: str = "", called: str = "") -> Iterator[Unverified]:
    """Yield those within `tables`, which stand at `where`.

    `called` is what the table around them is called: some have no name of their own.
    """
    if isinstance(tables, dict):
        called = next((str(tables[key]) for key in _CALLED if key in tables), called)
        if tables.get("verified") is False:
            named = [tables[key] for key in NAMING_KEYS if key in tables]
            place = f"{file} {where}{f'（{named[0]}）' if named else ''}".rstrip()
            holds = _HOLDS.get(_NUMBER.sub("", where), place)
            yield Unverified(
                subject=f"{holds}：{called}" if called else holds,
                place=place,
                source=str(tables.get("source", "")),
            )
        for key, inner in tables.items():
            yield from _within(inner, file, f"{where}.{key}".removeprefix("."), called)
    elif isinstance(tables, list):
        for number, inner in enumerate(tables):
            yield from _within(inner, file, f"{where}[{number}]", called)
