"""诊断: the visible life of a case in this stage."""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.stage_walk import walk
from models.rules.stages import Stage


@flow(name="诊断", description="指派服务商、咨询诊断与企业确认。点“⋮ → Resume”办理当前事项。")
def diagnosis(case_no: str, entry: int = 1) -> State[str]:
    """Show the case's stay number `entry` in 诊断 until it is over."""
    return walk(Stage.DIAGNOSIS, case_no, entry)
