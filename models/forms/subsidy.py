"""Forms of 补助: the proposal, the approval and the payment."""

from pydantic import Field

from models.forms.base import StepForm
from models.forms.fields import (
    Day,
    OptionalPercent,
    OptionalText,
    OptionalYuan,
    PaperNo,
    Text,
    YuanField,
)
from models.rules.choice import Choice


class ProposeOutcome(Choice):
    """What the lead bureau may propose."""

    PROPOSED = "proposed", "拟予补助"
    NONE = "none", "不予补助"


class ProposeForm(StepForm):
    """The subsidy proposed."""

    needed_for = {"proposed": ("rate_percent", "amount")}

    outcome: ProposeOutcome = Field(title="办理结果")
    rate_percent: OptionalPercent = Field(None, title="补助比例（%）", description="不得高于上限")
    amount: OptionalYuan = Field(
        None, title="补助金额（元）", description="不得高于按比例计算的金额"
    )
    basis: Text = Field(title="依据")


class FinanceApproveOutcome(Choice):
    """What the finance bureau may decide."""

    APPROVED = "approved", "同意拨付"
    RETURNED = "returned", "退回重报"


class FinanceApproveForm(StepForm):
    """The finance bureau's decision; by another person than the proposer."""

    needed_for = {"returned": ("opinion",)}

    outcome: FinanceApproveOutcome = Field(title="办理结果")
    opinion: OptionalText = Field("", title="意见")


class PayOutcome(Choice):
    """A payment has one outcome."""

    PAID = "paid", "已拨付"


class PayForm(StepForm):
    """The record of a payment."""

    outcome: PayOutcome = Field(PayOutcome.PAID, title="办理结果")
    voucher_no: PaperNo = Field(title="拨付凭证号")
    paid_on: Day = Field(title="拨付日期")
    amount: YuanField = Field(title="拨付金额（元）", description="须与批准金额一致")
