"""Why a workbook cannot be taken, or cannot be written, and what to do about it."""

from collections.abc import Iterable
from pathlib import Path

from models.rules.errors import PilotError


class WorkbookRefusedError(PilotError):
    """A file that is not taken as a workbook."""

    def __init__(self, path: Path, why: str) -> None:
        """Name the file; `why` also says what to do."""
        self.why = why
        super().__init__(f"文件 {path.name} 不能使用：{why}")


class MissingSheetError(PilotError):
    """The workbook lacks a sheet."""

    def __init__(self, path: Path, title: str, present: Iterable[str]) -> None:
        """Name the sheet and those that are there."""
        there = "、".join(present) or "没有工作表"
        super().__init__(f"文件 {path.name} 中没有工作表“{title}”；现有：{there}")


class MissingColumnsError(PilotError):
    """No row of a sheet is the heading that was expected."""

    def __init__(self, path: Path, sheet: str, missing: Iterable[str]) -> None:
        """Name the titles that are not there."""
        super().__init__(
            f"文件 {path.name} 工作表“{sheet}”缺少列：{'、'.join(missing)}；请勿改动表头"
        )


class RepeatedColumnError(PilotError):
    """Two columns of a sheet have the same title."""

    def __init__(self, path: Path, sheet: str, title: str) -> None:
        """Name the title."""
        super().__init__(f"文件 {path.name} 工作表“{sheet}”有两列都叫“{title}”，请删去多余的一列")


class FileExistsAlreadyError(PilotError):
    """A file of that name is there already and may be somebody's work."""

    def __init__(self, path: Path) -> None:
        """Name it."""
        super().__init__(f"文件 {path} 已存在，未覆盖；请换一个文件名，确需覆盖请加 --force")


class CannotWriteError(PilotError):
    """The place does not take the file."""

    def __init__(self, path: Path, why: str) -> None:
        """Name the place and repeat the system's reason."""
        super().__init__(
            f"无法写入 {path}：{why}；请检查目录是否存在、能否写入，文件是否正在 Excel 中打开"
        )
