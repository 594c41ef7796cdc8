"""What is known of one case, and what of it a form can be filled in with. Nothing is changed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlmodel import Session, col, func, select

from models.forms.base import StepForm
from models.lifecycle import step_of
from models.operations.cases import case_numbered
from models.operations.effects.subsidy import ceiling_of
from models.policy import load_programme
from models.rules.clock import day_of
from models.rules.grading import level_text
from models.rules.money import yuan_text
from models.rules.stages import CaseStatus, Stage
from models.tables.case import Answer, Case, WorkItem
from models.tables.party import Party
from models.tables.programme import Batch
from models.tables.records import (
    Assessment,
    Award,
    Contract,
    Expenditure,
    Grade,
    Payment,
    PublicNotice,
)

_Row = TypeVar("_Row", Assessment, Contract, Grade, Award, Payment)


@dataclass(frozen=True, kw_only=True)
class CaseFacts:
    """What is known of a case; what has not come about yet is None or empty."""

    case_no: str
    enterprise: str
    credit_code: str
    county: str
    industry: str
    is_above_scale: bool
    headcount: int | None
    revenue: Decimal | None
    main_business: str
    batch: int
    batch_name: str
    stage: Stage
    status: CaseStatus
    opened_on: date
    closed_on: date | None
    provider: str
    assessor: str
    planned_spend: Decimal | None
    baseline_level: int | None
    contract_no: str
    contract_sum: Decimal | None
    signed_on: date | None
    #: Paid, over all lines declared.
    declared_spend: Decimal | None
    #: Recognised by the third party.
    eligible_spend: Decimal | None
    assessed_level: int | None
    level: int | None
    #: Of the notice that runs, or of the last one.
    notice_no: str
    notice_starts_on: date | None
    notice_ends_on: date | None
    #: The most that may be granted, and how it is computed; known as soon as the level is.
    ceiling: Decimal | None
    ceiling_explanation: tuple[str, ...]
    award_rate_percent: str
    award: Decimal | None
    proposed_by: str
    approved_by: str
    payment: Decimal | None
    paid_on: date | None
    voucher_no: str

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return (title, text) of all that is known, in the order in which it came about."""
        notice = (
            f"{self.notice_no}（{self.notice_starts_on} 至 {self.notice_ends_on}）"
            if self.notice_no
            else ""
        )
        pairs = (
            ("企业", self.enterprise),
            ("统一社会信用代码", self.credit_code),
            ("县市区", self.county),
            ("行业", self.industry),
            ("规模", _scale(self)),
            ("上年度营业收入", _yuan(self.revenue)),
            ("主营业务", self.main_business),
            ("批次", self.batch_name),
            ("立案", str(self.opened_on)),
            ("计划投入", _yuan(self.planned_spend)),
            ("服务商", self.provider),
            ("改造前水平", _level(self.baseline_level)),
            ("合同", f"{self.contract_no}（{self.signed_on} 签订）" if self.contract_no else ""),
            ("合同金额", _yuan(self.contract_sum)),
            ("申报支出（实付）", _yuan(self.declared_spend)),
            ("验收机构", self.assessor),
            ("认定支出", _yuan(self.eligible_spend)),
            ("评定等级", _level(self.assessed_level)),
            ("确认等级", _level(self.level)),
            ("补助上限", _yuan(self.ceiling)),
            ("补助比例", f"{self.award_rate_percent}%" if self.award_rate_percent else ""),
            ("补助金额", _yuan(self.award)),
            ("提出人", self.proposed_by),
            ("公示", notice),
            ("审批人", self.approved_by),
            ("已拨付", _yuan(self.payment)),
            ("拨付日期", str(self.paid_on) if self.paid_on else ""),
            ("拨付凭证号", self.voucher_no),
            ("办结", str(self.closed_on) if self.closed_on else ""),
        )
        return tuple((title, text) for title, text in pairs if text)


