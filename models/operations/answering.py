"""`answer`: the one transaction that moves a case."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from models.forms.base import StepForm
from models.lifecycle import Move, Stay, Step, step_of
from models.operations.audit import Deed, record
from models.operations.context import Answering
from models.operations.effects import EFFECTS
from models.operations.moving import follow
from models.operations.parties import contacts_of, party_for_role
from models.policy import Programme
from models.rules.clock import SHANGHAI, day_of
from models.rules.errors import PilotError
from models.rules.stages import CaseStatus, Channel, Role, Stage
from models.tables.audit import AuditEntry
from models.tables.case import Answer, Case, WorkItem
from models.tables.party import Contact, Party
from models.tables.programme import Batch

SYSTEM_HANDLER = "系统"

#: A larger number cannot even be asked for in PostgreSQL.
_LARGEST_ID = 2**31 - 1

_Asked = aliased(Party)


class UnknownItemError(PilotError):
    """There is no such item."""

    def __init__(self, item_id: int) -> None:
        """Name the number asked for."""
        self.item_id = item_id
        super().__init__(f"没有编号为 {item_id} 的待办事项；可用 pilot item list 查看")


class ItemClosedError(PilotError):
    """Somebody was quicker; says who did what when, and by which channel."""

    def __init__(
        self, item_id: int, *, by: str, at: datetime, channel: Channel, outcome: str
    ) -> None:
        """Tell who closed the item, when, by which channel and how."""
        self.item_id = item_id
        super().__init__(
            f"事项 {item_id} 已由 {by} 于 {at.astimezone(SHANGHAI):%Y-%m-%d %H:%M} "
            f"通过{channel.label}办理（{outcome}），本次提交未改变任何内容"
        )


class WrongPartyError(PilotError):
    """The item waits for another party."""

    def __init__(self, item_id: int, given: str, asked: str) -> None:
        """Name both parties."""
        super().__init__(f"事项 {item_id} 应由“{asked}”办理，不是“{given}”")


class UnknownHandlerError(PilotError):
    """The 经办人 is not a registered contact of the party."""

    def __init__(self, handler: str, party: str, known: list[str]) -> None:
        """Name the person, the party and its contacts."""
        names = "、".join(known) or "（无）"
        super().__init__(f"经办人“{handler}”不是“{party}”登记的联系人；已登记：{names}")


class SystemOnlyError(PilotError):
    """Only the system itself may decide this, when the time has come."""

    def __init__(self, outcome: str) -> None:
        """Name the outcome."""
        super().__init__(f"“{outcome}”由系统在期满后自动办理，不能人工选择")


class RefusedBeforeError(PilotError):
    """The answer with this key has been refused; the same key again is refused in the same words.

    Otherwise a form that was shown as refused could be accepted behind the person's back.
    """

    def __init__(self, refusal: str) -> None:
        """Repeat the refusal."""
        super().__init__(refusal)


class KeyReusedError(PilotError):
    """An idempotency key that belongs to an answer to another item."""

    def __init__(self, key: str, item_id: int) -> None:
        """Name the key and the item it was used for."""
        super().__init__(f"提交编号 {key} 已用于事项 {item_id}，请更换")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """By which way an answer comes, and how the person's identity is known."""

    channel: Channel
    identity: str
    #: The party in whose name it is given; None where the channel shows only the party's own items.
    party: str | None = None


