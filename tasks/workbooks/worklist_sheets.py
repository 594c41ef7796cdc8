"""How a worklist looks: a sheet per step, a sheet per list of a form, what belongs to the way back.

Written the same way when it goes out and, with a result in every row, when it has been answered:
what was refused is mended in the file with the results and handed in again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from models.lifecycle import STEPS, Step
from models.rules.stages import Stage
from tasks.workbooks.form_columns import FormColumn, FormList, form_columns, form_lists
from tasks.workbooks.writing import Cell, Column, Kind, OutgoingWorkbook

EXPLANATION, WAY_BACK, EXPORT_KEY = "说明", "导出信息", "清单编号"
ITEM, CASE, ENTERPRISE, PARTY = "事项编号", "案卷号", "企业名称", "办理单位"
STATUS, RECEIPT, REASON = "受理情况", "回执号", "办理结果说明"

_RESULTS = (
    Column(title=STATUS, width=10),
    Column(title=RECEIPT, width=16),
    Column(title=REASON, width=44),
)
_FACTS = (
    Column(title=ITEM, width=10, kind=Kind.WHOLE),
    Column(title=CASE, width=13),
    Column(title=ENTERPRISE, width=24),
    Column(title=PARTY, width=20),
    Column(title="截止日期", width=12, kind=Kind.DAY),
    Column(title="剩余工作日", width=12, kind=Kind.WHOLE, note="负数为已逾期的工作日"),
    Column(title="退回原因", width=20),
)
#: Title -> kind of what is known of an item.
FACT_KINDS: Mapping[str, Kind] = {column.title: column.kind for column in _FACTS}
#: Rows to be filled in below what is known of a list: of one item, and for whatever else there is.
_ROWS_OF_AN_ITEM = 10
_SPARE_ROWS = 50


@dataclass(frozen=True, kw_only=True)
class ListRow:
    """One row of a list in a form, and the item whose it is."""

    item_id: Cell
    enterprise: Cell
    cells: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """One item: what is known of it, by title, and what its cells hold."""

    facts: Mapping[str, Cell]
    cells: Mapping[str, Cell]
    #: Title -> what is offered to this party.
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: By title, once it has been answered.
    result: Mapping[str, Cell] | None = None


@dataclass(frozen=True, kw_only=True)
class StepLayout:
    """The sheets of one step."""

    stage: Stage
    step: Step
    title: str
    columns: tuple[FormColumn, ...]
    #: The title of its sheet -> the list.
    lists: Mapping[str, FormList]


@cache
def layouts() -> tuple[StepLayout, ...]:
    """Return the sheets of every step, in the order in which a case passes them."""
    made = []
    for stage, steps in STEPS.items():
        for step in steps:
            title = f"{stage.label}·{step.label}"
            lists = {f"{title}·{each.title}": each for each in form_lists(step.form)}
            made.append(
                StepLayout(
                    stage=stage,
                    step=step,
                    title=title,
                    columns=form_columns(step.form),
                    lists=lists,
                )
            )
    return tuple(made)


def write_step(book: OutgoingWorkbook, layout: StepLayout, rows: Sequence[ItemRow]) -> None:
    """Write the sheet of a step; with columns for the results where there are any."""
    has_results = any(row.result is not None for row in rows)
    facts = (*(_RESULTS if has_results else ()), *_FACTS)
    asked = tuple(each.column for each in layout.columns)
    intro = [
        f"{layout.stage.label} · {layout.step.label}",
        f"{layout.step.asks}。请在橙色表头的列中填写；选了“办理结果”的行才会办理，其余行不动。"
        "带 * 的列必填；鼠标停在表头上可看填写说明。",
    ]
    if layout.lists:
        intro.append(f"明细请填在工作表“{'”“'.join(layout.lists)}”中，每行注明事项编号。")
    sheet = book.sheet(layout.title, (*facts, *asked), intro)
    for row in rows:
        known = {**row.facts, **(row.result or {})}
        marks = {}
        if row.result and row.result.get(RECEIPT) is None and row.result.get(REASON):
            marks[STATUS] = str(row.result[REASON])
        sheet.append(
            [*(known.get(column.title) for column in facts)]
            + [row.cells.get(column.title) for column in asked],
            row.choices,
            marks,
        )


def write_list(
    book: OutgoingWorkbook,
    layout: StepLayout,
    title: str,
    rows: Iterable[ListRow],
    items: Mapping[int, str],
) -> None:
    """Write the sheet of a list: what is known, then empty rows for each of `items` and others."""
    form_list = layout.lists[title]
    asked = tuple(each.column for each in form_list.columns)
    columns = (
        Column(
            title=ITEM,
            width=10,
            kind=Kind.WHOLE,
            is_open=True,
            is_needed=True,
            choices=[str(item_id) for item_id in items],
        ),
        Column(title=ENTERPRISE, width=24),
        *asked,
    )
    sheet = book.sheet(
        title,
        columns,
        [
            f"{layout.step.label} · {form_list.title}",
            f"一行一条，事项编号与工作表“{layout.title}”一致；不用的行留空。",
        ],
    )
    held: dict[Cell, int] = {}
    for row in rows:
        sheet.append([row.item_id, row.enterprise, *(row.cells.get(c.title) for c in asked)])
        held[row.item_id] = held.get(row.item_id, 0) + 1
    nothing = [None] * len(asked)
    for item_id, enterprise in items.items():
        for _ in range(held.get(item_id, 0), _ROWS_OF_AN_ITEM):
            sheet.append([item_id, enterprise, *nothing])
    sheet.append_empty(_SPARE_ROWS)


def write_way_back(book: OutgoingWorkbook, key: str, asked: str, exported_on: Cell) -> None:
    """Write the hidden sheet by which the file is known again."""
    columns = (
        Column(title=EXPORT_KEY, width=40),
        Column(title="导出对象", width=24),
        Column(title="导出日期", kind=Kind.DAY),
    )
    sheet = book.sheet(WAY_BACK, columns)
    sheet.append([key, asked, exported_on])
    sheet.hide()


def explanation(asked: str, exported_on: Cell, counts: Mapping[str, int], note: str) -> list[str]:
    """Return what a person who opens the file is told first."""
    lines = [
        f"待办清单 · {asked}",
        f"导出日期 {exported_on}，共 {sum(counts.values())} 项。{note}",
        "",
        "怎么填",
        "1. 每个办理步骤一张工作表，一行一个事项。灰色单元格是系统内容，已锁定，请勿改动。",
        "2. 浅黄色单元格供填写。有下拉列表的请从列表中选；带 * 的列必填；已预填的内容请核对。",
        "3. 选了“办理结果”的行才会办理；不办的行请不要选“办理结果”。",
        "4. “经办人”须为本单位登记的联系人；留空即为第一联系人。",
        "5. 日期填成 2024-03-25；金额以元为单位，最多两位小数；请直接填数，不要写公式。",
        "6. 表单中的明细（如支出明细）在单独的工作表中，一行一条，以事项编号对应。",
        "7. 附件不随表格上传；需要附件的事项，请填文件编号，或由管理人员另行上传。",
        "",
        "填好之后",
        "交回本文件，由管理人员导入（pilot worklist import 文件.xlsx）。每行单独受理，互不影响；",
        "导入后得到“….结果.xlsx”，每行写明已受理（回执号）或未受理的原因。",
        "未受理的行可直接在结果文件中改正后再次导入；已受理的行再次导入只会得到原回执，不会重复办理。",
        "",
        "本文件中的工作表",
    ]
    lines += [f"· {title}：{count} 项" for title, count in counts.items()]
    return lines
