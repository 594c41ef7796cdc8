"""What a flow run asks of a person: the words above the form, and the form with its choices.

Seen in Prefect's V2 pages (`/v2/…`), which show all of the words; V1 shrinks them away.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from pydantic import JsonValue, ValidationError, create_model
from pydantic.fields import FieldInfo
from sqlmodel import Session, col, select

from models.forms.base import StepForm
from models.lifecycle import Step, step_of
from models.operations.case_facts import CaseFacts, case_facts
from models.operations.case_history import titled
from models.operations.parties import (
    available_providers,
    contacts_of,
    names_of,
    party_for_role,
)
from models.operations.prefilling import as_written, prefill
from models.operations.runs import Question, ask, pause_key, stay
from models.operations.windows import window_note
from models.operations.working_time import used_in_words
from models.operations.worklists import Stop, stop_of
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.stages import Channel, Role, Stage
from models.tables.case import Answer, Case, WorkItem
from models.tables.party import Party
from models.tables.programme import Batch
from tasks.answering import Moment
from tasks.clock import trial_note
from tasks.database import transaction
from tasks.pages.words import cell

#: Of the step before, not said again: what its title says, what the case's facts say, and how to
#: reach a person.
_KEPT_BACK = frozenset(
    {
        *("outcome", "handler", "reach"),
        *("credit_code", "county", "industry", "scale", "headcount"),
        *("revenue", "main_business", "planned_spend"),
    }
)
#: Of what was said in the step before; the whole of it is in `pilot case history`.
_LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question ready to be put up."""

    key: str
    item_id: int
    enterprise: str
    batch: int
    county: str
    round: int
    waiting_for: Role
    form: type[StepForm]
    #: Markdown, above the form: what is asked and what is known.
    description: str


class NoQuestion(Enum):
    """Why a run has nothing to ask."""

    #: The case has left the stage; the run has only to sum up and to finish.
    STAY_IS_OVER = auto()
    #: Another run shows the stay, or there is no such stay: two runs never show one item.
    NOT_ITS_STAY = auto()


def next_question(
    case_no: str, stage: Stage, entry: int, flow_run_id: str, moment: Moment
) -> Asked | NoQuestion:
    """Return what the run has to ask now, or why it has nothing to ask.

    Anybody may start a run by hand, or retry one that has been replaced: it is not the one noted
    for the stay, and must leave the stay alone.
    """
    with transaction() as session:
        run = stay(session, case_no, stage, entry)
        if run is None:
            return NoQuestion.NOT_ITS_STAY
        if run.flow_run_id is None:
            run.flow_run_id = flow_run_id
        if run.flow_run_id != flow_run_id:
            return NoQuestion.NOT_ITS_STAY
        last = pause_key(run.asked_item_id or 0, run.generation, run.asked_count)
        question = ask(session, run)
        if question is None:
            return NoQuestion.STAY_IS_OVER
        refusal = _refusal(session, flow_run_id, last, question.item_id)
        return _asked(session, question, refusal, moment)


def prefect_key(flow_run_id: str, key: str) -> str:
    """Return the idempotency key of a form typed into Prefect."""
    return f"prefect:{flow_run_id}:{key}"


def _refusal(session: Session, flow_run_id: str, last_key: str, item_id: int) -> Answer | None:
    """Return what was typed here last, if it was refused and the person is still to be told.

    He is told as long as the item is asked (a worker may have died before the form stood), and
    once where the item was closed meanwhile.
    """
    typed = session.exec(
        select(Answer)
        .where(
            (col(Answer.idempotency_key) == prefect_key(flow_run_id, last_key))
            | (
                (col(Answer.item_id) == item_id)
                & col(Answer.idempotency_key).startswith(prefect_key(flow_run_id, ""))
            )
        )
        .order_by(col(Answer.id).desc())
        .limit(1)
    ).first()
    return None if typed is None or typed.is_accepted else typed


def _asked(session: Session, question: Question, refusal: Answer | None, moment: Moment) -> Asked:
    item, party = session.exec(
        select(WorkItem, Party)
        .join(Party, col(Party.id) == col(WorkItem.party_id))
        .where(WorkItem.id == question.item_id)
    ).one()
    step = step_of(item.stage, item.step)
    acting = party_for_role(session, Role.CITY_BUREAU) if party.role is Role.SYSTEM else party
    known = prefill(session, question.item_id)
    if refusal is not None and refusal.item_id == question.item_id:
        # What was typed is not typed again, only mended.
        known = {**known, **json.loads(refusal.form)}
    facts = case_facts(session, item.case_no)
    return Asked(
        key=question.key,
        item_id=question.item_id,
        enterprise=facts.enterprise,
        batch=facts.batch,
        county=facts.county,
        round=item.round,
        waiting_for=party.role,
        form=_form(session, step, acting, known, moment.programme),
        description=_words(session, item, step, party, facts, refusal, moment),
    )


