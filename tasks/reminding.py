"""The day's reminders: one mail a person, whatever number of matters and rules has come due."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Self

from sqlalchemy import Engine
from sqlmodel import Session

from models.lifecycle import step_of
from models.operations.outbox import NewMail, queue_mails
from models.operations.reminders import Reminded, prove_reminders, reminded_on
from models.policy import Programme
from models.rules.clock import day_of
from models.tables.mail import machine_now
from notifications.contexts import DueMatters, Matter
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
#: So many people's mails are in memory at once.
_AT_ONCE = 500
_UNCONFIRMED = "办理时限与催办日程待核（系统默认值，方案未规定）"


def remind(moment: Moment, on: Engine | None = None) -> int:
    """Prove and queue the day's reminders, all or nothing; return to how many people they go."""
    today, rules = day_of(moment.at), moment.programme.reminders
    people = 0
    with transaction(on) as session:
        prove_reminders(session, rules, today)
        # Also what an earlier sweep of the day has proven: its mails have their keys already.
        writer = _Writer.of(session, moment)
        with closing(reminded_on(session, rules, today)) as told:
            while some := list(islice(told, _AT_ONCE)):
                queue_mails(session, list(map(writer.mail, some)))
                people += len(some)
    return people


@dataclass(frozen=True, kw_only=True)
class _Writer:
    """Writes the mails of one sweep; what is the same in all of them is found out once."""

    moment: Moment
    common: Mapping[str, object]
    held_until: datetime | None

    @classmethod
    def of(cls, session: Session, moment: Moment) -> Self:
        """Return the one for this sweep."""
        programme = moment.programme
        return cls(
            moment=moment,
            common={
                **office_words(programme),
                "programme_name": programme.name,
                "document_no": programme.document_no,
                "document_title": programme.document_title,
                "written_at": moment.at,
                "trial_note": trial_note(moment.row),
                "how_to_answer": _HOW_TO_ANSWER,
            },
            held_until=not_before(session, DueMatters, programme, moment.row, now=machine_now()),
        )

    def mail(self, told: Sequence[Reminded]) -> NewMail:
        """Return one person's mail. Its words are checked when they are read to be sent."""
        first = told[0]
        context = DueMatters.model_construct(
            **self.common,  # type: ignore[arg-type]  # fields by name
            recipient_party=first.party,
            recipient_name=first.name,
            unverified_note=_doubt(self.moment.programme, told),
            matters=tuple(
                Matter.model_construct(
                    case_no=each.case_no,
                    enterprise_name=each.enterprise,
                    item_id=each.item_id,
                    stage_name=each.stage.label,
                    step_name=step_of(each.stage, each.step).label,
                    due_on=each.due_on,
                    days_left=each.days_left,
                    waits_for=each.waits_for or None,
                )
                for each in told
            ),
        )
        return NewMail(
            dedup_key=f"{DueMatters.template}:{first.day}:{first.contact_id}",
            template=DueMatters.template,
            context=context.model_dump_json(),
            to_party=first.party,
            to_name=first.name,
            to_address=first.email,
            queued_at=self.moment.at,
            contact_id=first.contact_id,
            not_before=self.held_until,
        )


def _doubt(programme: Programme, told: Sequence[Reminded]) -> str | None:
    """Return the warning due where a deadline or the reminder rests on an unconfirmed figure."""
    rules = {rule.key: rule.verified for rule in programme.reminders}
    is_confirmed = all(
        programme.step(each.stage, each.step).verified and rules.get(each.rule, False)
        for each in told
    )
    return None if is_confirmed else _UNCONFIRMED
