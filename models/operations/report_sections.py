"""The sections of a report, each from the case lines of its day; no prose but figures."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from models.lifecycle import step_of
from models.operations.report_facts import CaseLine
from models.operations.report_marks import Mark
from models.operations.report_material import Material
from models.operations.report_tables import (
    TOTAL,
    Figure,
    chart_of,
    counted,
    grouped,
    marked,
    summed,
    turned,
)
from models.operations.report_targets import target_blocks
from models.policy import Programme
from models.rules.grading import TOP_LEVEL, level_text
from models.rules.milestones import Measure
from models.rules.report_content import (
    UNVERIFIED,
    Block,
    Cell,
    Column,
    ColumnKind,
    Paragraph,
    Table,
    chinese_day,
)
from models.rules.stages import Role

_WAY = (
    Mark.SELECTED,
    Mark.DIAGNOSED,
    Mark.CONTRACTED,
    Mark.TRANSFORMED,
    Mark.ACCEPTED,
    Mark.GRADED,
)
_DRAWN = tuple(mark.label for mark in (Mark.SELECTED, Mark.TRANSFORMED, Mark.GRADED))
_MONEY_FIGURES: tuple[Figure, ...] = (
    summed("合同额", lambda line: line.contract_sum),
    summed("认定支出", lambda line: line.eligible),
    summed("拟补助", lambda line: line.proposed),
    summed("财政批准", lambda line: line.approved),
    counted("已拨付企业", "家", lambda line: line.paid > 0),
    summed("已拨付", lambda line: line.paid),
)
_MONEY_DRAWN = ("认定支出", "财政批准", "已拨付")


def _month(material: Material) -> list[Block]:
    """What was come to within the month of the day, and what is overdue."""
    first = material.as_of.replace(day=1)

    def within(mark: Mark) -> Figure:
        return counted(mark.label, "家", lambda line: line.marked_on.get(mark, date.min) >= first)

    figures = [within(mark) for mark in (Mark.APPLIED, *_WAY)]
    paid = summed(
        "本月拨付",
        lambda line: line.paid if line.paid_on and line.paid_on >= first else Decimal("0.00"),
    )
    overdue = [line for line in material.lines if line.is_overdue(material.as_of)]
    span = f"{chinese_day(first)}至{chinese_day(material.as_of)}"
    late = Table(
        title="逾期未办事项",
        columns=(
            Column(title="等待办理"),
            Column(title="环节"),
            Column(title="逾期", kind=ColumnKind.COUNT, unit="件"),
        ),
        rows=(
            *_overdue_rows(overdue),
            (TOTAL, "", len(overdue)),
        ),
        has_total=True,
        note="截止日为现行截止日；此后延期的，按延期后的日期计。",
    )
    return [
        Paragraph(text=f"{span}，各批次新增进展如下。"),
        grouped("本月新增", material.by_batch, [*figures, paid], material.lines),
        late,
    ]


def _overdue_rows(overdue: Sequence[CaseLine]) -> list[tuple[Cell, ...]]:
    counts: dict[tuple[Role, str], int] = {}
    for line in overdue:
        assert line.waits_for is not None  # noqa: S101 -- it has a deadline
        words = f"{line.stage.label} · {step_of(line.stage, line.step).label}"
        counts[line.waits_for, words] = counts.get((line.waits_for, words), 0) + 1
    order = list(Role)
    ranked = sorted(counts.items(), key=lambda each: (order.index(each[0][0]), each[0][1]))
    return [(role.label, words, count) for (role, words), count in ranked]


def _way_figures(programme: Programme) -> list[Figure]:
    least = programme.subsidy.min_level
    return [
        marked(Mark.APPLIED),
        *(marked(mark) for mark in _WAY),
        counted(f"{level_text(least)}及以上", "家", lambda line: (line.level or 0) >= least),
    ]


def _transformation(material: Material) -> list[Block]:
    selected, transformed = material.having(Mark.SELECTED), material.having(Mark.TRANSFORMED)
    above = sum(line.is_above_scale for line in selected)
    said = (
        f"截至{chinese_day(material.as_of)}，共 {len(material.lines)} 家企业立案，"
        f"{len(selected)} 家入选试点（规上 {above} 家、规下 {len(selected) - above} 家），"
        f"{len(transformed)} 家完成数字化改造，"
        f"{len(material.having(Mark.ACCEPTED))} 家通过验收，"
        f"{len(material.having(Mark.GRADED))} 家已评定数字化水平等级。"
    )
    blocks: list[Block] = [Paragraph(text=said)]
    figures = _way_figures(material.programme)
    by_batch = grouped("分批次改造进展", material.by_batch, figures, material.lines, note=_COUNTING)
    blocks += [
        by_batch,
        turned(by_batch, "分批次改造进展", columns=[mark.label for mark in _WAY]),
    ]
    for title, grouping, note in (
        ("分县市区改造进展", material.by_county, _county_note(material.programme)),
        ("分行业改造进展", material.by_industry, "行业按企业现行登记。"),
    ):
        table = grouped(title, grouping, figures, material.lines, note=note)
        blocks += [table, chart_of(table, title, columns=_DRAWN)]
    return blocks


_COUNTING = (
    "入选：公示期满且未撤回；完成改造：最近一次“实施改造”已办结，退回整改、撤回或验收未通过的不计；"
    "评定等级：市经信局已确认。"
)


def _county_note(programme: Programme) -> str:
    unverified = [term.name for term in programme.counties if not term.verified]
    said = "县市区按企业现行登记"
    return f"{said}；{'、'.join(unverified)}作为申报属地的口径{UNVERIFIED}" if unverified else said


def _replication(material: Material) -> list[Block]:
    serving = {line.provider_id for line in material.having(Mark.CONTRACTED)} - {None}
    pool = next(each for each in material.progress if each.measure is Measure.PROVIDERS_ADMITTED)
    return [
        Paragraph(
            text=f"服务商资源池有服务商 {pool.value} 家，"
            f"其中已与试点企业签订改造合同的 {len(serving)} 家。"
        ),
        Table(
            title="奖励标准",
            columns=(
                Column(title="奖励"),
                Column(title="每项最高", kind=ColumnKind.YUAN, unit="元"),
                Column(title="每家合计最高", kind=ColumnKind.YUAN, unit="元"),
                Column(title="出处"),
            ),
            rows=tuple(
                (
                    award.name,
                    f"{award.cap:.2f}",
                    f"{award.cap_per_recipient:.2f}" if award.cap_per_recipient else None,
                    award.source + ("" if award.verified else UNVERIFIED),
                )
                for award in material.programme.awards
            ),
        ),
    ]


def _innovation(material: Material) -> list[Block]:
    rated = [line for line in material.having(Mark.GRADED) if line.level is not None]
    compared = [line for line in rated if line.baseline_level is not None]
    same = [line for line in compared if line.baseline_edition == line.level_edition]
    raised = sum((line.level or 0) > (line.baseline_level or 0) for line in same)
    levels = Table(
        title="数字化水平等级分布",
        columns=(
            Column(title="等级"),
            Column(title="改造前", kind=ColumnKind.COUNT, unit="家"),
            Column(title="改造后", kind=ColumnKind.COUNT, unit="家"),
        ),
        rows=(
            *(
                (
                    level_text(level),
                    sum(line.baseline_level == level for line in material.lines),
                    sum(line.level == level for line in rated),
                )
                for level in range(TOP_LEVEL + 1)
            ),
            (
                TOTAL,
                sum(line.baseline_level is not None for line in material.lines),
                len(rated),
            ),
        ),
        has_total=True,
        note="改造前为诊断时的测评，改造后为市经信局确认的等级。",
    )
    before_and_after = Table(
        title="改造前后等级对照（同一版评测指标）",
        columns=(
            Column(title="改造前"),
            *(
                Column(title=f"改造后{level_text(level)}", kind=ColumnKind.COUNT, unit="家")
                for level in range(TOP_LEVEL + 1)
            ),
            Column(title=TOTAL, kind=ColumnKind.COUNT, unit="家"),
        ),
        rows=_matrix(same),
        has_total=True,
        note=(
            f"另有 {len(compared) - len(same)} 家改造前后所用评测指标版本不同，"
            "等级不可直接比较，未列入。"
        ),
    )
    return [
        Paragraph(
            text=f"已定级的 {len(rated)} 家企业中，改造前后用同一版评测指标测评的 "
            f"{len(same)} 家，其中等级提升的 {raised} 家。"
        ),
        levels,
        chart_of(levels, "改造前后等级分布", columns=("改造前", "改造后")),
        before_and_after,
    ]


def _matrix(lines: Sequence[CaseLine]) -> tuple[tuple[Cell, ...], ...]:
    every = range(TOP_LEVEL + 1)

    def row(name: str, theirs: Sequence[CaseLine]) -> tuple[Cell, ...]:
        return (
            name,
            *(sum(line.level == level for line in theirs) for level in every),
            len(theirs),
        )

    return (
        *(
            row(level_text(each), [ln for ln in lines if ln.baseline_level == each])
            for each in every
        ),
        row(TOTAL, lines),
    )


def _funds(material: Material) -> list[Block]:
    policy = material.programme.subsidy
    paid = sum((line.paid for line in material.lines), Decimal("0.00"))
    approved = sum((line.approved for line in material.lines), Decimal("0.00"))
    percent = (policy.rate * 100).normalize()
    blocks: list[Block] = [
        Paragraph(
            text=f"补助标准：不高于数字化改造实际投入的 {percent:f}%，每家最高 "
            f"{policy.cap:,.2f} 元，"
            f"达到{level_text(policy.min_level)}及以上方予补助（{policy.source}）。"
            f"截至{chinese_day(material.as_of)}，财政批准 {approved:,.2f} 元，"
            f"已拨付 {paid:,.2f} 元。"
        )
    ]
    for title, grouping in (
        ("分批次资金情况", material.by_batch),
        ("分县市区资金情况", material.by_county),
        ("分行业资金情况", material.by_industry),
    ):
        table = grouped(title, grouping, _MONEY_FIGURES, material.lines, note=_MONEY_COUNTING)
        blocks += [table, chart_of(table, title, columns=_MONEY_DRAWN)]
    return blocks


_MONEY_COUNTING = "合同按签订日、拨付按拨付日计入；认定支出自第三方验收通过之日计入。"


#: By the key of the heading in `reports.toml`.
BUILDERS: Mapping[str, Callable[[Material], list[Block]]] = MappingProxyType(
    {
        "month": _month,
        "targets": target_blocks,
        "transformation": _transformation,
        "replication": _replication,
        "innovation": _innovation,
        "funds": _funds,
    }
)
