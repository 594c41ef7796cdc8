"""日历时点: what a window that opens or has ended brings, once."""

from prefect import flow

from models.operations.milestones import note_day, progress
from models.rules.clock import day_of
from tasks.answering import Moment, present_moment
from tasks.boards import Boards
from tasks.database import transaction
from tasks.moments import handle_moments
from tasks.prefect_runs import prefect


@flow(
    name="日历时点",
    description="申报期、改造期、里程碑开始或届满时运行：通知各县市区和企业，更新里程碑看板。",
)
def calendar_moments() -> str:
    """Deal with the moments that have come; a second run finds nothing to do."""
    moment = present_moment()
    handled = handle_moments(moment)
    _look(moment)
    with prefect() as client:
        Boards().refresh_calendar(client, moment)
    lines = "；".join(f"{each.words}（邮件 {each.mails} 封）" for each in handled)
    return lines or "没有待处理的时点"


def _look(moment: Moment) -> None:
    today = day_of(moment.at)
    with transaction() as session:
        note_day(session, progress(session, moment.programme, today), today)
