"""Answers and withdrawals from people and from the calendar: each is one transaction."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, select

from models.operations import cases, notices
from models.operations.answering import SYSTEM, Caller, Receipt, answer, require_item_number
from models.operations.audit import Deed
from models.operations.case_in_hand import CaseInHand
from models.operations.documents import IncomingDocument
from models.operations.programmes import require_programme
from models.policy import Programme, load_programme
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.rules.stages import Channel
from models.tables.case import Answer
from models.tables.party import Party
from models.tables.programme import ProgrammeRow
from tasks.clock import programme_now
from tasks.database import reading, transaction
from tasks.hand_off_mails import mails_for_answer, mails_for_opening, mails_for_withdrawal

_T = TypeVar("_T")

#: Prefect OSS knows no people: who typed the form says so himself (design, decision 15).
PREFECT_PAGE = Caller(channel=Channel.PREFECT, identity="自报（Prefect 页面）")

#: A transaction that met another one is done anew; whoever it met has committed by then.
_TRIES = 3


class CollisionError(PilotError):
    """Two answers met in the database; the other one was first."""

    try_again = True

    def __init__(self) -> None:
        """Ask for another try."""
        super().__init__("与另一笔同时提交的内容冲突，本次未改变任何内容，请核对后重试")


@dataclass(frozen=True)
class Moment:
    """The programme this instance serves and its present instant, read once."""

    programme: Programme
    row: ProgrammeRow
    at: datetime


def present_moment(on: Engine | None = None) -> Moment:
    """Return the programme and its instant; raises when the database holds none."""
    with reading(on) as session:
        row = require_programme(session)
    return Moment(load_programme(row.key), row, programme_now(row))


def content_key(
    session: Session, item_id: int, given: Mapping[str, object], caller: Caller, at: datetime
) -> str:
    """Return the key of an answer that names none: the same words again are the same answer.

    They are another answer on another day (a second month without progress), and when something
    else has been answered in between (a second objection dismissed in the words of the first).
    """
    require_item_number(item_id)
    words = json.dumps(given, ensure_ascii=False, sort_keys=True, default=str)
    digest = sha256(words.encode(errors="replace")).hexdigest()[:32]
    start = f"{caller.channel.value}:{item_id}:"
    end = f":{day_of(at)}:{digest}"
    keys = session.exec(select(Answer.idempotency_key).where(Answer.item_id == item_id)).all()
    others = sum(not (key.startswith(start) and key.endswith(end)) for key in keys)
    return f"{start}{others}{end}"


def settled(work: Callable[[], _T]) -> _T:
    """Return what `work`, one transaction, returns; done anew when it met another one.

    The second time it sees what the other one has written, and says so in its own words.
    """
    for _ in range(_TRIES):
        try:
            return work()
        except DBAPIError as error:
            if not _is_collision(error):
                raise
            met = error
    raise CollisionError from met


def _is_collision(error: DBAPIError) -> bool:
    """Return whether the database has refused only because of what another was doing."""
    return (
        isinstance(error, IntegrityError)
        # deadlock, lock timeout, serialization failure; SQLite waited its time for the writer
        or getattr(error.orig, "sqlstate", None) in {"40P01", "55P03", "40001"}
        or getattr(error.orig, "sqlite_errorname", None) == "SQLITE_BUSY"
    )


def answer_item(
    item_id: int,
    given: Mapping[str, object],
    caller: Caller,
    *,
    key: str | None = None,
    document: IncomingDocument | None = None,
    moment: Moment | None = None,
    on: Engine | None = None,
) -> Receipt:
    """Answer an item, keep its document, queue every mail that follows: all or nothing.

    Returns the receipt; the same key again returns the same one. Raises `PilotError` with the
    reason, having changed nothing.
    """
    now = moment or present_moment(on)

    def work() -> Receipt:
        with transaction(on) as session:
            answered = answer(
                session,
                item_id,
                given,
                caller,
                key=key or content_key(session, item_id, given, caller, now.at),
                programme=now.programme,
                at=now.at,
            )
            mails_for_answer(session, answered, now.programme, now.row, now.at)
            if document is not None and not answered.is_repeat:
                document.keep(session, now.at)
        return answered.receipt

    return settled(work)


def start_case(
    batch: int,
    enterprise: Party,
    deed: Deed,
    *,
    moment: Moment | None = None,
    on: Engine | None = None,
) -> CaseInHand:
    """Open a case for a registered enterprise and ask it, by mail, for its application."""
    now = moment or present_moment(on)

    def work() -> CaseInHand:
        with transaction(on) as session:
            case, item = cases.open_case(session, now.programme, batch, enterprise, deed, at=now.at)
            mails_for_opening(session, case, item, now.programme, now.row, now.at)
        return case

    return settled(work)


def withdraw_case(
    case_no: str, reason: str, deed: Deed, *, moment: Moment | None = None, on: Engine | None = None
) -> None:
    """End a case at its enterprise's wish and tell those concerned."""
    now = moment or present_moment(on)

    def work() -> None:
        with transaction(on) as session:
            case = cases.withdraw(session, case_no, deed, reason, at=now.at)
            mails_for_withdrawal(session, case, reason, now.programme, now.row, now.at)

    settled(work)


@dataclass(frozen=True)
class NoticesEnded:
    """What a sweep has ended, and what it could not: (item, reason)."""

    receipts: tuple[Receipt, ...]
    refused: tuple[tuple[int, str], ...]


def end_notices(moment: Moment, on: Engine | None = None) -> NoticesEnded:
    """End every public notice that has run out, each in its own transaction."""
    with reading(on) as session:
        over = notices.ended_notices(session, day_of(moment.at))
    receipts, refused = [], []
    for item_id in over:
        try:
            receipts.append(
                answer_item(
                    item_id,
                    {"outcome": "passed"},
                    SYSTEM,
                    key=f"notice-over:{item_id}",
                    moment=moment,
                    on=on,
                )
            )
        except PilotError as error:
            # An objection came in between, say: the others are ended, the next sweep looks again.
            refused.append((item_id, str(error)))
    return NoticesEnded(tuple(receipts), tuple(refused))
