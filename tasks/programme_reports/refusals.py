"""Why a report cannot be written, and what to do about it."""

from collections.abc import Iterable
from pathlib import Path

from models.rules.errors import PilotError


class UnknownFormatError(PilotError):
    """The file's name says no format that reports are written in."""

    def __init__(self, path: Path, known: Iterable[str]) -> None:
        """Name the file and the formats there are."""
        super().__init__(f"报告文件 {path.name} 的扩展名应为 {'、'.join(known)} 之一")


class FontError(PilotError):
    """The font named for PDF cannot be used."""

    def __init__(self, path: Path, why: str) -> None:
        """Name it, and what would do."""
        super().__init__(
            f"环境变量 PILOT_REPORT_FONT 所指的字体 {path} 不能用于 PDF：{why}；"
            "请换成含中文的字体（.ttf、.otf、.ttc），或不设置，则用本机找到的中文字体"
        )
