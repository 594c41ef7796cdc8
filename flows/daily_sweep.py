"""每日巡检: the calendar's own decisions, once a day and after every gap."""

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact

from models.policy import Programme
from tasks.answering import present_moment
from tasks.boards import Boards
from tasks.overdue_tags import tag_overdue
from tasks.prefect_runs import make_runs, prefect, wake_runs
from tasks.sweeping import Swept, sweep_day

_sweep = task(name="办结与发布公示，催办")(sweep_day)


@flow(
    name="每日巡检",
    description="每日 8:30 办结公示、发布名单、催办、封存审计记录、检查里程碑、刷新看板。",
)
def daily_sweep() -> str:
    """Sweep the programme's present day; a second sweep of it finds nothing to do."""
    moment = present_moment()
    swept = _sweep(moment)
    create_markdown_artifact(
        key="daily-sweep", markdown=_page(swept, moment.programme), description="每日巡检结果"
    )
    with prefect() as client:
        make_runs(client)
        wake_runs(client)
        tag_overdue(client, swept.day)
        boards = Boards()
        boards.refresh(client, moment)
        boards.refresh_calendar(client, moment)
    return f"{swept.day}：办结公示 {len(swept.ended.receipts)} 项，发布公示 {swept.begun.items} 项"


def _page(swept: Swept, programme: Programme) -> str:
    lines = [
        f"# 每日巡检 · {swept.day}",
        "",
        f"- 期满办结的公示：{len(swept.ended.receipts)} 项",
        *(f"  - {receipt.case_no} {receipt.enterprise}" for receipt in swept.ended.receipts),
        f"- 新发布的公示：{swept.begun.items} 项（{'、'.join(swept.begun.notice_nos) or '无'}）",
        f"- 催办：{swept.reminded} 人（每人每日至多一封，其各项事项合并在内）",
        f"- 审计记录封存：{'已封存' if swept.is_sealed else '此前已封存'}",
    ]
    if swept.milestones:
        lines.append("- 里程碑状态有变：")
        lines += [
            f"  - {programme.progress[each.key].short}：{each.before.label} → {each.after.label}"
            for each in swept.milestones
        ]
    if swept.ended.refused:
        lines.append("- **未能办结，需人工处理：**")
        lines += [f"  - 事项 {item}：{reason}" for item, reason in swept.ended.refused]
    return "\n".join(lines)
