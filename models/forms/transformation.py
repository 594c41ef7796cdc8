"""Forms of 改造: the contract, the work and what was spent."""

from typing import Annotated

from pydantic import Field

from models.forms.base import Part, StepForm
from models.forms.fields import (
    Day,
    Line,
    OptionalLine,
    OptionalText,
    PaperNo,
    Percentage,
    PositiveYuan,
    Text,
    YuanField,
)
from models.rules.choice import Choice


class ContractOutcome(Choice):
    """A contract has one outcome."""

    SIGNED = "signed", "已签订合同"


class ContractForm(StepForm):
    """The contract between enterprise and provider."""

    outcome: ContractOutcome = Field(ContractOutcome.SIGNED, title="办理结果")
    provider: Line = Field(title="服务商", description="资源池内的服务商")
    contract_no: PaperNo = Field(title="合同编号")
    signed_on: Day = Field(title="签订日期")
    amount: YuanField = Field(title="合同金额（元）")
    products: Text = Field(title="产品与服务清单")
    price_detail: Text = Field(title="价格明细")
    document: OptionalLine = Field("", title="合同文件编号")


class ImplementOutcome(Choice):
    """What the enterprise may say of the work."""

    PROGRESS = "progress", "上报进度"
    COMPLETED = "completed", "改造完成"


class ImplementForm(StepForm):
    """A monthly word on the work, or its end."""

    outcome: ImplementOutcome = Field(title="办理结果")
    progress: Percentage = Field(title="完成进度（%）")
    note: OptionalText = Field("", title="进展说明")


class Category(Choice):
    """What counts as spending on the change (plan 三（一）4)."""

    SOFTWARE = "software", "软件"
    CLOUD = "cloud", "云服务"
    GATEWAY = "gateway", "网关"
    ROUTER = "router", "路由"
    OTHER = "other", "其他相关支出"


class ExpenditurePart(Part):
    """One invoice."""

    category: Category = Field(title="类别")
    contract_no: PaperNo = Field(title="合同编号")
    invoice_no: PaperNo = Field(title="发票号码")
    contract_sum: PositiveYuan = Field(title="合同金额（元）")
    invoice_sum: PositiveYuan = Field(title="发票不含税金额（元）")
    paid_sum: PositiveYuan = Field(title="实付金额（元）")
    invoiced_on: Day = Field(title="开票日期")
    paid_on: Day = Field(title="付款日期")


class DeclareOutcome(Choice):
    """A declaration has one outcome."""

    DECLARED = "declared", "提交支出申报"


class DeclareForm(StepForm):
    """What the change has cost, invoice by invoice."""

    outcome: DeclareOutcome = Field(DeclareOutcome.DECLARED, title="办理结果")
    lines: Annotated[list[ExpenditurePart], Field(min_length=1, max_length=200)] = Field(
        title="支出明细"
    )
