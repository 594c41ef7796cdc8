"""Answers and withdrawals from people and from the calendar: each is one transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from models.operations import cases, notices
from models.operations.answering import SYSTEM, Caller, Receipt, answer
from models.operations.audit import Deed
from models.operations.programmes import require_programme
from models.policy import Programme, load_programme
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.tables.case import Case
from models.tables.party import Party
from models.tables.programme import ProgrammeRow
from tasks.clock import programme_now
from tasks.database import reading, transaction
from tasks.hand_off_mails import mails_for_answer, mails_for_opening, mails_for_withdrawal


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


def content_key(item_id: int, given: Mapping[str, object], channel: str) -> str:
    """Return the key of an answer that names none: the same words again are the same answer."""
    words = json.dumps(given, ensure_ascii=False, sort_keys=True, default=str)
    return f"{channel}:{item_id}:{sha256(words.encode()).hexdigest()[:32]}"


def answer_item(
    item_id: int,
    given: Mapping[str, object],
    caller: Caller,
    *,
    key: str | None = None,
    moment: Moment | None = None,
    on: Engine | None = None,
) -> Receipt:
    """Answer an item and queue every mail that follows from it, all or nothing.

    Returns the receipt; the same key again returns the same one. Raises `PilotError` with the
    reason, having changed nothing.
    """
    moment = moment or present_moment(on)
    key = key or content_key(item_id, given, caller.channel.value)
    try:
        with transaction(on) as session:
            answered = answer(
                session,
                item_id,
                given,
                caller,
                key=key,
                programme=moment.programme,
                at=moment.at,
            )
            mails_for_answer(session, answered, moment.programme, moment.row, moment.at)
    except IntegrityError as error:
        raise CollisionError from error
    return answered.receipt


def start_case(
    batch: int,
    enterprise: Party,
    deed: Deed,
    *,
    moment: Moment | None = None,
    on: Engine | None = None,
) -> Case:
    """Open a case for a registered enterprise and ask it, by mail, for its application."""
    moment = moment or present_moment(on)
    with transaction(on) as session:
        case, item = cases.open_case(
            session, moment.programme, batch, enterprise, deed, at=moment.at
        )
        mails_for_opening(session, case, item, moment.programme, moment.row, moment.at)
    return case


def withdraw_case(
    case_no: str, reason: str, deed: Deed, *, moment: Moment | None = None, on: Engine | None = None
) -> None:
    """End a case at its enterprise's wish and tell those concerned."""
    moment = moment or present_moment(on)
    with transaction(on) as session:
        case = cases.withdraw(session, case_no, deed, reason, at=moment.at)
        mails_for_withdrawal(session, case, reason, moment.programme, moment.row, moment.at)


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
