"""补助: the visible life of a case in this stage."""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.stage_walk import walk
from models.rules.stages import Stage


@flow(name="补助", description="补助建议、公示、财政审批与拨付。点“⋮ → Resume”办理当前事项。")
def subsidy(case_no: str, entry: int = 1) -> State[str]:
    """Show the case's stay number `entry` in 补助 until it is over."""
    return walk(Stage.SUBSIDY, case_no, entry)
