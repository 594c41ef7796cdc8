"""验收: the visible life of a case in this stage."""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.stage_walk import walk
from models.rules.stages import Stage


@flow(name="验收", description="验收材料、指派机构与现场验收。点“⋮ → Resume”办理当前事项。")
def acceptance(case_no: str, entry: int = 1) -> State[str]:
    """Show the case's stay number `entry` in 验收 until it is over."""
    return walk(Stage.ACCEPTANCE, case_no, entry)
