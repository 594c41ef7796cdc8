"""Where in a TOML file a figure stands: people correct a line, not a path."""

import re
import tomllib
from typing import Any

#: What names a table within a list, in the order tried.
NAMING_KEYS = ("key", "id", "level", "number", "topic", "name")

_HEADER = re.compile(r"^\s*(\[\[|\[)\s*([\w\-.]+)\s*\]")
_KEY = re.compile(r"^\s*([\w-]+)\s*=")
#: `batches`, `batches[0]`, `batches（1）`.
_PART = re.compile(r"([\w-]+)(?:\[(\d+)\]|（([^）]*)）)?")

Path = tuple[str | int, ...]


def line_of(text: str, key: str) -> int | None:
    """Return the line on which `key` (`batches[0].target`, `batches（1）.target`) stands in `text`.

    Of a key that is not there, the line of the table it should stand in; None where there is none.
    """
    lines = _lines(text)
    path = _path(key, text)
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _lines(text: str) -> dict[Path, int]:
    """Return the line of every table and every key."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            *parents, last = header[2].split(".")
            table = ()
            for part in parents:
                table = (*table, part)
                if table in counts:  # a table within the last one of a list
                    table = (*table, counts[table] - 1)
            table = (*table, last)
            found.setdefault(table, number)
            if header[1] == "[[":
                counts[table] = counts.get(table, 0) + 1
                table = (*table, counts[table] - 1)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, key[1]), number)
    return found


def _path(key: str, text: str) -> Path:
    """Return the keys and places that `key` names; a name in brackets is looked up."""
    here: Any
    try:
        here = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        here = None
    path: list[str | int] = []
    for name, place, called in _PART.findall(key):
        path.append(name)
        here = here.get(name) if isinstance(here, dict) else None
        if place or called:
            number = int(place) if place else _place(here, called)
            if number is None:
                break
            path.append(number)
            is_there = isinstance(here, list) and number < len(here)
            here = here[number] if is_there else None
    return tuple(path)


def _place(tables: Any, called: str) -> int | None:
    if not isinstance(tables, list):
        return None
    for place, table in enumerate(tables):
        if isinstance(table, dict) and called in {
            str(table[key]) for key in NAMING_KEYS if key in table
        }:
            return place
    return None
