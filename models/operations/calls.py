"""The call list: mails that reached nobody, whom to telephone, and who has done so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select, update

from models.rules.errors import PilotError
from models.tables.case import WorkItem
from models.tables.mail import OutboxMail
from models.tables.party import Contact
from models.tables.reach import PhoneCall


class UnknownCallError(PilotError):
    """There is no such call."""

    def __init__(self, number: int) -> None:
        """Name the number."""
        super().__init__(f"没有编号为 {number} 的电话通知；可用 pilot mail calls list 查看")


class CallDoneError(PilotError):
    """Somebody has called already."""

    def __init__(self, call: PhoneCall) -> None:
        """Say who and what came of it."""
        super().__init__(f"电话通知 {call.id} 已由 {call.done_by} 办结：{call.note}")


class NoteMissingError(PilotError):
    """A call without what came of it."""

    def __init__(self) -> None:
        """Say what is wanted."""
        super().__init__("请写明通话结果，例如 --note 已告知王工，新邮箱待提供")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One entry of the list, with all the caller needs at hand."""

    call: PhoneCall
    mail: OutboxMail
    #: The people who work there: name and number as they are known now.
    people: tuple[tuple[str, str], ...]


def calls(session: Session, *, with_done: bool = False) -> list[Call]:
    """Return the calls to be made, the oldest first; `with_done` those made, too."""
    wanted = (
        select(PhoneCall, OutboxMail)
        .join(OutboxMail, col(OutboxMail.id) == col(PhoneCall.mail_id))
        .order_by(col(PhoneCall.since), col(PhoneCall.id))
    )
    if not with_done:
        wanted = wanted.where(col(PhoneCall.done_at).is_(None))
    found = session.exec(wanted).all()
    people: dict[int | None, list[tuple[str, str]]] = {}
    for contact in session.exec(
        select(Contact)
        .where(
            col(Contact.party_id).in_({call.party_id for call, _ in found}),
            ~col(Contact.has_left),
        )
        .order_by(col(Contact.is_primary).desc(), col(Contact.id))
    ):
        people.setdefault(contact.party_id, []).append((contact.name, contact.phone))
    return [
        Call(call=call, mail=mail, people=tuple(people.get(call.party_id, ())))
        for call, mail in found
    ]


def finish_call(session: Session, number: int, *, note: str, by: str, at: datetime) -> None:
    """Note who has called and what came of it; refused for a call that is done or unknown."""
    if not note.strip():
        raise NoteMissingError
    done = session.connection().execute(
        update(PhoneCall)
        .where(col(PhoneCall.id) == number, col(PhoneCall.done_at).is_(None))
        .values(done_at=at, done_by=by, note=note.strip())
    )
    if done.rowcount:
        return
    call = session.get(PhoneCall, number)
    if call is None:
        raise UnknownCallError(number)
    raise CallDoneError(call)


def open_calls(session: Session) -> int:
    """Return how many calls are still to be made."""
    return session.exec(
        select(func.count()).select_from(PhoneCall).where(col(PhoneCall.done_at).is_(None))
    ).one()


@dataclass(frozen=True, kw_only=True)
class CallForBoard:
    """What a board may show of a call: no person, no number, no address."""

    number: int
    party: str
    case_no: str
    #: What the mail asked for, if it asked for anything.
    item: WorkItem | None
    since: datetime


def calls_for_board(session: Session) -> Sequence[CallForBoard]:
    """Return the calls to be made, the oldest first."""
    rows = session.exec(
        select(PhoneCall, OutboxMail, WorkItem)
        .join(OutboxMail, col(OutboxMail.id) == col(PhoneCall.mail_id))
        .outerjoin(WorkItem, col(WorkItem.id) == col(OutboxMail.item_id))
        .where(col(PhoneCall.done_at).is_(None))
        .order_by(col(PhoneCall.since), col(PhoneCall.id))
    )
    return [
        CallForBoard(
            number=call.id or 0,
            party=mail.to_party,
            case_no=mail.case_no or "",
            item=item,
            since=call.since,
        )
        for call, mail, item in rows
    ]
