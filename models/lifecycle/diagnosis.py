"""诊断: assign a provider → diagnose → the enterprise confirms."""

from models.forms.diagnosis import AssignProviderForm, ConfirmForm, DiagnoseForm
from models.lifecycle.step import Back, Enter, Next, Step
from models.rules.stages import Role, Stage

STEPS = (
    Step(
        key="assign-provider",
        label="指派诊断服务商",
        role=Role.CITY_BUREAU,
        form=AssignProviderForm,
        asks="请从服务商资源池中指派一家服务商开展诊断",
        clause="三（一）3",
        outcomes={"assigned": Next("diagnose")},
    ),
    Step(
        key="diagnose",
        label="咨询诊断",
        role=Role.PROVIDER,
        form=DiagnoseForm,
        asks="请对企业开展转型体检和咨询诊断，提交诊断评估意见和改造建议",
        clause="三（一）3",
        outcomes={"reported": Next("confirm")},
    ),
    Step(
        key="confirm",
        label="确认诊断",
        role=Role.ENTERPRISE,
        form=ConfirmForm,
        asks="请阅读诊断报告并确认是否认可",
        clause="三（一）3",
        outcomes={
            "accepted": Enter(Stage.TRANSFORMATION),
            "redo": Back("diagnose"),
            "change-provider": Back("assign-provider"),
        },
    ),
)
