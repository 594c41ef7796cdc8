"""`answer`: the one transaction that moves a case."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert
from sqlmodel import Session, col, select

from models.forms.base import StepForm
from models.lifecycle import Move, Stay, Step, step_of
from models.operations.answer_refusals import (
    ItemClosedError,
    KeyReusedError,
    RefusedBeforeError,
    SystemOnlyError,
    UnknownHandlerError,
    UnknownItemError,
    WrongPartyError,
    require_item_number,
)
from models.operations.asking import ToldBefore, take_in_hand, told_before
from models.operations.audit import Deed, record
from models.operations.case_in_hand import AskedItem, CaseInHand, OpenedItem
from models.operations.context import Answering
from models.operations.effects import EFFECTS
from models.operations.moving import close_item, follow
from models.operations.parties import Addressee, Applicant, Person, party_for_role, people_of
from models.operations.receipts import SYSTEM, SYSTEM_HANDLER, Caller, Receipt
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.stages import Role
from models.tables.audit import AuditEntry
from models.tables.case import Answer
from models.tables.party import Party

__all__ = [
    "SYSTEM",
    "Answered",
    "Caller",
    "ItemClosedError",
    "KeyReusedError",
    "Receipt",
    "RefusedBeforeError",
    "SystemOnlyError",
    "UnknownHandlerError",
    "UnknownItemError",
    "WrongPartyError",
    "answer",
    "refuse",
    "require_item_number",
]

_KEEP = insert(Answer.metadata.tables["answer"]).inline()


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What an answer has done: the receipt, and what those who write the mails need to know."""

    receipt: Receipt
    is_repeat: bool
    move: Move | None = None
    case: CaseInHand | None = None
    form: StepForm | None = None
    enterprise: Applicant | None = None
    asked_party: Party | Addressee | None = None
    #: party -> its contacts or, of who is asked next, the primary one alone.
    people: Mapping[int, list[Person]] = field(default_factory=dict)
    next_item: OpenedItem | None = None
    next_party: Addressee | None = None
    reason: str = ""


def answer(
    session: Session,
    item_id: int,
    given: Mapping[str, object],
    caller: Caller,
    *,
    key: str,
    programme: Programme,
    at: datetime,
) -> Answered:
    """Answer an item: check, record, audit, close it and open what follows.

    The same `key` again gives the same receipt and changes nothing. Every refusal is a
    `PilotError` in the words of the person; the caller then rolls the transaction back.
    """
    require_item_number(item_id)
    asked = take_in_hand(session, item_id, key)
    case, item, enterprise = asked.case, asked.item, asked.enterprise
    step = step_of(item.stage, item.step)
    if asked.before is not None:
        return _again(asked.before, item_id, key)
    if item.closed_at is not None:
        raise _closed(session, item, step)
    acting = _acting(session, asked.party, caller)
    if caller.party is not None and caller.party not in (acting.name, acting.role.label):
        raise WrongPartyError(item_id, caller.party, acting.name)
    form, people = _read(session, step, acting, enterprise, given, caller)
    outcome = form.outcome
    if outcome.value in step.system_only and caller is not SYSTEM:
        raise SystemOnlyError(outcome.label)

    position = _position(case, item)
    answering = Answering(
        session=session,
        programme=programme,
        case=case,
        item=item,
        step=step,
        enterprise=enterprise,
        handler=form.handler,
        at=at,
        today=day_of(at),
    )
    EFFECTS[item.stage, item.step](answering, form)
    move = step.outcomes[outcome.value]
    reason = _reason(form)
    if not isinstance(move, Stay):
        close_item(session, item.id, outcome.value, at)
    party = asked.party
    waiting = follow(session, programme, case, enterprise, item, party, move, reason=reason, at=at)
    next_item, next_party = (waiting.item, waiting.party) if waiting else (None, None)
    if waiting is not None and waiting.contact is not None:
        people.setdefault(waiting.contact.party_id, [waiting.contact])
    number = record(
        session,
        case,
        Deed(
            party=acting.name,
            actor=form.handler,
            identity=caller.identity,
            channel=caller.channel,
            action=f"{item.stage.label} · {step.label}：{outcome.label}",
            clause=f"{programme.document_no} {step.clause}",
        ),
        before=position,
        after={
            **_position(case, next_item),
            "answered": {"item": item_id, "form": form.model_dump(mode="json")},
        },
        at=at,
    )
    receipt = Receipt(
        number=f"{case.case_no}-{number:04}",
        case_no=case.case_no,
        enterprise=enterprise.name,
        item_id=item_id,
        stage=item.stage,
        step=item.step,
        step_label=step.label,
        outcome=outcome.value,
        outcome_label=outcome.label,
        handler=form.handler,
        party=acting.name,
        channel=caller.channel,
        answered_at=at,
        case_status=case.status,
        next_item_id=next_item.id if next_item else None,
        next_stage=next_item.stage if next_item else None,
        next_step_label=step_of(next_item.stage, next_item.step).label if next_item else None,
        next_party=next_party.name if next_party else None,
        next_due_on=next_item.due_on if next_item else None,
    )
    session.flush()  # what the effects have changed of older rows
    session.connection().execute(
        _KEEP,
        {
            "item_id": item_id,
            "idempotency_key": key,
            "outcome": outcome.value,
            "form": form.model_dump_json(),
            "handler": form.handler,
            "identity": caller.identity,
            "channel": caller.channel,
            "at": at,
            "is_accepted": True,
            "refusal": "",
            "receipt": receipt.to_json(),
        },
    )
    return Answered(
        receipt=receipt,
        is_repeat=False,
        move=move,
        case=case,
        form=form,
        enterprise=enterprise,
        asked_party=acting,
        people=people,
        next_item=next_item,
        next_party=next_party,
        reason=reason,
    )


