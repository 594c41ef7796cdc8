"""Why a backup or a restore did not happen, in the words of the person who asked."""

from collections.abc import Sequence
from pathlib import Path

from models.rules.errors import PilotError

_LISTED = 10


class BackupFailedError(PilotError):
    """The machine did not let us: no space, no right, no program."""

    def __init__(self, what: str, why: str) -> None:
        """Say what was being done and why it failed."""
        super().__init__(f"{what}失败，未改变任何内容：{why}")


class FaultsError(PilotError):
    """What is to be backed up, or what a backup holds, is not whole."""

    def __init__(self, faults: Sequence[str], do: str) -> None:
        """List the faults, the first ones by name, and what to do."""
        self.faults = tuple(faults)
        listed = "；".join(self.faults[:_LISTED])
        more = f"；另有 {len(faults) - _LISTED} 处" if len(faults) > _LISTED else ""
        super().__init__(f"发现 {len(faults)} 处问题：{listed}{more}。{do}")


class ArchiveRefusedError(PilotError):
    """The file given is no backup that can be restored here."""

    def __init__(self, file: Path, why: str) -> None:
        """Name the file and say why."""
        super().__init__(f"备份文件 {file} 不能使用，未改变任何内容：{why}")


class TargetTakenError(PilotError):
    """There is something in the place to restore to, or to write to."""

    def __init__(self, why: str) -> None:
        """Say what is there and what to do."""
        super().__init__(f"{why}；未改变任何内容")


class DatabaseDamagedError(PilotError):
    """The database's file cannot be read as a database."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "数据库文件已损坏，无法读取；请用最近的备份恢复：pilot db restore 备份文件 --force"
            "（损坏的文件会另行保留）"
        )


class NotOursError(PilotError):
    """The database holds something that is not this system's."""

    def __init__(self) -> None:
        """Say that it is left alone, whatever is asked."""
        super().__init__(
            "数据库中有不属于本系统的内容，既不备份也不覆盖；请核对 PILOT_DATABASE_URL"
        )


class DatabaseInUseError(PilotError):
    """Others are connected to the database that is to be replaced."""

    try_again = True

    def __init__(self) -> None:
        """Ask to stop them."""
        super().__init__(
            "数据库正被其他程序使用，未改变任何内容；请停止所有 pilot 进程和其他连接后重试"
        )


class BusyError(PilotError):
    """Another backup or restore is going on, or a worker is running."""

    try_again = True

    def __init__(self, what: str) -> None:
        """Say what is going on."""
        super().__init__(f"{what}，未改变任何内容，请待其结束后重试")
