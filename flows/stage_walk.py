"""What every stage flow does: stand at the open item, hand in what is typed, go on, finish."""

import logging
from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.flow_runs import suspend_flow_run
from prefect.input.run_input import RunInput
from prefect.runtime import flow_run
from prefect.states import Completed

from models.operations.answering import Receipt
from models.rules.stages import Stage
from tasks.answering import present_moment
from tasks.closings import close_stage
from tasks.prefect_runs import (
    forget_form,
    make_runs,
    prefect,
    run_name,
    run_tags,
    typed_forms,
)
from tasks.questions import NoQuestion, next_question
from tasks.stage_steps import close_stay, hand_in

#: What it says stands in the run's log.
_log = logging.getLogger(__name__)
#: Longer than any programme: deadlines are ours, a form must never run out.
_TEN_YEARS = 10 * 366 * 24 * 3600


def walk(stage: Stage, case_no: str, entry: int) -> State[str]:
    """Show one stay of a case in `stage` until it is over; return the end, in words.

    Runs anew from the top after every resume or wake, and goes straight to what is open now:
    answers typed here are handed in first (also those a killed worker left behind); then the open
    item's form is put up under a new key. When the stay is over, its summary is written and the
    run of the next stay is made.
    """
    run_id = str(flow_run.get_id())
    moment = present_moment()
    refused = ""
    with prefect() as client:
        for form in typed_forms(client, run_id):
            answered = hand_in(run_id, form, moment)
            if isinstance(answered, Receipt):
                _log.info("回执 %s：%s", answered.number, answered.outcome_label)
            else:
                _log.warning("未被接受：%s", answered)
                refused = f"；上次提交未被接受：{answered}"
            forget_form(client, run_id, form.key)
        asked = next_question(case_no, stage, entry, run_id, moment)
        if asked is NoQuestion.NOT_ITS_STAY:
            return Completed(message=f"本案{stage.label}阶段另有运行在办，此运行不再使用{refused}")
        if asked is NoQuestion.STAY_IS_OVER:
            close_stage(case_no, stage, moment)
            close_stay(case_no, stage, entry, moment.at)
            make_runs(client, case_no=case_no)
            # No form follows that could say so.
            return Completed(message=f"{stage.label}阶段已结束{refused}")
        client.update_flow_run(
            UUID(run_id),
            name=run_name(stage, case_no, asked.enterprise, asked.round),
            tags=run_tags(stage, asked.batch, asked.county, asked.waiting_for),
        )
    form_type = RunInput.subclass_from_base_model_type(asked.form).with_initial_data(
        description=asked.description
    )
    suspend_flow_run(wait_for_input=form_type, key=asked.key, timeout=_TEN_YEARS)
    raise RuntimeError("a key used for the first time cannot have been answered already")
