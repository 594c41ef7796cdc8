"""The file that says what has become of every row, and can be mended and handed in again."""

from collections.abc import Mapping
from pathlib import Path

from sqlmodel import Session

from models.rules.clock import day_of
from models.tables.case import WorkItem
from tasks.answering import Moment
from tasks.database import reading
from tasks.workbooks.form_columns import as_cell
from tasks.workbooks.worklist_export import Choices
from tasks.workbooks.worklist_filled import FilledRow, FilledStep
from tasks.workbooks.worklist_import import Imported, RowResult, RowStatus
from tasks.workbooks.worklist_sheets import (
    ENTERPRISE,
    EXPLANATION,
    FACT_KINDS,
    REASON,
    RECEIPT,
    STATUS,
    ItemRow,
    ListRow,
    explanation,
    write_list,
    write_step,
    write_way_back,
)
from tasks.workbooks.writing import Cell, OutgoingWorkbook

_ENDING = ".结果"


def results_path(path: Path) -> Path:
    """Return the name of the file with the results: the first that is free, so none is lost."""
    stem = path.stem.partition(_ENDING)[0]
    number = 1
    while True:
        ending = _ENDING if number == 1 else f"{_ENDING}{number}"
        made = path.with_name(f"{stem}{ending}.xlsx")
        if not made.exists():
            return made
        number += 1


def write_results(imported: Imported, path: Path, moment: Moment) -> None:
    """Write every row as it was filled in, with its result."""
    today = day_of(moment.at)
    book = OutgoingWorkbook()
    counts = {step.layout.title: len(step.rows) for step in imported.steps}
    accepted, refused = (imported.count(s) for s in (RowStatus.ACCEPTED, RowStatus.REFUSED))
    note = f"受理 {accepted} 行，未受理 {refused} 行。"
    book.explain(EXPLANATION, explanation(imported.asked, today, counts, note))
    with reading() as session:
        choices = Choices(session, moment.programme)
        for step in imported.steps:
            _write(session, book, step, imported.results, choices)
    write_way_back(book, imported.key, imported.asked, today)
    book.save(path)


def _write(
    session: Session,
    book: OutgoingWorkbook,
    step: FilledStep,
    results: Mapping[tuple[str, int], RowResult],
    choices: Choices,
) -> None:
    layout = step.layout
    rows, still_open = [], {}
    for row in step.rows:
        result = results[layout.title, row.number]
        item = session.get(WorkItem, row.item_id) if row.item_id else None
        offered = {}
        if (
            item is not None
            and item.closed_at is None
            and (item.stage, item.step) == (layout.stage, layout.step.key)
        ):
            offered = choices.for_row(layout, item.party_id)
            still_open[item.id or 0] = str(row.cells.get(ENTERPRISE) or "")
        rows.append(
            ItemRow(
                facts={t: as_cell(kind, row.cells.get(t)) for t, kind in FACT_KINDS.items()},
                cells=_cells(row),
                choices=offered,
                result={
                    STATUS: result.status.label,
                    RECEIPT: result.receipt.number if result.receipt else None,
                    REASON: _words(result),
                },
            )
        )
    write_step(book, layout, rows)
    for title, form_list in layout.lists.items():
        kinds = {each.column.title: each.column.kind for each in form_list.columns}
        lines = [
            ListRow(
                item_id=line.item_id,
                enterprise=line.cells.get(ENTERPRISE),
                cells={t: as_cell(kind, line.cells.get(t)) for t, kind in kinds.items()},
            )
            for line in step.lists[title]
        ]
        write_list(book, layout, title, lines, still_open)


def _cells(row: FilledRow) -> dict[str, Cell]:
    return {
        each.column.title: as_cell(each.column.kind, row.cells.get(each.column.title))
        for each in row.layout.columns
    }


def _words(result: RowResult) -> str:
    if result.receipt is None:
        return result.reason
    receipt = result.receipt
    said = f"{receipt.outcome_label}，经办人 {receipt.handler}"
    if receipt.next_step_label:
        return f"{said}；下一步：{receipt.next_step_label}（{receipt.next_party}）"
    return f"{said}；案卷{receipt.case_status.label}"
