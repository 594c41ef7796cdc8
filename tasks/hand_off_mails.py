"""Who is written to when a case moves; queued in the transaction that moves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from models.forms.subsidy import PayForm
from models.lifecycle import Back, End, Enter, Stay, step_of
from models.operations.answering import Answered
from models.operations.calendar_days import working_days_between
from models.operations.case_in_hand import CaseInHand, OpenedItem
from models.operations.effects.subsidy import award_in_force
from models.operations.outbox import NewMail, queue_mails
from models.operations.parties import Addressee, Person, people_of
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.stages import CaseStatus, Channel, Role, Stage
from models.tables.case import WorkItem
from models.tables.party import Party
from models.tables.programme import ProgrammeRow
from notifications.contexts import (
    ItemOpened,
    MailContext,
    Paid,
    Receipt,
    Returned,
    StageFinished,
    SubsidyDecided,
)
from tasks.clock import trial_note

#: Ways of answering on which nobody waits for a receipt.
_WITHOUT_RECEIPT = frozenset({Channel.SYSTEM, Channel.DEMONSTRATION})
#: Whom a mail is written to where its party has no contact: the dispatcher puts it on the call
#: list.
_NOBODY = Person(id=0, party_id=0, name="", email="", has_left=False, bounced_address="")


@dataclass
class Letters:
    """The mails of one change, addressed once it is known who the contacts are."""

    programme: Programme
    row: ProgrammeRow
    case: CaseInHand
    enterprise: Party | Addressee
    #: What the mails' dedup keys begin with: the number of the audit entry they tell of.
    number: str
    at: datetime
    #: The clause that a mail rests on unless it names its own.
    clause: str | None = None
    #: The contacts of parties that are known already.
    people: Mapping[int, list[Person]] = field(default_factory=dict)
    letters: list[
        tuple[Party | Addressee, str | None, type[MailContext], int | None, dict[str, Any]]
    ] = field(default_factory=list)

    def write(
        self,
        party: Party | Addressee,
        kind: type[MailContext],
        *,
        about: int | None = None,
        person: str | None = None,
        **words: Any,
    ) -> None:
        """Write a mail to `party`, to `person` of it or its primary contact, `about` an item."""
        self.letters.append((party, person, kind, about, words))

    def queue(self, session: Session) -> None:
        """Queue all of them by one statement."""
        if not self.letters:
            return
        people = dict(self.people)
        if strangers := {party.id for party, *_ in self.letters if party.id} - people.keys():
            people |= people_of(session, strangers)
        common = {
            **office_words(self.programme),
            "programme_name": self.programme.name,
            "document_no": self.programme.document_no,
            "document_title": self.programme.document_title,
            "clause": self.clause,
            "case_no": self.case.case_no,
            "enterprise_name": self.enterprise.name,
            "written_at": self.at,
            "trial_note": trial_note(self.row),
        }
        mails = []
        for party, person, kind, about, words in self.letters:
            contact = _contact(people.get(party.id or 0, []), person)
            context = kind(
                recipient_party=party.name, recipient_name=contact.name, **{**common, **words}
            )
            mails.append(
                NewMail(
                    dedup_key=f"{kind.template}:{self.number}:{contact.id or party.name}",
                    template=kind.template,
                    context=context.model_dump_json(),
                    to_party=party.name,
                    to_name=contact.name,
                    to_address=contact.email,
                    queued_at=self.at,
                    case_no=self.case.case_no,
                    item_id=about,
                    contact_id=contact.id or None,
                )
            )
        queue_mails(session, mails)


def mails_for_answer(
    session: Session, answered: Answered, programme: Programme, row: ProgrammeRow, at: datetime
) -> None:
    """Queue the mails of one accepted answer; a repeated one has none.

    The receipt to who answered, the next item to who must act now, a return with its reason, the
    end of a stage, the decision and the payment to the enterprise.
    """
    if answered.is_repeat:
        return
    receipt, case, enterprise = answered.receipt, answered.case, answered.enterprise
    assert case is not None  # noqa: S101 -- only a repeat comes without them
    assert enterprise is not None  # noqa: S101
    assert answered.asked_party is not None  # noqa: S101
    clause = step_of(receipt.stage, receipt.step).clause
    letters = Letters(programme, row, case, enterprise, receipt.number, at, clause, answered.people)
    if receipt.channel not in _WITHOUT_RECEIPT:
        letters.write(
            answered.asked_party,
            Receipt,
            person=receipt.handler,
            about=receipt.item_id,
            receipt_no=receipt.number,
            stage_name=receipt.stage.label,
            step_name=receipt.step_label,
            outcome_name=receipt.outcome_label,
            answered_by=receipt.handler,
            channel_name=receipt.channel.label,
            answered_at=at,
        )
    returned: dict[str, Any] = {
        "stage_name": receipt.stage.label,
        "step_name": receipt.step_label,
        "outcome_name": receipt.outcome_label,
        "reason": answered.reason,
        "decided_by_party": receipt.party,
    }
    following = answered.next_item
    match answered.move:
        case Stay():
            following = None
        case Back() | Enter(is_return=True):
            assert following is not None  # noqa: S101 -- these moves open an item
            assert answered.next_party is not None  # noqa: S101
            letters.write(
                answered.next_party,
                Returned,
                about=following.id,
                item_id=following.id,
                **returned,
                next_step_name=receipt.next_step_label,
                due_on=following.due_on,
                working_days=_days_left(session, programme, following, at),
                how_to_answer=how_to_answer(following, answered.next_party.role),
                unverified_note=_unverified(programme, following),
            )
            following = None
        case Enter(stage=stage):
            letters.write(
                enterprise,
                StageFinished,
                stage_name=receipt.stage.label,
                next_stage_name=stage.label,
            )
        case End(status=CaseStatus.COMPLETED):
            assert isinstance(answered.form, PayForm)  # noqa: S101 -- only a payment completes
            letters.write(
                enterprise,
                Paid,
                amount=answered.form.amount,
                voucher_no=answered.form.voucher_no,
                paid_on=answered.form.paid_on,
            )
        case End(status=CaseStatus.WITHDRAWN):
            letters.write(
                enterprise,
                StageFinished,
                stage_name=receipt.stage.label,
                ended_as=CaseStatus.WITHDRAWN.label,
            )
        case End():
            letters.write(enterprise, Returned, **returned)
    if receipt.stage is Stage.SUBSIDY and receipt.outcome == "approved":
        award = award_in_force(session, case.case_no)
        letters.write(
            enterprise,
            SubsidyDecided,
            amount=award.amount,
            rate=Decimal(award.rate_percent).scaleb(-2),
            ceiling=award.ceiling,
            explanation=tuple(award.explanation.splitlines()),
            decided_on=day_of(at),
        )
    waits_for = answered.next_party
    if following is not None and waits_for is not None and waits_for.role is not Role.SYSTEM:
        _write_opened(session, letters, following, waits_for)
    letters.queue(session)


def mails_for_opening(
    session: Session,
    case: CaseInHand,
    item: OpenedItem,
    programme: Programme,
    row: ProgrammeRow,
    at: datetime,
) -> None:
    """Queue the first mail of a case: the enterprise is asked for its application."""
    enterprise = session.get_one(Party, case.enterprise_id)
    letters = Letters(
        programme, row, case, enterprise, f"{case.case_no}-{case.audit_length:04}", at
    )
    _write_opened(session, letters, item, enterprise)
    letters.queue(session)


def mails_for_withdrawal(
    session: Session,
    case: CaseInHand,
    reason: str,
    programme: Programme,
    row: ProgrammeRow,
    at: datetime,
) -> None:
    """Queue the word of a withdrawal: to the enterprise, and to who was asked last."""
    enterprise = session.get_one(Party, case.enterprise_id)
    letters = Letters(
        programme, row, case, enterprise, f"{case.case_no}-{case.audit_length:04}", at
    )
    asked = session.exec(
        select(Party)
        .join(WorkItem, col(WorkItem.party_id) == col(Party.id))
        .where(WorkItem.case_no == case.case_no)
        .order_by(col(WorkItem.id).desc())
        .limit(1)
    ).one()
    ended = f"{CaseStatus.WITHDRAWN.label}（{reason}）"
    for party in {party.id: party for party in (enterprise, asked)}.values():
        letters.write(party, StageFinished, stage_name=case.stage.label, ended_as=ended)
    letters.queue(session)


def how_to_answer(item: OpenedItem, role: Role) -> tuple[str, ...]:
    """Return, line by line, what a person does to answer `item`."""
    step = step_of(item.stage, item.step)
    page = (
        f"打开办理页面，搜索案卷号 {item.case_no}，"
        f"打开“{item.stage.label}”，点右上角“⋮”中的“Resume”（办理），填写“{step.label}”表单并提交"
    )
    office = f"也可将内容交工作人员登记，事项编号 {item.id}"
    if role in (Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.FINANCE_BUREAU):
        return (page, f"或在命令行办理：pilot answer {item.id}")
    return (page, office)


def _write_opened(
    session: Session, letters: Letters, item: OpenedItem, party: Party | Addressee
) -> None:
    step = step_of(item.stage, item.step)
    programme = letters.programme
    letters.write(
        party,
        ItemOpened,
        about=item.id,
        clause=step.clause,
        item_id=item.id,
        stage_name=item.stage.label,
        step_name=step.label,
        asks=step.asks,
        round=item.round,
        due_on=item.due_on,
        working_days=_days_left(session, programme, item, letters.at),
        how_to_answer=how_to_answer(item, party.role),
        reason=item.reason or None,
        unverified_note=_unverified(programme, item),
    )


def _days_left(
    session: Session, programme: Programme, item: OpenedItem, at: datetime
) -> int | None:
    """Return the working days that `item`, opened at `at`, has; None where they are not known."""
    counted = programme.working_days(item.stage, item.step)
    if counted is not None:  # its deadline was reckoned from them just now
        return counted
    if item.due_on is None:
        return None
    left = working_days_between(session, day_of(at), item.due_on)
    return None if left is None else max(left, 0)


def office_words(programme: Programme) -> dict[str, str | None]:
    """Return whom to ask and how, as far as the programme says; the unconfirmed is marked."""
    body = next(each for each in programme.bodies if each.key == Role.CITY_BUREAU.value)
    contact = body.contact
    doubt = "" if contact is None or contact.verified else "（待核）"
    return {
        "office_name": body.name,
        "office_phone": f"{contact.phone}{doubt}" if contact and contact.phone else None,
        "office_email": f"{contact.email}{doubt}" if contact and contact.email else None,
    }


def _unverified(programme: Programme, item: OpenedItem) -> str | None:
    """Return the warning due where the deadline rests on a figure that nobody has confirmed."""
    length = programme.step(item.stage, item.step)
    return None if length.verified else f"办理时限待核（{length.source}）"


def _contact(people: list[Person], wanted: str | None) -> Person:
    """Return the person wanted, else the first, passing over whom mail does not reach.

    Where it reaches nobody, the first, and where there is nobody, `_NOBODY`: the dispatcher then
    puts the mail on the call list.
    """
    reachable = [contact for contact in people if contact.is_reachable] or people[:1]
    for contact in reachable:
        if contact.name == wanted:
            return contact
    return reachable[0] if reachable else _NOBODY
