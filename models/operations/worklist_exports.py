"""Worklists given away: kept when they go out, known again when they come back."""

import json
from collections.abc import Iterable
from datetime import datetime
from secrets import token_hex

from sqlmodel import Session

from models.rules.errors import PilotError
from models.tables.worklist import WorklistExport


class UnknownWorklistError(PilotError):
    """A file that was not made by this system, or by another instance of it."""

    def __init__(self, name: str) -> None:
        """Name the file."""
        super().__init__(
            f"{name} 不是本系统导出的待办清单（没有对应的导出记录）；"
            "请用 pilot worklist export 重新导出后填写"
        )


def keep_export(
    session: Session, items: Iterable[int], *, asked: str, exported_by: str, at: datetime
) -> WorklistExport:
    """Note what is given to whom, under a key that nobody can guess."""
    export = WorklistExport(
        key=token_hex(16), at=at, asked=asked, exported_by=exported_by, items=json.dumps([*items])
    )
    session.add(export)
    session.flush()
    return export


def find_export(session: Session, key: str, file_name: str) -> WorklistExport:
    """Return the export with this key, or raise `UnknownWorklistError`."""
    export = session.get(WorklistExport, key)
    if export is None:
        raise UnknownWorklistError(file_name)
    return export


def items_of(export: WorklistExport) -> frozenset[int]:
    """Return the numbers of the items that were given away."""
    return frozenset(json.loads(export.items))
