"""目标任务完成情况: what the plan promised beside what has been done."""

from models.operations.report_marks import Mark
from models.operations.report_material import Material
from models.operations.report_tables import chart_of, grouped, marked, with_column
from models.policy.figures import Target
from models.rules.report_content import (
    TO_BE_WRITTEN,
    UNVERIFIED,
    Block,
    Cell,
    Column,
    ColumnKind,
    Paragraph,
    Table,
    chinese_day,
)


def target_blocks(material: Material) -> list[Block]:
    """Return the programme's targets and the batches' against what has been reached."""
    programme = material.programme
    rows: list[tuple[Cell, ...]] = []
    for target in programme.targets:
        actual = _actual(material, target)
        rows.append(
            (
                target.name + ("" if target.verified else UNVERIFIED),
                _promised(target),
                actual if actual is not None else TO_BE_WRITTEN,
                _standing(target, actual),
                target.due_on.isoformat(),
            )
        )
    targets = Table(
        title="工作目标完成情况",
        columns=(
            Column(title="目标"),
            Column(title="目标数"),
            Column(title="实际", kind=ColumnKind.COUNT),
            Column(title="完成情况"),
            Column(title="期限", kind=ColumnKind.DAY),
        ),
        rows=tuple(rows),
        note=f"“{TO_BE_WRITTEN}”的数系统没有记录，由牵头部门按公布名单填写。",
    )
    reached = grouped(
        "各批次遴选和改造情况",
        material.by_batch,
        [marked(Mark.SELECTED), marked(Mark.TRANSFORMED)],
        material.lines,
        note="；".join(
            f"{batch.name}目标为 {batch.target} 家以上（{batch.source}）"
            + ("" if batch.verified else UNVERIFIED)
            for batch in programme.batches
        ),
    )
    promised = {batch.name: batch.target for batch in programme.batches}
    by_batch = with_column(
        reached,
        Column(title="遴选目标", kind=ColumnKind.COUNT, unit="家"),
        [*(promised.get(str(row[0])) for row in reached.rows[:-1]), sum(promised.values())],
    )
    return [
        Paragraph(text=f"截至{chinese_day(material.as_of)}，各项目标任务完成情况如下。"),
        targets,
        by_batch,
        chart_of(
            by_batch,
            "各批次目标与完成情况",
            columns=("遴选目标", Mark.SELECTED.label, Mark.TRANSFORMED.label),
        ),
    ]


def _actual(material: Material, target: Target) -> int | None:
    """Return what has been reached of `target`, None where nothing has been recorded."""
    if target.key == "transformed-enterprises":
        return len(material.having(Mark.TRANSFORMED))
    return None


def _promised(target: Target) -> str:
    comparison = "超过" if target.comparison == "more-than" else "不少于"
    return f"{comparison} {target.number} {target.unit}"


def _standing(target: Target, actual: int | None) -> str:
    if actual is None:
        return "—"
    if target.is_reached(actual):
        return "已达到"
    missing = target.number - actual + (target.comparison == "more-than")
    return f"还差 {missing} {target.unit}"