def _form(
    session: Session,
    step: Step,
    acting: Party,
    known: Mapping[str, Any],
    programme: Programme,
) -> type[StepForm]:
    """Return the step's form with this item's choices and with what is known already filled in.

    Only the form's JSON schema is narrowed; what is typed is checked by the operation.
    """
    assert acting.id is not None  # noqa: S101 -- read from the database
    people = [person.name for person in contacts_of(session, acting.id)]
    choices: dict[str, list[JsonValue]] = {
        "handler": [*people],
        "outcome": [o.label for o in step.form.outcomes() if o.value not in step.system_only],
    }
    fields = step.form.model_fields
    if "county" in fields:
        choices["county"] = [term.name for term in programme.counties]
    if "industry" in fields:
        choices["industry"] = [term.name for term in programme.industries]
    if "provider" in fields:
        choices["provider"] = [*available_providers(session)]
    if "assessor" in fields:
        choices["assessor"] = [*names_of(session, Role.ASSESSOR)]
    defaults = dict(known)
    if people:
        defaults["handler"] = people[0]
    changed: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in choices and name not in defaults:
            continue
        narrowed: FieldInfo = copy(field)
        if name in choices:
            narrowed.json_schema_extra = {"enum": choices[name]}
        if name in defaults and defaults[name] in choices.get(name, [defaults[name]]):
            narrowed.default = defaults[name]
            narrowed.default_factory = None
        changed[name] = (field.annotation, narrowed)
    return create_model(step.form.__name__, __base__=step.form, **changed)


def _words(
    session: Session,
    item: WorkItem,
    step: Step,
    party: Party,
    facts: CaseFacts,
    refusal: Answer | None,
    moment: Moment,
) -> str:
    """Return what a person reads before filling in the form: why again, what is asked, the case."""
    parts = []
    if note := trial_note(moment.row):
        parts.append(f"**{note}**")
    if refusal is not None:
        parts.append(f"⚠️ **上次提交未被接受：{cell(refusal.refusal)}**")
    if item.reason:
        parts.append(f"↩️ **退回原因：{cell(item.reason)}**")
    if (item.stage, item.step) == (Stage.APPLICATION, "submit"):
        batch = session.get_one(Batch, session.get_one(Case, item.case_no).batch_id)
        if outside := window_note(batch, day_of(moment.at)):
            parts.append(f"⚠️ **{outside}（待核）**")
    parts.append(f"**{step.label}**（第 {item.round} 轮 · 事项 {item.id}）：{step.asks}。")
    parts.append("先看下面的案情，再**向下滚动**填写表单。")
    stop = stop_of(session, item.id or 0)
    parts.append(_list(_asked_of(item, step, party, stop, moment)))
    parts.append("**案情**")
    used = used_in_words(session, day_of(moment.at), item.case_no)
    parts.append(_list([*facts.lines(), ("已用工作日", used)]))
    if item.stage is Stage.SUBSIDY and facts.ceiling_explanation:
        parts.append("**补助测算**")
        parts.append("\n".join(f"- {cell(line)}" for line in facts.ceiling_explanation))
    if before := _said_before(session, item.case_no):
        title, said = before
        parts.append(f"**上一步 · {title}**")
        if said:
            parts.append(_list(said))
    parts.append(
        "填完点右下角 **Resume**（提交）即完成办理。标有 Optional 的项目可以不填，"
        "除非写明必填。经办人身份为自报，请如实选择。"
    )
    return "\n\n".join(parts)


def _asked_of(
    item: WorkItem, step: Step, party: Party, stop: Stop | None, moment: Moment
) -> Iterator[tuple[str, str]]:
    """Yield who is asked, by when, and on which ground."""
    due = f"{item.due_on:%Y年%-m月%-d日}" if item.due_on else "未定"
    if item.due_on and item.due_on < day_of(moment.at):
        due += "，已逾期"
    if not moment.programme.step(item.stage, item.step).verified:
        due += "（时限待核）"
    if party.role is Role.SYSTEM:
        yield "办理单位", f"{Role.CITY_BUREAU.label}（仅在收到实名异议时）"
        yield "公示期满", due
    else:
        yield "办理单位", party.name
        yield "截止日期", stop.words if stop else due
    yield "依据", f"{moment.programme.document_no} {step.clause}"


def _said_before(session: Session, case_no: str) -> tuple[str, list[tuple[str, str]]] | None:
    """Return what a person last said in the case: the title of it, and each (title, text)."""
    last = session.exec(
        select(Answer, WorkItem)
        .select_from(Answer)
        .join(WorkItem, col(WorkItem.id) == col(Answer.item_id))
        .where(WorkItem.case_no == case_no, Answer.is_accepted, Answer.channel != Channel.SYSTEM)
        .order_by(col(Answer.id).desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    answer, item = last
    step = step_of(item.stage, item.step)
    try:
        form = step.form.model_validate_json(answer.form)
    except ValidationError:  # a form of an earlier year, with other fields
        return None
    values = {name: text for name, text in as_written(form).items() if name not in _KEPT_BACK}
    said = [
        (title, text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
        for title, text in titled(step.form, values)
    ]
    return f"{step.label}：{form.outcome.label}（{cell(form.handler)}）", said


def _list(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- {title}：{cell(text)}" for title, text in pairs)