def refuse(
    session: Session,
    item_id: int,
    given: Mapping[str, object],
    caller: Caller,
    reason: str,
    *,
    key: str,
    at: datetime,
) -> None:
    """Keep a refused form with its reason, for a channel that cannot show a refusal itself."""
    if told_before(session, key) is not None:
        return
    session.add(
        Answer(
            item_id=item_id,
            idempotency_key=key,
            outcome=str(given.get("outcome", "")),
            form=json.dumps(given, ensure_ascii=False, default=str),
            handler=str(given.get("handler", "")),
            identity=caller.identity,
            channel=caller.channel,
            at=at,
            is_accepted=False,
            refusal=reason,
        )
    )
    session.flush()


def _again(before: ToldBefore, item_id: int, key: str) -> Answered:
    """Return, or raise, what the answer with this key was told."""
    if before.item_id != item_id:
        raise KeyReusedError(key, before.item_id)
    if not before.is_accepted:
        raise RefusedBeforeError(before.refusal)
    return Answered(receipt=Receipt.from_json(before.receipt), is_repeat=True)


def _closed(session: Session, item: AskedItem, step: Step) -> ItemClosedError:
    """Return the refusal that tells who was quicker."""
    closing = session.exec(
        select(Answer)
        .where(Answer.item_id == item.id, Answer.is_accepted)
        .order_by(col(Answer.id).desc())
        .limit(1)
    ).first()
    if closing is not None and closing.outcome == item.outcome:
        return ItemClosedError(
            item.id,
            by=closing.handler,
            at=closing.at,
            channel=closing.channel,
            outcome=step.form.outcomes().read(closing.outcome).label,
        )
    # No answer closed it: the case was withdrawn, which is the last that is known of it.
    entry = session.exec(
        select(AuditEntry)
        .where(AuditEntry.case_no == item.case_no)
        .order_by(col(AuditEntry.number).desc())
        .limit(1)
    ).one()
    return ItemClosedError(
        item.id,
        by=f"{entry.party} {entry.actor}",
        at=entry.at,
        channel=entry.channel,
        outcome=entry.action,
    )


def _acting(session: Session, asked: Addressee, caller: Caller) -> Party | Addressee:
    """Return the party that acts: the one asked.

    Objections to a notice, which waits for nobody but the calendar, go to the lead bureau.
    """
    if asked.role is Role.SYSTEM and caller is not SYSTEM:
        return party_for_role(session, Role.CITY_BUREAU)
    return asked


def _read(
    session: Session,
    step: Step,
    acting: Party | Addressee,
    enterprise: Applicant,
    given: Mapping[str, object],
    caller: Caller,
) -> tuple[StepForm, dict[int, list[Person]]]:
    """Return the form, whose 经办人 is a contact of the party that acts, and who is known by now.

    The enterprise's contacts are looked up by the way: nearly every answer concerns it.
    """
    if caller is SYSTEM:
        return step.form.read({"handler": SYSTEM_HANDLER, **given}), {}
    assert acting.id is not None  # noqa: S101 -- read from the database
    known = people_of(session, {acting.id, enterprise.id})
    people = [person for person in known[acting.id] if not person.has_left]
    filled = dict(given)
    if not filled.get("handler") and people:
        filled["handler"] = people[0].name
    form = step.form.read(filled)
    names = [person.name for person in people]
    if form.handler not in names:
        raise UnknownHandlerError(form.handler, acting.name, names)
    return form, known


def _position(case: CaseInHand, item: OpenedItem | None) -> dict[str, object]:
    """Return where the case stands, as the audit trail keeps it."""
    return {
        "stage": case.stage.value,
        "status": case.status.value,
        "item": item.id if item else None,
        "step": item.step if item else None,
        "round": item.round if item else None,
        "provider": case.provider_id,
        "assessor": case.assessor_id,
    }


def _reason(form: StepForm) -> str:
    """Return the words given for the decision, whatever the form calls them."""
    for name in ("opinion", "decision", "reason", "basis"):
        if value := getattr(form, name, ""):
            return str(value)
    return ""