def case_facts(session: Session, case_no: str) -> CaseFacts:
    """Return what is known of the case; `UnknownCaseError` where there is none."""
    case = case_numbered(session, case_no)
    enterprise = session.get_one(Party, case.enterprise_id)
    batch = session.get_one(Batch, case.batch_id)
    baseline = _last(session, Assessment, case_no, col(Assessment.is_baseline))
    assessment = _last(session, Assessment, case_no, ~col(Assessment.is_baseline))
    contract = _last(session, Contract, case_no)
    grade = _last(session, Grade, case_no)
    award = _last(session, Award, case_no, ~col(Award.is_void))
    payment = _last(session, Payment, case_no)
    declared, eligible = session.exec(
        select(func.sum(Expenditure.paid_sum), func.sum(Expenditure.eligible_sum)).where(
            Expenditure.case_no == case_no, ~col(Expenditure.is_replaced)
        )
    ).one()
    notice = session.exec(
        select(PublicNotice)
        .join(WorkItem, col(WorkItem.id) == col(PublicNotice.item_id))
        .where(WorkItem.case_no == case_no)
        .order_by(col(PublicNotice.id).desc())
        .limit(1)
    ).first()
    application = last_form(session, case_no, Stage.APPLICATION, "submit")
    ceiling, explanation = _ceiling(session, case, grade, award)
    return CaseFacts(
        case_no=case.case_no,
        enterprise=enterprise.name,
        credit_code=enterprise.credit_code,
        county=enterprise.county,
        industry=enterprise.industry,
        is_above_scale=enterprise.is_above_scale,
        headcount=enterprise.headcount,
        revenue=enterprise.revenue,
        main_business=enterprise.main_business,
        batch=batch.number,
        batch_name=batch.name,
        stage=case.stage,
        status=case.status,
        opened_on=day_of(case.opened_at),
        closed_on=day_of(case.closed_at) if case.closed_at else None,
        provider=_name(session, case.provider_id),
        assessor=_name(session, case.assessor_id),
        planned_spend=getattr(application, "planned_spend", None),
        baseline_level=baseline.level if baseline else None,
        contract_no=contract.contract_no if contract else "",
        contract_sum=contract.amount if contract else None,
        signed_on=contract.signed_on if contract else None,
        declared_spend=declared,
        eligible_spend=eligible,
        assessed_level=assessment.level if assessment else None,
        level=grade.level if grade else None,
        notice_no=notice.notice_no if notice else "",
        notice_starts_on=notice.starts_on if notice else None,
        notice_ends_on=notice.ends_on if notice else None,
        ceiling=ceiling,
        ceiling_explanation=explanation,
        award_rate_percent=award.rate_percent if award else "",
        award=award.amount if award else None,
        proposed_by=award.proposed_by if award else "",
        approved_by=award.approved_by if award else "",
        payment=payment.amount if payment else None,
        paid_on=payment.paid_on if payment else None,
        voucher_no=payment.voucher_no if payment else "",
    )


def last_form(session: Session, case_no: str, stage: Stage, step: str) -> StepForm | None:
    """Return the form last accepted for a step of the case, if today's form can still read it."""
    text = session.exec(
        select(Answer.form)
        .join(WorkItem, col(WorkItem.id) == col(Answer.item_id))
        .where(
            WorkItem.case_no == case_no,
            WorkItem.stage == stage,
            WorkItem.step == step,
            Answer.is_accepted,
        )
        .order_by(col(Answer.id).desc())
        .limit(1)
    ).first()
    if text is None:
        return None
    try:
        return step_of(stage, step).form.model_validate_json(text)
    except ValidationError:  # a form of an earlier year, with other fields
        return None


def _last(session: Session, table: type[_Row], case_no: str, *conditions: Any) -> _Row | None:
    """Return the newest row of the case."""
    return session.exec(
        select(table)
        .where(table.case_no == case_no, *conditions)
        .order_by(col(table.id).desc())
        .limit(1)
    ).first()


def _ceiling(
    session: Session, case: Case, grade: Grade | None, award: Award | None
) -> tuple[Decimal | None, tuple[str, ...]]:
    """Return the ceiling the award was granted under or, before there is one, today's."""
    if award is not None:
        return award.ceiling, tuple(award.explanation.splitlines())
    if grade is None:
        return None, ()
    due = ceiling_of(session, load_programme(case.programme_key), case.case_no)
    return due.amount, tuple(due.explanation())


def _name(session: Session, party_id: int | None) -> str:
    return "" if party_id is None else session.get_one(Party, party_id).name


def _yuan(amount: Decimal | None) -> str:
    return "" if amount is None else yuan_text(amount)


def _level(level: int | None) -> str:
    return "" if level is None else level_text(level)


def _scale(facts: CaseFacts) -> str:
    if facts.headcount is None:
        return ""
    return f"{'规上' if facts.is_above_scale else '规下'}，从业人数 {facts.headcount:,}"
