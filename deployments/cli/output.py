"""What the commands print: tables for people, one JSON document for programs."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deployments.cli.line_breaks import ChineseTable
from models.rules.choice import Choice
from models.rules.clock import SHANGHAI

#: A pipe or a file has no width of its own; the tables are made for this one.
_WIDTH_OF_A_PIPE = 120


def console() -> Console:
    """Return the console on what is standard output now; data is never taken for markup."""
    plain = Console(highlight=False, markup=False, emoji=False)
    if not plain.is_terminal and "COLUMNS" not in os.environ:
        plain.width = _WIDTH_OF_A_PIPE
    return plain


def print_json(document: Mapping[str, Any]) -> None:
    """Print `document` on standard output, with nothing around it."""
    sys.stdout.write(json.dumps(as_json(document), ensure_ascii=False, indent=2) + "\n")


def as_json(value: Any) -> Any:
    """Return `value` in what JSON has.

    Money and days become strings, instants are in Shanghai's time, a choice `x` is followed by
    its words as `x_label`.
    """
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Choice):
        return value.value
    if isinstance(value, Mapping):
        whole: dict[str, Any] = {}
        for key, each in value.items():
            name = key.value if isinstance(key, Choice) else str(key)
            whole[name] = as_json(each)
            if isinstance(each, Choice):
                whole.setdefault(f"{name}_label", each.label)
        return whole
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return [as_json(each) for each in value]


def table(*columns: str | tuple[str, Mapping[str, Any]]) -> Table:
    """Return an empty table with those headings, each with settings of its own if any."""
    made = ChineseTable(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        heading, settings = (column, {}) if isinstance(column, str) else column
        made.add_column(heading, **{"overflow": "fold", **settings})
    return made


def pairs(rows: Iterable[tuple[str, str | Text]]) -> Table:
    """Return titles and texts in two columns without a frame."""
    made = ChineseTable.grid(padding=(0, 2))
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for title, text in rows:
        made.add_row(title, text)
    return made


def show(note: str | None, *parts: Any) -> None:
    """Print `parts` below the note that this is a trial, where it is one."""
    out = console()
    if note:
        out.print(Text(f"◆ {note}", style="yellow"))
    for part in parts:
        # The terminal wraps lines of prose itself: the path of a file in them can be copied whole.
        out.print(part, soft_wrap=isinstance(part, Text))


def instant(at: datetime | None) -> str:
    """Return `at` as the clocks in Shanghai show it, or nothing."""
    return "" if at is None else f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def left(days: int | None, *, is_overdue: bool) -> Text:
    """Return how many working days are left, in the colour of its urgency."""
    if days is None:
        return Text("逾期" if is_overdue else "—", style="bold red" if is_overdue else "")
    if is_overdue:
        return Text(f"逾期 {-days} 天" if days else "已到期", style="bold red")
    if days <= 1:
        return Text(f"{days} 天" if days else "今天", style="yellow")
    return Text(f"{days} 天")


def joined(words: Sequence[str]) -> str:
    """Return `words` as a Chinese enumeration, or a dash."""
    return "、".join(words) or "—"
