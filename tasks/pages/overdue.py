"""The list of what is overdue, by batch and stage."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from urllib.parse import urlencode

from models.operations.worklists import OpenItem
from models.rules.stages import STAGE_ORDER
from tasks.pages.work import OVERDUE, items_table
from tasks.prefect_runs import OVERDUE_TAG


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
    parts = [f"# {OVERDUE}", *(f"**{note}**" for note in notes)]
    if not late:
        parts.append("目前没有逾期事项。")
    else:
        parts.append(
            f"共 {len(late)} 项，“剩余”为工作日。点案卷号打开办理页面，"
            "点“查看运行”列出这一批这一阶段的逾期案卷（标签“逾期”每日更新）。"
        )
    for (batch, stage), group in groupby(late, key=place):
        theirs = list(group)
        name = batch_names.get(batch, f"第 {batch} 批")
        parts.append(f"## {name} · {STAGE_ORDER[stage].label}（{len(theirs)} 项）")
        parts.append(f"[查看运行]({_runs(theirs[0])})")
        parts.append(items_table(theirs, run_ids, with_party=True))
    return "\n\n".join(parts)


def _runs(item: OpenItem) -> str:
    """Return the address of the list of the overdue runs of the item's batch and stage.

    Prefect's list takes any of several tags, so the stage and the batch are looked for in the
    run's name, in which the case number says the batch: 诊断 · HS-1-0007.
    """
    begins = item.case_no.rpartition("-")[0]
    query = {"tags": OVERDUE_TAG, "flow-run-search": f"{item.stage.label} · {begins}-"}
    return f"/v2/runs?{urlencode(query)}"
