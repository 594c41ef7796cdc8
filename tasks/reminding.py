"""The day's reminders: one mail a person, whatever number of matters and rules has come due."""

from sqlalchemy import Engine
from sqlmodel import Session

from models.operations.reminder_mails import Announced, queue_reminders
from models.operations.reminders import prove_reminders
from models.rules.clock import day_of
from models.tables.mail import machine_now
from notifications.contexts import DueMatters
from tasks.answering import Moment
from tasks.clock import trial_note
from tasks.database import transaction
from tasks.hand_off_mails import office_words
from tasks.sending_hours import not_before

_HOW_TO_ANSWER = (
    "打开办理页面，搜索案卷号，打开“等待办理”的运行，"
    "点右上角“⋮”中的“Resume”（办理），填写表单并提交",
    "也可将内容交工作人员登记，并说明事项编号",
)
_UNCONFIRMED = "办理时限与催办日程待核（系统默认值，方案未规定）"


def remind(moment: Moment, on: Engine | None = None) -> int:
    """Prove and queue the day's reminders, all or nothing; return to how many people they go."""
    with transaction(on) as session:
        prove_reminders(session, moment.programme.reminders, day_of(moment.at))
        return queue_mails(session, moment)


def queue_mails(session: Session, moment: Moment) -> int:
    """Queue one mail for each person whom the day's proofs name; return how many people."""
    programme = moment.programme
    announced = Announced(
        words={
            **office_words(programme),
            "programme_name": programme.name,
            "document_no": programme.document_no,
            "document_title": programme.document_title,
            "written_at": moment.at.isoformat(),
            "trial_note": trial_note(moment.row),
            "unverified_note": _UNCONFIRMED,
            "how_to_answer": _HOW_TO_ANSWER,
        },
        confirmed_rules=[rule.key for rule in programme.reminders if rule.verified],
        confirmed_steps=[
            f"{stage.value}.{step}"
            for stage, steps in programme.steps.items()
            for step, length in steps.items()
            if length.verified
        ],
    )
    return queue_reminders(
        session,
        day_of(moment.at),
        announced,
        queued_at=moment.at,
        held_until=not_before(session, DueMatters, programme, moment.row, now=machine_now()),
    )
