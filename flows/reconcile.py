"""核对运行: Prefect shows what the database says, whatever was lost."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.prefect_runs import prefect, reconcile


@flow(
    name="核对运行",
    description="每 10 分钟核对一次：补建缺失的运行，唤醒已在别处办理的，清理多余的。",
)
def reconcile_runs() -> State[str]:
    """Compare open items with flow runs and put right what differs."""
    with prefect() as client:
        repairs = reconcile(client)
    if repairs.is_nothing:
        return Completed(message="一致，无需处理")
    return Completed(
        message=(
            f"新建 {repairs.made}，唤醒 {repairs.woken}，重建 {repairs.replaced}，"
            f"重排 {repairs.rescheduled}，取消 {repairs.cancelled}"
        )
    )
