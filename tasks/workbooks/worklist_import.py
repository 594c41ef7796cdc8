"""A worklist that was filled in: each row is an answer of its own, accepted or refused."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from models.operations.answering import Caller, Receipt
from models.operations.prefilling import prefill
from models.operations.worklist_exports import find_export, items_of
from models.rules.choice import Choice
from models.rules.errors import PilotError
from models.rules.stages import Channel
from models.tables.case import Case, WorkItem
from models.tables.party import Party
from tasks.answering import Moment, answer_item
from tasks.database import reading
from tasks.workbooks.cell_text import from_cell, to_cell
from tasks.workbooks.form_columns import cells_of, values_of
from tasks.workbooks.reading import open_workbook
from tasks.workbooks.worklist_filled import (
    OUTCOME,
    FilledRow,
    FilledStep,
    export_key,
    filled_steps,
)
from tasks.workbooks.worklist_sheets import CASE, ENTERPRISE
from tasks.workbooks.writing import Cell


class RowStatus(Choice):
    """What has become of a row."""

    ACCEPTED = "accepted", "已受理"
    REFUSED = "refused", "未受理"
    SKIPPED = "skipped", "未填写"


@dataclass(frozen=True, kw_only=True)
class RowResult:
    """What has become of one row, and why."""

    sheet: str
    row: int
    item_id: int | None
    status: RowStatus
    receipt: Receipt | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What a file has led to: its rows as they were, and a result for each."""

    key: str
    asked: str
    steps: Sequence[FilledStep]
    results: Mapping[tuple[str, int], RowResult]

    def count(self, status: RowStatus) -> int:
        """Return how many rows ended like that."""
        return sum(result.status is status for result in self.results.values())


def import_worklist(path: Path, *, handler: str | None, identity: str, moment: Moment) -> Imported:
    """Answer every filled row of the file, each in a transaction of its own.

    The same file again gives the same receipts: a row's key is the export it came from, its item
    and what it says. Raises `PilotError`, having answered nothing, where the file as a whole
    cannot be taken.
    """
    with open_workbook(path) as book:
        key = export_key(book)
        with reading() as session:
            export = find_export(session, key, path.name)
        steps = filled_steps(book)
    caller = Caller(
        channel=Channel.EXCEL, identity=f"待办清单 {export.key[:8]}（{export.asked}），{identity}"
    )
    exported = items_of(export)
    results = {
        (step.layout.title, row.number): _result(row, export.key, exported, caller, handler, moment)
        for step in steps
        for row in step.rows
    }
    for step in steps:
        results |= {(result.sheet, result.row): result for result in _orphans(step)}
    return Imported(key=key, asked=export.asked, steps=steps, results=results)


def _orphans(step: FilledStep) -> list[RowResult]:
    """Return the rows of lists of which nobody knows whose they are."""
    return [
        RowResult(
            sheet=title,
            row=row.number,
            item_id=row.item_id,
            status=RowStatus.REFUSED,
            receipt=None,
            reason=row.orphaned,
        )
        for title, rows in step.lists.items()
        for row in rows
        if row.orphaned
    ]


def _result(
    row: FilledRow,
    key: str,
    exported: frozenset[int],
    caller: Caller,
    handler: str | None,
    moment: Moment,
) -> RowResult:
    receipt = None
    reason = row.problem or (row.list_problem if row.has_outcome else "")
    if not reason and row.has_outcome:
        try:
            with reading() as session:
                _require_untouched(session, row, exported)
            given = {**row.given, "handler": handler} if handler else row.given
            receipt = answer_item(
                row.item_id or 0, given, caller, key=_row_key(key, row), moment=moment
            )
        except PilotError as error:
            reason = str(error)
        except DBAPIError:
            reason = "数据库暂时无法访问；稍后再次导入本文件即可，已受理的行不会重复办理"
    elif not reason and _is_changed(row):
        reason = f"填写了内容但没有选择“{OUTCOME}”；如要办理请选择，如不办理无需处理"
    status = RowStatus.ACCEPTED if receipt else RowStatus.REFUSED if reason else RowStatus.SKIPPED
    return RowResult(
        sheet=row.layout.title,
        row=row.number,
        item_id=row.item_id,
        status=status,
        receipt=receipt,
        reason=reason,
    )


class TouchedFactError(PilotError):
    """A locked cell does not say what the system says: it was changed, here or there."""

    def __init__(self, item_id: int, why: str) -> None:
        """Say which one."""
        super().__init__(f"事项 {item_id} {why}；锁定内容与系统不一致，请重新导出后填写")


def _require_untouched(session: Session, row: FilledRow, exported: frozenset[int]) -> None:
    """Raise unless the row is the one that was exported: for that item, case and enterprise.

    The file was given to somebody for certain items; it answers no others, whatever it says.
    """
    item_id = row.item_id or 0
    if item_id not in exported:
        raise TouchedFactError(item_id, "不在本清单之内")
    item = session.get_one(WorkItem, item_id)
    enterprise = session.get_one(Party, session.get_one(Case, item.case_no).enterprise_id)
    if (item.stage, item.step) != (row.layout.stage, row.layout.step.key):
        raise TouchedFactError(item_id, f"不属于“{row.layout.title}”")
    for title, known in ((CASE, item.case_no), (ENTERPRISE, enterprise.name)):
        written = row.cells.get(title)
        if written != known:
            raise TouchedFactError(item_id, f"的{title}是“{known}”，表中是“{written or ''}”")


def _row_key(key: str, row: FilledRow) -> str:
    digest = sha256(_words(row.given).encode(errors="replace")).hexdigest()[:32]
    return f"{Channel.EXCEL.value}:{key}:{row.item_id}:{digest}"


def _words(given: Mapping[str, object]) -> str:
    return json.dumps(given, ensure_ascii=False, sort_keys=True, default=str)


def _is_changed(row: FilledRow) -> bool:
    """Return whether somebody wrote into the row, beside what was filled in beforehand.

    A row whose item is over is nobody's business any more.
    """
    with reading() as session:
        item = session.get(WorkItem, row.item_id or 0)
        if item is None or item.closed_at is not None:
            return False
        known = prefill(session, item.id or 0)
    layout = row.layout
    before = values_of(layout.columns, _as_read(cells_of(layout.columns, known)))
    for form_list in layout.lists.values():
        lines = known.get(form_list.name)
        if isinstance(lines, list) and lines:
            before[form_list.name] = [
                values_of(form_list.columns, _as_read(cells_of(form_list.columns, line)))
                for line in lines
            ]
    return _words(before) != _words(row.given)


def _as_read(cells: Mapping[str, Cell]) -> dict[str, Cell]:
    """Return cells as they come back from a file: line ends and space around text may differ."""
    return {
        title: from_cell(to_cell(cell)) if isinstance(cell, str) else cell
        for title, cell in cells.items()
    }
