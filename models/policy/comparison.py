"""Two policies side by side: which figures differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.policy.lines import NAMING_KEYS
from models.policy.sources import read_toml


@dataclass(frozen=True, kw_only=True)
class FigureChange:
    """One figure that differs; None on a side where there is none. Values as they are written."""

    file: str
    path: str
    old: str | None
    new: str | None
    #: Of the table it stands in, as the new policy has it, or as the old one had it.
    source: str
    verified: bool | None


@dataclass(frozen=True)
class _Leaf:
    value: str
    source: str
    verified: bool | None


def changed_figures(old: Path, new: Path) -> list[FigureChange]:
    """Return what differs between the policy files of two folders, by file and path."""
    names = sorted({file.name for folder in (old, new) for file in folder.glob("*.toml")})
    changes = []
    for name in names:
        before, after = _leaves_of(old / name), _leaves_of(new / name)
        for path in sorted(before.keys() | after.keys()):
            was, becomes = before.get(path), after.get(path)
            if was and becomes and was.value == becomes.value:
                continue
            about = becomes or was
            assert about is not None  # noqa: S101 -- the path is of one of the two
            changes.append(
                FigureChange(
                    file=name,
                    path=path,
                    old=was.value if was else None,
                    new=becomes.value if becomes else None,
                    source=about.source,
                    verified=about.verified,
                )
            )
    return changes


def _leaves_of(file: Path) -> dict[str, _Leaf]:
    return dict(_leaves(read_toml(file), "", "", None)) if file.is_file() else {}


def _leaves(
    table: Mapping[str, Any], where: str, source: str, verified: bool | None
) -> Iterator[tuple[str, _Leaf]]:
    """Yield every figure of `table`; one of a list is named by its key, not by its place."""
    source = str(table.get("source", source))
    verified = table.get("verified", verified)
    for key, value in table.items():
        path = f"{where}.{key}".removeprefix(".")
        if isinstance(value, Mapping):
            yield from _leaves(value, path, source, verified)
        elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            for place, each in enumerate(value):
                yield from _leaves(each, f"{path}（{_named(each, place)}）", source, verified)
        else:
            yield path, _Leaf(_written(value), source, verified)


def _named(table: Mapping[str, Any], place: int) -> str:
    return next((str(table[key]) for key in NAMING_KEYS if key in table), str(place + 1))


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(map(str, value))
    return str(value)