SYSTEM = Caller(channel=Channel.SYSTEM, identity="系统自动")


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the person who answered is told, word for word the same however often it is asked."""

    number: str
    case_no: str
    enterprise: str
    item_id: int
    stage: Stage
    step: str
    step_label: str
    outcome: str
    outcome_label: str
    handler: str
    party: str
    channel: Channel
    answered_at: datetime
    case_status: CaseStatus
    next_item_id: int | None
    next_stage: Stage | None
    next_step_label: str | None
    next_party: str | None
    next_due_on: date | None

    def to_json(self) -> str:
        """Return the receipt as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, text: str) -> "Receipt":
        """Return the receipt that `to_json` wrote."""
        raw = json.loads(text)
        return cls(
            **{
                **raw,
                "stage": Stage.read(raw["stage"]),
                "channel": Channel.read(raw["channel"]),
                "answered_at": datetime.fromisoformat(raw["answered_at"]),
                "case_status": CaseStatus.read(raw["case_status"]),
                "next_stage": Stage.read(raw["next_stage"]) if raw["next_stage"] else None,
                "next_due_on": (
                    date.fromisoformat(raw["next_due_on"]) if raw["next_due_on"] else None
                ),
            }
        )


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What an answer has done: the receipt, and what those who write the mails need to know."""

    receipt: Receipt
    is_repeat: bool
    move: Move | None = None
    case: Case | None = None
    item: WorkItem | None = None
    form: StepForm | None = None
    enterprise: Party | None = None
    asked_party: Party | None = None
    next_item: WorkItem | None = None
    next_party: Party | None = None
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
    case = _locked_case(session, item_id)
    before = session.exec(select(Answer).where(Answer.idempotency_key == key)).first()
    if before is not None:
        if before.item_id != item_id:
            raise KeyReusedError(key, before.item_id)
        if not before.is_accepted:
            raise RefusedBeforeError(before.refusal)
        return Answered(receipt=Receipt.from_json(before.receipt), is_repeat=True)
    item, enterprise, batch, asked = session.exec(
        select(WorkItem, Party, Batch, _Asked)
        .select_from(WorkItem)
        .join(Party, col(Party.id) == case.enterprise_id)
        .join(Batch, col(Batch.id) == case.batch_id)
        .join(_Asked, col(_Asked.id) == col(WorkItem.party_id))
        .where(WorkItem.id == item_id)
    ).one()
    step = step_of(item.stage, item.step)
    if item.closed_at is not None:
        raise _closed(session, item, step)
    acting = _acting(session, asked, caller)
    if caller.party is not None and caller.party not in (acting.name, acting.role.label):
        raise WrongPartyError(item_id, caller.party, acting.name)
    form = _read(session, step, acting, given, caller)
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
        batch=batch,
        handler=form.handler,
        at=at,
        today=day_of(at),
    )
    EFFECTS[item.stage, item.step](answering, form)
    move = step.outcomes[outcome.value]
    reason = _reason(form)
    next_item = _move(session, programme, answering, move, outcome.value, reason)
    next_party = None
    if next_item is item:
        next_party = asked
    elif next_item is not None:
        next_party = session.get_one(Party, next_item.party_id)
    entry = record(
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
        number=f"{case.case_no}-{entry.number:04}",
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
    session.add(
        Answer(
            item_id=item_id,
            idempotency_key=key,
            outcome=outcome.value,
            form=form.model_dump_json(),
            handler=form.handler,
            identity=caller.identity,
            channel=caller.channel,
            at=at,
            is_accepted=True,
            receipt=receipt.to_json(),
        )
    )
    session.flush()
    return Answered(
        receipt=receipt,
        is_repeat=False,
        move=move,
        case=case,
        item=item,
        form=form,
        enterprise=enterprise,
        asked_party=acting,
        next_item=next_item,
        next_party=next_party,
        reason=reason,
    )


def require_item_number(item_id: int) -> None:
    """Raise `UnknownItemError` for a number that no item can have."""
    if not 0 < item_id <= _LARGEST_ID:
        raise UnknownItemError(item_id)


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
    if session.exec(select(Answer.id).where(Answer.idempotency_key == key)).first() is not None:
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


def _locked_case(session: Session, item_id: int) -> Case:
    """Return the item's case, held against everybody else until the transaction ends."""
    require_item_number(item_id)
    case = session.exec(
        select(Case)
        .join(WorkItem, col(WorkItem.case_no) == col(Case.case_no))
        .where(WorkItem.id == item_id)
        .with_for_update(of=Case)
    ).first()
    if case is None:
        raise UnknownItemError(item_id)
    return case


def _closed(session: Session, item: WorkItem, step: Step) -> ItemClosedError:
    """Return the refusal that tells who was quicker."""
    assert item.id is not None  # noqa: S101 -- read from the database
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


def _acting(session: Session, asked: Party, caller: Caller) -> Party:
    """Return the party that acts: the one asked.

    Objections to a notice, which waits for nobody but the calendar, go to the lead bureau.
    """
    if asked.role is Role.SYSTEM and caller is not SYSTEM:
        return party_for_role(session, Role.CITY_BUREAU)
    return asked


def _read(
    session: Session, step: Step, acting: Party, given: Mapping[str, object], caller: Caller
) -> StepForm:
    """Return the form; its 经办人 is one of the contacts of the party that acts."""
    if caller is SYSTEM:
        return step.form.read({"handler": SYSTEM_HANDLER, **given})
    assert acting.id is not None  # noqa: S101 -- read from the database
    people: list[Contact] = contacts_of(session, acting.id)
    filled = dict(given)
    if not filled.get("handler") and people:
        filled["handler"] = people[0].name
    form = step.form.read(filled)
    if form.handler not in {person.name for person in people}:
        raise UnknownHandlerError(form.handler, acting.name, [person.name for person in people])
    return form


def _move(
    session: Session,
    programme: Programme,
    answering: Answering,
    move: Move,
    outcome: str,
    reason: str,
) -> WorkItem | None:
    """Close the item unless the move stays on it, and follow the move."""
    item = answering.item
    if not isinstance(move, Stay):
        item.closed_at = answering.at
        item.outcome = outcome
        session.add(item)
        # The open item is closed in the database before the next is opened: one per case.
        session.flush()
    return follow(
        session,
        programme,
        answering.case,
        answering.batch,
        answering.enterprise,
        item,
        move,
        reason=reason,
        at=answering.at,
    )


def _position(case: Case, item: WorkItem | None) -> dict[str, object]:
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
