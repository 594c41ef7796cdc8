"""Where lines of Chinese may be broken on a terminal: Rich breaks at spaces, Chinese has none."""

import re
from typing import Any

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.containers import Lines
from rich.table import Table
from rich.text import Text

#: What stays on one line: a Chinese letter or a foreign word, with the brackets that open before it
#: and the signs that close after it. A day or a year keeps its unit.
_UNBROKEN = re.compile(
    r"[（《“‘【〔]*(?:[!-~]+[年月日天]?|\S)(?:[，。、；：？！）》”’】〕…]| ·)*\s*"
)


class ChineseTable(Table):
    """A table whose texts are broken as Chinese is."""

    def add_row(self, *cells: Any, **settings: Any) -> None:
        """Add a row of texts."""
        super().add_row(*map(_chinese, cells), **settings)


class ChineseText(Text):
    """A text that is broken between Chinese letters, and not before a sign that closes."""

    def wrap(self, console: Console, width: int, **how: Any) -> Lines:
        """Return the text in lines of so many cells."""
        if how.get("no_wrap"):
            return super().wrap(console, width, **how)
        parts = [
            part
            for line in self.split(allow_blank=True)
            for part in line.divide(breaks(line.plain, width))
        ]
        for part in parts:
            part.rstrip()
        return Text("\n").join(parts).wrap(console, width, **how)


def breaks(text: str, width: int) -> list[int]:
    """Return where `text` is to be divided so that its lines are at most `width` cells wide."""
    places: list[int] = []
    used = 0
    for found in _UNBROKEN.finditer(text):
        start, whole = found.start(), found.group()
        needed = cell_len(whole.rstrip())
        if used and used + needed > width:
            places.append(start)
            used = 0
        if needed > width:  # longer than a whole line: broken anywhere
            pieces = chop_cells(whole, width)
            for piece in pieces[:-1]:
                start += len(piece)
                places.append(start)
            used = cell_len(pieces[-1])
        else:
            used += cell_len(whole)
    return places


def _chinese(cell: Any) -> Any:
    """Return a text as one that is broken as Chinese is; anything else as it is."""
    if isinstance(cell, str):
        return ChineseText(cell)
    if isinstance(cell, Text):
        return ChineseText(
            cell.plain,
            style=cell.style,
            justify=cell.justify,
            overflow=cell.overflow,
            no_wrap=cell.no_wrap,
            spans=list(cell.spans),
        )
    return cell
