"""The tasks of a stage flow: hand in a typed form, close the stay with what it leaves behind."""

from datetime import datetime

from prefect import task

from models.operations.answering import Receipt, refuse
from models.operations.runs import finish, item_of, stay
from models.rules.errors import PilotError
from models.rules.stages import Stage
from tasks.answering import PREFECT_PAGE, Moment, answer_item
from tasks.database import transaction
from tasks.prefect_runs import TypedForm
from tasks.questions import prefect_key


@task(name="提交表单", task_run_name="提交表单 · {form.key}")
def hand_in(flow_run_id: str, form: TypedForm, moment: Moment) -> Receipt | str:
    """Hand a form typed into Prefect to `answer`; return its receipt, or why it was refused.

    Handing it in again, after a kill at any line, has the same result and no other effect.
    """
    key = prefect_key(flow_run_id, form.key)
    item_id = item_of(form.key)
    try:
        return answer_item(item_id, form.values, PREFECT_PAGE, key=key, moment=moment)
    except PilotError as error:
        with transaction() as session:
            refuse(session, item_id, form.values, PREFECT_PAGE, str(error), key=key, at=moment.at)
        return str(error)


def close_stay(case_no: str, stage: Stage, entry: int, at: datetime) -> None:
    """Note that the run of a stay that is over has done all it had to do."""
    with transaction() as session:
        run = stay(session, case_no, stage, entry)
        if run is not None and run.finished_at is None:
            finish(session, run, at)
