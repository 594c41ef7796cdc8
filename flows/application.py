"""申报: the visible life of a case in this stage."""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.stage_walk import walk
from models.rules.stages import Stage


@flow(name="申报", description="申报、初审、审核与名单公示。点“⋮ → Resume”办理当前事项。")
def application(case_no: str, entry: int = 1) -> State[str]:
    """Show the case's stay number `entry` in 申报 until it is over."""
    return walk(Stage.APPLICATION, case_no, entry)
