"""The list of what is overdue, by batch and stage."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from models.operations.worklists import OpenItem
from models.rules.stages import STAGE_ORDER
from tasks.pages.work import items_table


def overdue_page(
    items: Sequence[OpenItem],
    notes: Sequence[str],
    run_ids: Mapping[str, str],
    batch_names: Mapping[int, str],
) -> str:
    """Return the overdue among `items`, the longest overdue of each batch and stage first."""

    def place(item: OpenItem) -> tuple[int, int]:
        return item.batch, STAGE_ORDER.index(item.stage)

    late = sorted((item for item in items if item.is_overdue), key=place)
    parts = ["# 逾期事项", *(f"**{note}**" for note in notes)]
    if not late:
        parts.append("目前没有逾期事项。")
    else:
        parts.append(
            f"共 {len(late)} 项，“剩余”为工作日。点案卷号打开办理页面；"
            "在运行列表中按标签“逾期”可查到同样的案卷。"
        )
    for (batch, stage), group in groupby(late, key=place):
        theirs = list(group)
        name = batch_names.get(batch, f"第 {batch} 批")
        parts.append(f"## {name} · {STAGE_ORDER[stage].label}（{len(theirs)} 项）")
        parts.append(items_table(theirs, run_ids, with_party=True))
    return "\n\n".join(parts)
