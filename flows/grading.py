"""评级: the visible life of a case in this stage."""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.stage_walk import walk
from models.rules.stages import Stage


@flow(name="评级", description="水平评定与等级确认。点“⋮ → Resume”办理当前事项。")
def grading(case_no: str, entry: int = 1) -> State[str]:
    """Show the case's stay number `entry` in 评级 until it is over."""
    return walk(Stage.GRADING, case_no, entry)
