"""The words of an office: templates in `PILOT_TEMPLATE_DIR` that go before the built-in ones."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from models.rules.errors import PilotError
from models.rules.system_errors import system_reason
from notifications.contexts import CONTEXTS

BUILT_IN: Final = Path(__file__).parent / "templates"
PARTS: Final = ("subject.txt", "body.txt", "body.html")
_LAYOUT: Final = "_layout"


@dataclass(frozen=True, kw_only=True)
class TemplateFault:
    """What is wrong with one file, and in which line if that is known."""

    file: Path
    line: int | None = None
    problem: str

    def __str__(self) -> str:
        """The fault as a person reads it."""
        where = f"{self.file} 第 {self.line} 行" if self.line else str(self.file)
        return f"{where}：{self.problem}"


class TemplatesRefusedError(PilotError):
    """Templates of the office cannot be used; `faults` has all that were found."""

    def __init__(self, *faults: TemplateFault) -> None:
        """List them."""
        self.faults = faults
        listed = "；\n".join(str(fault) for fault in faults)
        super().__init__(
            f"邮件模板不可用，请改正，或移走该文件以使用自带的模板（PILOT_TEMPLATE_DIR）：\n{listed}"
        )


def own_folder() -> Path | None:
    """Return where the office keeps templates of its own; None where it has none."""
    given = os.environ.get("PILOT_TEMPLATE_DIR")
    return Path(given).absolute() if given else None


@cache
def own_templates(folder: Path) -> Mapping[str, str]:
    """Return the templates in `folder`, `item_opened/body.txt` -> its text.

    Read once in a process: what was checked at its start is what it sends, whatever happens to
    the files meanwhile. Raises `TemplatesRefusedError` for a folder that is not there, for a file
    that no mail would use and for one that is not UTF-8.
    """
    if not folder.is_dir():
        raise TemplatesRefusedError(TemplateFault(file=folder, problem="文件夹不存在"))
    sources: dict[str, str] = {}
    faults = []
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if any(part.startswith(".") for part in name.parts):  # an editor's or a system's own
            continue
        problem, line = _misplaced(name, is_folder=file.is_dir()), None
        if problem is None and not file.is_dir():
            try:
                content = file.read_bytes()
                sources[name.as_posix()] = content.decode("utf-8-sig")  # Windows writes a BOM
            except UnicodeDecodeError as error:
                line = content[: error.start].count(b"\n") + 1
                problem = "不是 UTF-8 编码（可能是 GBK），请另存为 UTF-8"
            except OSError as error:
                problem = f"无法读取（{system_reason(error)}）"
        if problem is not None:
            faults.append(TemplateFault(file=file, line=line, problem=problem))
    if faults:
        raise TemplatesRefusedError(*faults)
    return sources


def _misplaced(name: Path, *, is_folder: bool) -> str | None:
    """Return what is wrong with the name of a file or a folder; None where nothing is."""
    mail = name.parts[0]
    known = CONTEXTS.keys() | {_LAYOUT}
    if mail not in known or (len(name.parts) == 1 and not is_folder):
        return f"没有“{mail}”这种邮件；可用的文件夹：{'、'.join([*sorted(CONTEXTS), _LAYOUT])}"
    parts = PARTS if mail != _LAYOUT else _layout_parts()
    if len(name.parts) > 1 and (len(name.parts) > 2 or is_folder or name.name not in parts):
        return f"“{mail}”中不用这个文件；可用的文件：{'、'.join(parts)}"
    return None


def _layout_parts() -> tuple[str, ...]:
    return tuple(sorted(file.name for file in (BUILT_IN / _LAYOUT).iterdir()))
