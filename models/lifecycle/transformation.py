"""改造: contract → implement → declare the spending."""

from models.forms.transformation import ContractForm, DeclareForm, ImplementForm
from models.lifecycle.step import Enter, Next, Stay, Step
from models.rules.stages import Role, Stage

STEPS = (
    Step(
        key="contract",
        label="签订合同",
        role=Role.ENTERPRISE,
        form=ContractForm,
        asks="请选择服务商签订数字化改造合同并登记合同信息",
        clause="三（一）3",
        outcomes={"signed": Next("implement")},
    ),
    Step(
        key="implement",
        label="实施改造",
        role=Role.ENTERPRISE,
        form=ImplementForm,
        asks="请按诊断建议实施改造，按月上报进度，完成后选择“改造完成”",
        clause="三（一）3",
        outcomes={"progress": Stay(), "completed": Next("declare")},
    ),
    Step(
        key="declare",
        label="申报支出",
        role=Role.ENTERPRISE,
        form=DeclareForm,
        asks="请逐张发票申报数字化改造实际投入",
        clause="三（一）4",
        outcomes={"declared": Enter(Stage.ACCEPTANCE)},
    ),
)
