"""目标任务完成情况: what the plan promised beside what has been done."""

from models.operations.milestones import MilestoneProgress
from models.operations.report_marks import Mark
from models.operations.report_material import Material
from models.operations.report_tables import chart_of, grouped, marked, with_column
from models.rules.milestones import Measure
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
    """Return the programme's targets, the batches' and the annex items, with their state."""
    by_batch = _by_batch(material)
    items = [each for each in material.progress if not each.is_programme_target]
    finished = sum(each.is_finished for each in items)
    return [
        Paragraph(
            text=f"截至{chinese_day(material.as_of)}，附件所列 {len(items)} 项重点任务完成 "
            f"{finished} 项，各项目标完成情况如下。"
        ),
        _targets(material),
        by_batch,
        chart_of(
            by_batch,
            "各批次目标与完成情况",
            columns=("遴选目标", Mark.SELECTED.label, Mark.TRANSFORMED.label),
        ),
        _annex_items(items),
    ]


def _targets(material: Material) -> Table:
    verified = {target.key: target.verified for target in material.programme.targets}
    return Table(
        title="工作目标完成情况",
        columns=(
            Column(title="目标"),
            Column(title="目标数"),
            Column(title="实际", kind=ColumnKind.COUNT),
            Column(title="状态"),
            Column(title="期限", kind=ColumnKind.DAY),
        ),
        rows=tuple(
            (
                each.name + ("" if verified[each.key] else UNVERIFIED),
                each.target_text,
                _actual(each),
                each.state.label,
                each.ends_on.isoformat(),
            )
            for each in material.progress
            if each.is_programme_target
        ),
        note=f"“{TO_BE_WRITTEN}”的数尚无登记的佐证材料（pilot milestone set），由牵头部门填写。",
    )


def _actual(progress: MilestoneProgress) -> Cell:
    """Return the number reached; nothing is said where only a list could tell and none is there."""
    if progress.measure is Measure.RECORDED_NUMBER and not progress.evidence:
        return TO_BE_WRITTEN
    return progress.value


def _by_batch(material: Material) -> Table:
    programme = material.programme
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
    return with_column(
        reached,
        Column(title="遴选目标", kind=ColumnKind.COUNT, unit="家"),
        [*(promised.get(str(row[0])) for row in reached.rows[:-1]), sum(promised.values())],
    )


def _annex_items(items: list[MilestoneProgress]) -> Table:
    return Table(
        title="附件重点任务进展",
        columns=(
            Column(title="年度"),
            Column(title="序号"),
            Column(title="重点任务"),
            Column(title="期限", kind=ColumnKind.DAY),
            Column(title="进度"),
            Column(title="状态"),
        ),
        rows=tuple(
            (
                str(each.year),
                str(each.number),
                each.name,
                each.ends_on.isoformat(),
                _progress(each),
                each.state.label,
            )
            for each in items
        ),
        note=f"计量办法为系统推定{UNVERIFIED}。",
    )


def _progress(each: MilestoneProgress) -> str:
    """12 家，目标 100 家以上；佐证 1 份."""
    said = []
    if each.value is not None:
        said.append(f"{each.value} {each.unit}")
    if each.target_text:
        gap = " " if each.target_text[0].isdigit() else ""
        said.append(f"目标{gap}{each.target_text}")
    if each.evidence_wanted:
        said.append(f"佐证 {len(each.evidence)} 份" if each.evidence else "尚无佐证")
    return "，".join(said)
