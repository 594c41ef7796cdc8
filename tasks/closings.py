"""What a stage leaves in Prefect when it is over: a summary made from our records.

Names of parties and sums, no addresses and no documents: least data in Prefect.
"""

from prefect import task
from prefect.artifacts import create_markdown_artifact
from sqlmodel import col, select

from models.lifecycle import step_of
from models.operations.case_facts import case_facts
from models.rules.clock import SHANGHAI
from models.rules.stages import Stage
from models.tables.case import Answer, WorkItem
from tasks.answering import Moment
from tasks.clock import trial_note
from tasks.database import reading
from tasks.pages.words import cell


def stage_summary(case_no: str, stage: Stage, moment: Moment) -> str:
    """Return, as markdown, what is known of the case and who did what in `stage`."""
    with reading() as session:
        facts = case_facts(session, case_no)
        answers = session.exec(
            select(Answer, WorkItem)
            .select_from(Answer)
            .join(WorkItem, col(WorkItem.id) == col(Answer.item_id))
            .where(WorkItem.case_no == case_no, WorkItem.stage == stage, Answer.is_accepted)
            .order_by(col(Answer.id))
        ).all()
    lines = [f"# {stage.label} · {case_no} {facts.enterprise}"]
    if note := trial_note(moment.row):
        lines.append(f"**{note}**")
    lines.append("## 办理经过")
    lines.append("| 时间 | 轮次 | 步骤 | 结果 | 经办人 |\n|---|---|---|---|---|")
    for answer, item in answers:
        step = step_of(item.stage, item.step)
        outcome = step.form.outcomes().read(answer.outcome).label
        at = answer.at.astimezone(SHANGHAI)
        lines[-1] += (
            f"\n| {at:%Y-%m-%d %H:%M} | {item.round} | {step.label} | {outcome} "
            f"| {answer.handler} |"
        )
    lines.append("## 案卷要点")
    lines.append("| 项目 | 内容 |\n|---|---|")
    lines[-1] += "".join(f"\n| {title} | {cell(text)} |" for title, text in facts.lines())
    if stage is Stage.SUBSIDY and facts.ceiling_explanation:
        lines.append("## 补助测算")
        lines.append("\n".join(f"- {line}" for line in facts.ceiling_explanation))
    return "\n\n".join(lines)


@task(name="阶段小结", task_run_name="阶段小结 · {case_no}")
def close_stage(case_no: str, stage: Stage, moment: Moment) -> None:
    """Put the stage's summary up on the run's own page."""
    create_markdown_artifact(
        # Without a key it stands with its run and does not crowd the boards.
        markdown=stage_summary(case_no, stage, moment),
        description=f"{stage.label}小结 · {case_no}",
    )
