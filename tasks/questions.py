"""What a flow run asks of a person: the words above the form, and the form with its choices."""

import json
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue, create_model
from pydantic.fields import FieldInfo
from sqlmodel import Session, col, select

from models.forms.base import StepForm
from models.lifecycle import Step, step_of
from models.operations.case_facts import CaseFacts, case_facts
from models.operations.parties import (
    available_providers,
    contacts_of,
    names_of,
    party_for_role,
)
from models.operations.prefilling import prefill
from models.operations.runs import Question, ask, pause_key, stay
from models.policy import Programme
from models.rules.choice import Choice
from models.rules.stages import Role, Stage
from models.tables.case import Answer, WorkItem
from models.tables.party import Party
from tasks.answering import Moment
from tasks.clock import trial_note
from tasks.database import transaction


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
    #: Markdown, above the form.
    description: str


def next_question(
    case_no: str, stage: Stage, entry: int, flow_run_id: str, moment: Moment
) -> Asked | None:
    """Return what the run has to ask now; None when the stay in the stage is over.

    A run that is not (or no longer) the one noted for its stay has nothing to ask: two runs never
    show one item.
    """
    with transaction() as session:
        run = stay(session, case_no, stage, entry)
        if run is None:
            return None
        if run.flow_run_id is None:
            run.flow_run_id = flow_run_id
        if run.flow_run_id != flow_run_id:
            return None
        last = pause_key(run.asked_item_id or 0, run.generation, run.asked_count)
        question = ask(session, run)
        if question is None:
            return None
        refusal = _refusal(session, flow_run_id, last)
        return _asked(session, question, refusal, moment)


def prefect_key(flow_run_id: str, key: str) -> str:
    """Return the idempotency key of a form typed into Prefect."""
    return f"prefect:{flow_run_id}:{key}"


def _refusal(session: Session, flow_run_id: str, last_key: str) -> Answer | None:
    """Return the refused answer to the form that was up before, if it was refused."""
    return session.exec(
        select(Answer).where(
            Answer.idempotency_key == prefect_key(flow_run_id, last_key),
            ~col(Answer.is_accepted),
        )
    ).first()


def _asked(session: Session, question: Question, refusal: Answer | None, moment: Moment) -> Asked:
    item, party = session.exec(
        select(WorkItem, Party)
        .join(Party, col(Party.id) == col(WorkItem.party_id))
        .where(WorkItem.id == question.item_id)
    ).one()
    step = step_of(item.stage, item.step)
    acting = party_for_role(session, Role.CITY_BUREAU) if party.role is Role.SYSTEM else party
    known = prefill(session, question.item_id)
    if refusal is not None:
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
        description=_description(item, step, party, facts, refusal, moment),
    )


def _form(
    session: Session, step: Step, acting: Party, known: Mapping[str, Any], programme: Programme
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
    # A default is shown as it stands in the schema: a choice by its label.
    defaults = {
        name: field.default.label
        for name, field in fields.items()
        if isinstance(field.default, Choice)
    }
    defaults.update(known)
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


def _description(
    item: WorkItem,
    step: Step,
    party: Party,
    facts: CaseFacts,
    refusal: Answer | None,
    moment: Moment,
) -> str:
    """Return the words above the form: what is asked, by when, why again, and the case's facts."""
    lines = []
    if note := trial_note(moment.row):
        lines.append(f"> **{note}**")
    if refusal is not None:
        lines.append(f"> ⚠️ **上次提交未被接受：{refusal.refusal}**")
    if item.reason:
        lines.append(f"> ↩️ **退回原因：{item.reason}**")
    length = moment.programme.step(item.stage, item.step)
    due = f"{item.due_on:%Y年%-m月%-d日}" if item.due_on else "未定"
    unverified = "" if length.verified else "（时限待核）"
    lines.append(
        f"**{step.label}**（第 {item.round} 轮 · 事项 {item.id}）\n\n"
        f"{step.asks}。\n\n"
        f"- 办理单位：**{party.name}**\n"
        f"- 截止日期：**{due}**{unverified}\n"
        f"- 依据：{moment.programme.document_no} {step.clause}"
    )
    lines.append("\n".join(f"- {label}：{value}" for label, value in facts.lines()))
    lines.append(
        "填写后点击下方 **Submit**（提交）即完成办理。办理人身份为自报，请如实选择经办人。"
    )
    return "\n\n".join(lines)
