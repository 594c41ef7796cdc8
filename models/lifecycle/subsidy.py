"""补助: propose → public notice → finance approves → pay."""

from models.forms.application import NoticeForm
from models.forms.subsidy import FinanceApproveForm, PayForm, ProposeForm
from models.lifecycle.step import Back, End, Next, Stay, Step
from models.rules.stages import CaseStatus, Role

STEPS = (
    Step(
        key="propose",
        label="提出补助建议",
        role=Role.CITY_BUREAU,
        form=ProposeForm,
        asks="请按认定支出和确认等级提出补助比例与金额",
        clause="三（一）4",
        outcomes={
            "proposed": Next("public-notice"),
            "none": End(CaseStatus.NO_SUBSIDY),
        },
    ),
    Step(
        key="public-notice",
        label="补助公示",
        role=Role.SYSTEM,
        form=NoticeForm,
        asks="公示期内如有实名异议，请登记并处理；期满无异议由系统自动办结",
        clause="五（三）",
        outcomes={
            "objection": Stay(),
            "dismissed": Stay(),
            "upheld": Back("propose"),
            "passed": Next("finance-approve"),
        },
        system_only=frozenset({"passed"}),
    ),
    Step(
        key="finance-approve",
        label="财政审批",
        role=Role.FINANCE_BUREAU,
        form=FinanceApproveForm,
        asks="请审批补助资金；审批人不得为提出建议的人",
        clause="五（二）",
        outcomes={"approved": Next("pay"), "returned": Back("propose")},
    ),
    Step(
        key="pay",
        label="拨付资金",
        role=Role.FINANCE_BUREAU,
        form=PayForm,
        asks="请按批准金额拨付并登记拨付凭证",
        clause="五（二）",
        outcomes={"paid": End(CaseStatus.COMPLETED)},
    ),
)
