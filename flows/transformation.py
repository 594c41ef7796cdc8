"""改造: the visible life of a case in this stage."""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.stage_walk import walk
from models.rules.stages import Stage


@flow(name="改造", description="签订合同、实施改造与支出申报。点“⋮ → Resume”办理当前事项。")
def transformation(case_no: str, entry: int = 1) -> State[str]:
    """Show the case's stay number `entry` in 改造 until it is over."""
    return walk(Stage.TRANSFORMATION, case_no, entry)
