"""The cases as one table in Excel: what the county's summary table (推荐汇总表) holds, and more."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from models.operations.case_records import CaseRecord
from models.rules.grading import level_text
from tasks.workbooks.writing import Cell, Column, Kind, OutgoingWorkbook

SHEET = "推荐汇总表"

_Of = Callable[[CaseRecord], Any]


def _text(title: str, of: _Of, width: int = 16) -> tuple[Column, _Of]:
    return Column(title=title, width=width), of


def _yuan(title: str, of: _Of) -> tuple[Column, _Of]:
    return Column(title=f"{title}（元）", width=18, kind=Kind.YUAN), of


def _day(title: str, of: _Of) -> tuple[Column, _Of]:
    return Column(title=title, width=12, kind=Kind.DAY), of


def _whole(title: str, of: _Of) -> tuple[Column, _Of]:
    return Column(title=title, width=12, kind=Kind.WHOLE), of


def _level(level: int | None) -> Cell:
    return None if level is None else level_text(level)


def _size(record: CaseRecord) -> Cell:
    if record.enterprise.headcount is None:
        return None
    return "规上" if record.enterprise.is_above_scale else "规下"


_COLUMNS: Sequence[tuple[Column, _Of]] = (
    _text("案卷号", lambda r: r.row.case_no, 13),
    _text("企业名称", lambda r: r.row.enterprise, 26),
    _text("统一社会信用代码", lambda r: r.enterprise.credit_code, 22),
    _whole("批次", lambda r: r.row.batch),
    _text("县市区", lambda r: r.row.county, 12),
    _text("地址", lambda r: r.enterprise.address, 28),
    _day("成立日期", lambda r: r.enterprise.founded_on),
    _text("所属行业", lambda r: r.row.industry),
    _text("所有制性质", lambda r: r.enterprise.ownership, 12),
    _text("企业规模", lambda r: r.enterprise.size and r.enterprise.size.label, 10),
    _text("规上/规下", _size, 10),
    _whole("上年度从业人数", lambda r: r.enterprise.headcount),
    _whole("前年度从业人数", lambda r: r.enterprise.headcount_before),
    _yuan("上年度营业收入", lambda r: r.enterprise.revenue),
    _text("主营业务", lambda r: r.enterprise.main_business, 30),
    _text("联系人", lambda r: r.contact and r.contact.name, 10),
    _text("联系电话", lambda r: r.contact and r.contact.phone),
    _text("联系邮箱", lambda r: r.contact and r.contact.email, 26),
    _text("数字化改造需求", lambda r: r.application and r.application.needs, 30),
    _yuan("计划投入", lambda r: r.application and r.application.planned_spend),
    _text("服务商", lambda r: r.provider, 24),
    _text("合同编号", lambda r: r.contract and r.contract.contract_no),
    _day("项目开始日期", lambda r: r.contract and r.contract.signed_on),
    _day("项目完成日期", lambda r: r.implemented_on),
    _yuan("合同金额", lambda r: r.contract and r.contract.amount),
    _text("改造内容", lambda r: r.contract and r.contract.products, 30),
    _text("第三方验收机构", lambda r: r.assessor, 24),
    _day("现场验收日期", lambda r: r.review and r.review.visited_on),
    _yuan("申报实付支出", lambda r: r.declared_spend),
    _yuan("认定支出", lambda r: r.eligible_spend),
    _text("改造前水平", lambda r: _level(r.baseline.level if r.baseline else None), 12),
    _text("改造后评定", lambda r: _level(r.assessment.level if r.assessment else None), 12),
    _text("确认等级", lambda r: _level(r.grade.level if r.grade else None), 12),
    _text("补助比例（%）", lambda r: r.award and r.award.rate_percent, 14),
    _yuan("补助上限", lambda r: r.award and r.award.ceiling),
    _yuan("补助金额", lambda r: r.award and r.award.amount),
    _yuan("已拨付", lambda r: r.payment and r.payment.amount),
    _day("拨付日期", lambda r: r.payment and r.payment.paid_on),
    _text("阶段", lambda r: r.row.stage.label, 8),
    _text("状态", lambda r: r.row.status.label),
    _text("当前步骤", lambda r: r.row.step_label + ("（暂停计时）" if r.row.is_stopped else "")),
    _text("当前办理单位", lambda r: r.row.party, 22),
    _day("截止日期", lambda r: r.row.due_on),
    _day("立案日期", lambda r: r.opened_on),
    _day("办结日期", lambda r: r.closed_on),
)


def write_case_table(
    path: Path, records: Sequence[CaseRecord], *, heading: str, force: bool = False
) -> None:
    """Write one row a case; nothing is locked, for people go on working with it."""
    book = OutgoingWorkbook()
    columns = [column for column, _ in _COLUMNS]
    sheet = book.sheet(
        SHEET,
        columns,
        [SHEET, heading],
        is_protected=False,
    )
    for record in records:
        sheet.append([of(record) for _, of in _COLUMNS])
    book.save(path, force=force)
