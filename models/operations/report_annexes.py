"""The annexes of a report: every enterprise with its figures, and what is still unconfirmed."""

from models.operations.report_facts import CaseLine
from models.operations.report_marks import Mark
from models.operations.report_material import Material
from models.operations.report_tables import TOTAL
from models.rules.grading import level_text
from models.rules.report_content import Cell, Column, ColumnKind, Section, Table

#: The files a report's figures rest on; how long a step may take is no figure of a report.
_RESTS_ON = ("programme.toml", "enterprises.toml", "money.toml", "contradictions.toml", "reports")


def enterprises_annex(material: Material) -> Section:
    """Return the list of the enterprises selected, with their levels and their money."""
    selected = material.having(Mark.SELECTED)
    table = Table(
        title="试点企业名单",
        columns=(
            Column(title="案卷号"),
            Column(title="企业"),
            Column(title="县市区"),
            Column(title="行业"),
            Column(title="进度"),
            Column(title="等级"),
            Column(title="认定支出", kind=ColumnKind.YUAN, unit="元"),
            Column(title="财政批准", kind=ColumnKind.YUAN, unit="元"),
            Column(title="已拨付", kind=ColumnKind.YUAN, unit="元"),
        ),
        rows=(
            *(_row(line) for line in selected),
            (
                TOTAL,
                f"{len(selected)} 家",
                "",
                "",
                "",
                "",
                *(
                    f"{sum(sums):.2f}"
                    for sums in (
                        [line.eligible for line in selected],
                        [line.approved for line in selected],
                        [line.paid for line in selected],
                    )
                ),
            ),
        ),
        has_total=True,
    )
    return Section(
        key="enterprises", title="试点企业名单", source="", blocks=(table,), is_annex=True
    )


def _row(line: CaseLine) -> tuple[Cell, ...]:
    return (
        line.case_no,
        line.enterprise,
        line.county,
        line.industry,
        line.ended.label if line.ended else line.stage.label,
        "—" if line.level is None else level_text(line.level),
        f"{line.eligible:.2f}",
        f"{line.approved:.2f}",
        f"{line.paid:.2f}",
    )


def unverified_annex(material: Material) -> Section:
    """Return what of the policy the report rests on and nobody has confirmed yet."""
    rows = tuple(
        (each.subject, each.source, each.place)
        for each in material.programme.unverified
        if each.place.startswith(_RESTS_ON)
    )
    table = Table(
        title="待核事项",
        columns=(
            Column(title="事项"),
            Column(title="现行口径的来源"),
            Column(title="政策文件中的位置"),
        ),
        rows=rows,
        note="以上口径未经牵头部门确认；确认后在政策文件中改为 verified = true。",
    )
    return Section(key="unverified", title="待核事项", source="", blocks=(table,), is_annex=True)
