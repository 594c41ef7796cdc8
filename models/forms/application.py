"""Forms of 申报: the application, two reviews and the public notice."""

from pydantic import Field

from models.forms.base import StepForm
from models.forms.fields import OptionalLine, OptionalText, OptionalYuan
from models.rules.choice import Choice


class Scale(Choice):
    """Whether an enterprise is above the statistical size (plan 三（一）1)."""

    ABOVE = "above", "规上"
    BELOW = "below", "规下"


class SubmitOutcome(Choice):
    """What the enterprise may do with its application."""

    SUBMITTED = "submitted", "提交申报"
    WITHDRAWN = "withdrawn", "撤回申报"


class SubmitForm(StepForm):
    """The application of an enterprise."""

    needed_for = {
        "submitted": (
            "credit_code",
            "county",
            "industry",
            "headcount",
            "revenue",
            "main_business",
            "needs",
            "planned_spend",
        ),
        "withdrawn": ("reason",),
    }

    outcome: SubmitOutcome = Field(title="办理结果")
    credit_code: OptionalLine = Field("", title="统一社会信用代码", description="18 位")
    county: OptionalLine = Field("", title="所属县市区")
    industry: OptionalLine = Field("", title="所属行业")
    scale: Scale = Field(Scale.BELOW, title="规上/规下")
    headcount: int = Field(0, title="从业人数", ge=0, le=1_000_000)
    revenue: OptionalYuan = Field(None, title="上年度营业收入（元）")
    main_business: OptionalText = Field("", title="主营业务")
    needs: OptionalText = Field("", title="数字化改造需求")
    planned_spend: OptionalYuan = Field(None, title="计划投入（元）")
    is_committed: bool = Field(
        False, title="承诺", description="我单位承诺所填内容真实，未重复享受同类财政资金"
    )
    reason: OptionalText = Field("", title="说明")


class CountyReviewOutcome(Choice):
    """What a county bureau may decide."""

    RECOMMEND = "recommend", "推荐"
    RETURN = "return", "退回补正"
    REJECT = "reject", "不予推荐"


class CountyReviewForm(StepForm):
    """The county bureau's first review."""

    needed_for = {"return": ("opinion",), "reject": ("opinion",)}

    outcome: CountyReviewOutcome = Field(title="办理结果")
    is_local_legal_person: bool = Field(False, title="在本地注册的独立法人")
    is_sme: bool = Field(False, title="符合中小企业划型标准")
    is_in_good_standing: bool = Field(False, title="未列入经营异常、严重失信名单")
    has_no_major_case: bool = Field(False, title="近年无重大安全、环保、税务案件")
    has_no_double_funding: bool = Field(False, title="未重复享受中央或省级同类资金")
    opinion: OptionalText = Field("", title="审核意见")


class CityReviewOutcome(Choice):
    """What the lead bureau may decide on an application."""

    SELECT = "select", "拟入选"
    RETURN = "return", "退回补正"
    REJECT = "reject", "不予入选"


class CityReviewForm(StepForm):
    """The lead bureau's review."""

    needed_for = {"return": ("opinion",), "reject": ("opinion",)}

    outcome: CityReviewOutcome = Field(title="办理结果")
    opinion: OptionalText = Field("", title="审核意见")


class NoticeOutcome(Choice):
    """What may happen to a public notice."""

    OBJECTION = "objection", "登记异议"
    DISMISSED = "dismissed", "异议不成立"
    UPHELD = "upheld", "异议成立"
    PASSED = "passed", "公示期满无异议"


class NoticeForm(StepForm):
    """An objection to a public notice, or the decision on it; the system itself ends the notice."""

    needed_for = {
        "objection": ("objector", "reach", "content"),
        "dismissed": ("decision",),
        "upheld": ("decision",),
    }

    outcome: NoticeOutcome = Field(title="办理结果", description="公示期满由系统自动办结，无需填报")
    objector: OptionalLine = Field("", title="异议人（实名）")
    reach: OptionalLine = Field("", title="异议人联系方式")
    content: OptionalText = Field("", title="异议内容")
    decision: OptionalText = Field("", title="处理意见")
