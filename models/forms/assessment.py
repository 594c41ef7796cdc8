"""A rating by the 评测指标, as it is filled in: the edition decides what is asked."""

from pydantic import Field

from models.forms.base import Part, StepForm
from models.forms.fields import Day, OptionalLine
from models.rules.choice import Choice


class Edition(Choice):
    """Editions of the 中小企业数字化水平评测指标."""

    E2022 = "2022", "2022年版"
    E2024 = "2024", "2024年版"


class AssessmentPart(Part):
    """The rating itself; whether it is complete for its edition is the rubric's business."""

    edition: Edition = Field(title="评测指标版本")
    total_score: OptionalLine = Field(
        "", title="总分（仅2022年版）", description="2024年版的得分由系统按答案计算"
    )
    answers: OptionalLine = Field(
        "",
        title="15题答案（仅2024年版）",
        description="按题号依次填选项字母，以空格分隔；多选连写，例如 BC C D …",
    )
    scenarios: OptionalLine = Field(
        "",
        title="16个场景等级（仅2024年版）",
        description="按场景序号依次填 0 至 4，以空格分隔",
    )


class AssessOutcome(Choice):
    """A rating has one outcome."""

    ASSESSED = "assessed", "提交评定"


class AssessForm(StepForm):
    """The third party's rating after the change."""

    outcome: AssessOutcome = Field(AssessOutcome.ASSESSED, title="办理结果")
    assessment: AssessmentPart = Field(title="改造后评测")
    is_on_site: bool = Field(title="现场评定", description="试点企业须现场评定")
    assessed_on: Day = Field(title="评定日期")


class ConfirmLevelOutcome(Choice):
    """What the lead bureau may do with a rating."""

    CONFIRMED = "confirmed", "确认等级"
    REASSESS = "reassess", "要求重新评定"


class ConfirmLevelForm(StepForm):
    """The lead bureau confirms the level, or overrides it with a reason."""

    needed_for = {"reassess": ("reason",)}

    outcome: ConfirmLevelOutcome = Field(title="办理结果")
    level: OptionalLine = Field(
        "", title="确认等级（0-4）", description="留空即确认评定结果；改动须写明理由"
    )
    reason: OptionalLine = Field("", title="理由")
