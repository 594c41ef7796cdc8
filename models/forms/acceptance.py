"""Forms of 验收: the dossier, who reviews it, and the review."""

from typing import Annotated

from pydantic import Field

from models.forms.base import Part, StepForm
from models.forms.diagnosis import AssignOutcome
from models.forms.fields import Day, Line, OptionalText, PaperNo, Text, YuanField
from models.rules.choice import Choice


class DossierOutcome(Choice):
    """A dossier has one outcome."""

    SUBMITTED = "submitted", "提交验收材料"


class DossierForm(StepForm):
    """The documents handed in for acceptance; each must be there."""

    outcome: DossierOutcome = Field(DossierOutcome.SUBMITTED, title="办理结果")
    has_application: bool = Field(False, title="验收申请表")
    has_commitment: bool = Field(False, title="真实性承诺书")
    has_self_assessment: bool = Field(False, title="自评报告")
    has_spend_statement: bool = Field(False, title="投入明细表")
    has_contract: bool = Field(False, title="合同")
    has_invoices: bool = Field(False, title="发票及付款凭证")
    has_summary: bool = Field(False, title="改造总结")
    has_proof_of_effect: bool = Field(False, title="成效证明")
    note: OptionalText = Field("", title="说明")


class AssignAssessorForm(StepForm):
    """The lead bureau names the third party that reviews."""

    outcome: AssignOutcome = Field(AssignOutcome.ASSIGNED, title="办理结果")
    assessor: Line = Field(title="第三方验收机构", description="与企业、服务商无利害关系")
    note: OptionalText = Field("", title="备注")


class Finding(Choice):
    """How one aspect of acceptance was found."""

    GOOD = "good", "符合"
    FAIR = "fair", "基本符合"
    POOR = "poor", "不符合"


class ReviewOutcome(Choice):
    """What a review may find."""

    PASSED = "passed", "验收通过"
    RECTIFY = "rectify", "限期整改"
    FAILED = "failed", "验收不通过"


class EligiblePart(Part):
    """What of one invoice is recognised."""

    invoice_no: PaperNo = Field(title="发票号码")
    eligible_sum: YuanField = Field(title="认定金额（元）")


class ReviewForm(StepForm):
    """The third party's review of the four aspects and of the spending, line by line."""

    outcome: ReviewOutcome = Field(title="办理结果")
    visited_on: Day = Field(title="现场验收日期")
    effect: Finding = Field(title="企业应用成效")
    data_connection: Finding = Field(title="数据贯通程度")
    return_on_input: Finding = Field(title="投入产出比")
    management: Finding = Field(title="企业管理体制配套改革")
    lines: Annotated[list[EligiblePart], Field(max_length=200)] = Field(
        default_factory=list,
        title="认定支出",
        description="未列出的发票按合同额、不含税发票额、实付额三者最低认定",
    )
    opinion: Text = Field(title="验收意见")
