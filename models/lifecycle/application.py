"""申报: submit → county review → city review → public notice."""

from models.forms.application import CityReviewForm, CountyReviewForm, NoticeForm, SubmitForm
from models.lifecycle.step import Back, End, Enter, Next, Stay, Step
from models.rules.stages import CaseStatus, Role, Stage

STEPS = (
    Step(
        key="submit",
        label="提交申报",
        role=Role.ENTERPRISE,
        form=SubmitForm,
        asks="请填写并提交试点企业申报表",
        clause="三（一）1",
        outcomes={"submitted": Next("county-review"), "withdrawn": End(CaseStatus.WITHDRAWN)},
    ),
    Step(
        key="county-review",
        label="县市区初审",
        role=Role.COUNTY_BUREAU,
        form=CountyReviewForm,
        asks="请审核企业的申报条件并提出推荐意见",
        clause="三（一）1",
        outcomes={
            "recommend": Next("city-review"),
            "return": Back("submit"),
            "reject": End(CaseStatus.REJECTED),
        },
    ),
    Step(
        key="city-review",
        label="市级审核",
        role=Role.CITY_BUREAU,
        form=CityReviewForm,
        asks="请审核并确定是否拟入选试点企业名单",
        clause="三（一）1",
        outcomes={
            "select": Next("public-notice"),
            "return": Back("submit"),
            "reject": End(CaseStatus.REJECTED),
        },
    ),
    Step(
        key="public-notice",
        label="名单公示",
        role=Role.SYSTEM,
        form=NoticeForm,
        asks="公示期内如有实名异议，请登记并处理；期满无异议由系统自动办结",
        clause="三（一）1",
        outcomes={
            "objection": Stay(),
            "dismissed": Stay(),
            "upheld": Back("city-review"),
            "passed": Enter(Stage.DIAGNOSIS),
        },
        system_only=frozenset({"passed"}),
    ),
)
