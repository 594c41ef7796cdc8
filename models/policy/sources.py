"""Reading policy files; every mistake in one is refused by file and key."""

import hashlib
import re
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from models.policy.lines import line_of
from models.rules.errors import PilotError
from models.rules.validation_words import common_words

T = TypeVar("T")

_TOML_LINE = re.compile(r"at line (\d+)")

#: What pydantic calls the commonest mistakes, in the words of the person who edits the file.
_PROBLEMS = {"missing": "缺少此项", "extra_forbidden": "没有这一项（拼写有误？）"}


class PolicyError(PilotError):
    """A policy file is missing, or a figure in it is missing or wrong."""

    def __init__(self, file: str, key: str, problem: str, line: int | None = None) -> None:
        """Name the file, the key within it (empty for the whole file), the problem, its line."""
        self.file = file
        self.key = key
        self.problem = problem
        self.line = line
        where = f"{file} 的 {key}" if key else file
        at = f"（第 {line} 行）" if line else ""
        super().__init__(f"政策文件 {where}：{problem}{at}")


def _why(mistake: Any) -> str:
    """Return what is wrong; what our own checks say, without pydantic's English before it."""
    if mistake["type"] == "value_error":
        return str(mistake["ctx"]["error"])
    return common_words(mistake) or str(mistake["msg"])


def _dotted(location: Iterable[int | str]) -> str:
    """Return `batches[0].target` for ("batches", 0, "target")."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def read_toml(file: Path) -> dict[str, Any]:
    """Return the tables of `file`, numbers with a point as `Decimal`: 0.4 is exactly 0.4."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        raise PolicyError(file.name, "", "文件不存在") from None
    except UnicodeDecodeError as error:
        raise PolicyError(file.name, "", f"不是有效的 TOML（{error}）") from error
    except tomllib.TOMLDecodeError as error:
        named = _TOML_LINE.search(str(error))
        line = int(named[1]) if named else None
        raise PolicyError(file.name, "", f"不是有效的 TOML（{error}）", line) from error


def read_figures(file: Path, shape: type[T]) -> T:
    """Return the contents of `file` as `shape`; `PolicyError` names the first mistake."""
    try:
        return TypeAdapter(shape).validate_python(read_toml(file))
    except ValidationError as error:
        mistake = error.errors(include_url=False)[0]
        problem = _PROBLEMS.get(mistake["type"]) or f"不合要求（{_why(mistake)}）"
        key = _dotted(mistake["loc"])
        line = line_of(file.read_text(encoding="utf-8"), key)
        raise PolicyError(file.name, key, problem, line) from error


def require_distinct(file: str, table: str, keys: Iterable[object]) -> None:
    """Raise `PolicyError` if two tables of a list have one key."""
    seen: set[object] = set()
    for key in keys:
        if key in seen:
            raise PolicyError(file, table, f"有重复的 {key}")
        seen.add(key)


def content_hash(files: Iterable[Path]) -> str:
    """Return the SHA-256 over names and texts of `files`, however their lines end."""
    digest = hashlib.sha256()
    for file in files:
        text = file.read_text(encoding="utf-8")  # universal newlines: a checkout may change them
        digest.update(f"{file.name}\0{len(text)}\0{text}".encode())
    return digest.hexdigest()
