"""Open items as an Excel to be filled in."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlmodel import Session

from models.operations.form_choices import choices_for
from models.operations.prefilling import prefill
from models.operations.worklist_exports import keep_export
from models.operations.worklists import OpenItem, open_items
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.rules.stages import Role, Stage
from models.tables.party import Party
from tasks.answering import Moment
from tasks.clock import trial_note
from tasks.database import reading, transaction
from tasks.workbooks.form_columns import cells_of
from tasks.workbooks.saving import require_free
from tasks.workbooks.worklist_sheets import (
    CASE,
    ENTERPRISE,
    EXPLANATION,
    ITEM,
    PARTY,
    ItemRow,
    ListRow,
    StepLayout,
    explanation,
    layouts,
    write_list,
    write_step,
    write_way_back,
)
from tasks.workbooks.writing import Cell, OutgoingWorkbook


class NothingOpenError(PilotError):
    """There is nothing to fill in."""

    def __init__(self, asked: str) -> None:
        """Name whose items were looked for."""
        super().__init__(f"{asked}目前没有待办事项，未生成文件")


class Choices:
    """What is offered to each party in each step, looked up once."""

    def __init__(self, session: Session, programme: Programme) -> None:
        """Take where to look it up."""
        self._session = session
        self._programme = programme
        self._found: dict[tuple[str, int], Mapping[str, Sequence[str]]] = {}

    def for_row(self, layout: StepLayout, party_id: int) -> dict[str, Sequence[str]]:
        """Return what the columns of a step offer to the party, by title."""
        key = (layout.title, party_id)
        if key not in self._found:
            party = self._session.get_one(Party, party_id)
            self._found[key] = choices_for(self._session, layout.step, party, self._programme)
        offered = self._found[key]
        return {
            each.column.title: offered[each.path[0]]
            for each in layout.columns
            if len(each.path) == 1 and offered.get(each.path[0])
        }


def export_worklist(
    path: Path,
    *,
    party: str | None,
    role: Role | None,
    overdue_only: bool = False,
    exported_by: str,
    moment: Moment,
    force: bool = False,
) -> dict[str, int]:
    """Write the open items to `path` and return how many stand on which sheet.

    The export is noted before the file appears: a file that nobody has noted cannot be answered,
    a note without its file harms nobody.
    """
    require_free(path, force=force)
    today = day_of(moment.at)
    with reading() as session:
        items = open_items(session, today=today, party=party, role=role, overdue_only=overdue_only)
        asked = party or (role.label if role else "全部单位")
        if not items:
            raise NothingOpenError(asked)
        book = OutgoingWorkbook()
        by_step = _by_layout(items)
        counts = {layout.title: len(each) for layout, each in by_step}
        note = trial_note(moment.row)
        book.explain(EXPLANATION, explanation(asked, today, counts, note or ""))
        choices = Choices(session, moment.programme)
        for layout, waiting in by_step:
            _write_items(session, book, layout, waiting, choices)
    with transaction() as session:
        export = keep_export(
            session,
            [item.item_id for item in items],
            asked=asked,
            exported_by=exported_by,
            at=moment.at,
        )
    write_way_back(book, export.key, asked, today)
    book.save(path, force=force)
    return counts


def _by_layout(items: Sequence[OpenItem]) -> list[tuple[StepLayout, list[OpenItem]]]:
    """Return the items of each step, in the order of the steps."""
    of_step: dict[tuple[Stage, str], list[OpenItem]] = {}
    for item in items:
        of_step.setdefault((item.stage, item.step), []).append(item)
    found = [(layout, of_step.get((layout.stage, layout.step.key))) for layout in layouts()]
    return [(layout, waiting) for layout, waiting in found if waiting]


def _write_items(
    session: Session,
    book: OutgoingWorkbook,
    layout: StepLayout,
    items: Sequence[OpenItem],
    choices: Choices,
) -> None:
    rows = []
    list_rows: dict[str, list[ListRow]] = {title: [] for title in layout.lists}
    for item in items:
        known = prefill(session, item.item_id)
        rows.append(
            ItemRow(
                facts=facts_of(item),
                cells=cells_of(layout.columns, known),
                choices=choices.for_row(layout, item.party_id),
            )
        )
        for title, form_list in layout.lists.items():
            lines = known.get(form_list.name)
            list_rows[title] += [
                ListRow(
                    item_id=item.item_id,
                    enterprise=item.enterprise,
                    cells=cells_of(form_list.columns, line),
                )
                for line in (lines if isinstance(lines, list) else ())
            ]
    write_step(book, layout, rows)
    for title in layout.lists:
        write_list(
            book,
            layout,
            title,
            list_rows[title],
            {item.item_id: item.enterprise for item in items},
        )


def facts_of(item: OpenItem) -> dict[str, Cell]:
    """Return what is known of an item, by title."""
    return {
        ITEM: item.item_id,
        CASE: item.case_no,
        ENTERPRISE: item.enterprise,
        PARTY: item.party,
        "截止日期": "暂停计时" if item.stop else item.due_on,
        "剩余工作日": item.days_left,
        "退回原因": item.reason,
    }
