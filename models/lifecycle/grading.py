"""评级: assess → confirm the level."""

from models.forms.assessment import AssessForm, ConfirmLevelForm
from models.lifecycle.step import Back, Enter, Next, Step
from models.rules.stages import Role, Stage

STEPS = (
    Step(
        key="assess",
        label="水平评定",
        role=Role.ASSESSOR,
        form=AssessForm,
        asks="请按最新版《中小企业数字化水平评测指标》现场评定改造后的数字化水平",
        clause="三（一）4",
        outcomes={"assessed": Next("confirm-level")},
    ),
    Step(
        key="confirm-level",
        label="确认等级",
        role=Role.CITY_BUREAU,
        form=ConfirmLevelForm,
        asks="请确认数字化水平等级；改动评定结果须写明理由",
        clause="三（一）4",
        outcomes={"confirmed": Enter(Stage.SUBSIDY), "reassess": Back("assess")},
    ),
)
