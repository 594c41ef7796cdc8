"""验收: dossier → assign the third party → review."""

from models.forms.acceptance import AssignAssessorForm, DossierForm, ReviewForm
from models.lifecycle.step import End, Enter, Next, Step
from models.rules.stages import CaseStatus, Role, Stage

STEPS = (
    Step(
        key="dossier",
        label="提交验收材料",
        role=Role.ENTERPRISE,
        form=DossierForm,
        asks="请提交验收申请及全部验收材料",
        clause="三（一）4",
        outcomes={"submitted": Next("assign-assessor")},
    ),
    Step(
        key="assign-assessor",
        label="指派验收机构",
        role=Role.CITY_BUREAU,
        form=AssignAssessorForm,
        asks="请指派与企业、服务商无利害关系的第三方机构开展验收",
        clause="三（一）4",
        outcomes={"assigned": Next("review")},
    ),
    Step(
        key="review",
        label="现场验收",
        role=Role.ASSESSOR,
        form=ReviewForm,
        asks="请现场验收，从四个方面评价成效，并逐笔认定支出",
        clause="三（一）4",
        outcomes={
            "passed": Enter(Stage.GRADING),
            # The work is mended under the contract that stands.
            "rectify": Enter(Stage.TRANSFORMATION, "implement", is_return=True),
            "failed": End(CaseStatus.FAILED),
        },
    ),
)
