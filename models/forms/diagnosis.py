"""Forms of 诊断: who diagnoses, the report, and the enterprise's word on it."""

from pydantic import Field

from models.forms.assessment import AssessmentPart
from models.forms.base import StepForm
from models.forms.fields import Day, Line, OptionalLine, OptionalText, Text, YuanField
from models.rules.choice import Choice


class AssignOutcome(Choice):
    """Assigning has one outcome."""

    ASSIGNED = "assigned", "指派"


class AssignProviderForm(StepForm):
    """The lead bureau names the provider that diagnoses."""

    outcome: AssignOutcome = Field(AssignOutcome.ASSIGNED, title="办理结果")
    provider: Line = Field(title="服务商", description="资源池内且有承接能力的服务商")
    note: OptionalText = Field("", title="备注")


class DiagnoseOutcome(Choice):
    """A diagnosis has one outcome."""

    REPORTED = "reported", "提交诊断报告"


class DiagnoseForm(StepForm):
    """The provider's diagnosis report."""

    outcome: DiagnoseOutcome = Field(DiagnoseOutcome.REPORTED, title="办理结果")
    report_name: Line = Field(title="报告名称")
    visited_on: Day = Field(title="现场诊断日期")
    surveyors: Line = Field(title="诊断人员", description="姓名、单位、角色")
    main_products: Text = Field(title="主要产品")
    process_flow: Text = Field(title="工艺流程")
    equipment: Text = Field(title="主要设备")
    software: Text = Field(title="工业软件现状")
    findings: Text = Field(title="诊断发现")
    recommendations: Text = Field(title="改造建议")
    estimate: YuanField = Field(title="改造费用估算（元）")
    baseline: AssessmentPart = Field(title="改造前评测")
    document: OptionalLine = Field("", title="报告文件编号")


class ConfirmOutcome(Choice):
    """What the enterprise may say to a diagnosis."""

    ACCEPTED = "accepted", "认可诊断"
    REDO = "redo", "要求重新诊断"
    CHANGE_PROVIDER = "change-provider", "申请更换服务商"


class ConfirmForm(StepForm):
    """The enterprise's word on the diagnosis."""

    needed_for = {"redo": ("opinion",), "change-provider": ("opinion",)}

    outcome: ConfirmOutcome = Field(title="办理结果")
    opinion: OptionalText = Field("", title="意见")
