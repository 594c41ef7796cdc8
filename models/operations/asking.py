"""Taking an item in hand: the one query that an answer begins with."""

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlmodel import Session

from models.operations.answer_refusals import UnknownItemError
from models.operations.case_in_hand import AskedItem, CaseInHand, columns_of
from models.operations.parties import ADDRESSEE, Addressee, Applicant
from models.tables.case import Answer

_TABLES = Answer.metadata.tables
_CASE, _ITEM, _ANSWER = _TABLES["case_file"], _TABLES["work_item"], _TABLES["answer"]
_PARTY, _ENTERPRISE = _TABLES["party"], _TABLES["party"].alias("enterprise")


@dataclass(frozen=True)
class ToldBefore:
    """What the answer that has the same key was told."""

    item_id: int
    is_accepted: bool
    refusal: str
    receipt: str


@dataclass(frozen=True)
class Asked:
    """An item with all that an answer to it looks at."""

    case: CaseInHand
    item: AskedItem
    enterprise: Applicant
    party: Addressee
    before: ToldBefore | None


_KINDS = (CaseInHand, AskedItem, Applicant, Addressee, ToldBefore)
_TOLD = columns_of(_ANSWER, ToldBefore)
_COLUMNS = (
    *columns_of(_CASE, CaseInHand),
    *columns_of(_ITEM, AskedItem),
    *columns_of(_ENTERPRISE, Applicant),
    *ADDRESSEE,
    *_TOLD,
)
_ENDS = [sum(len(fields(kind)) for kind in _KINDS[:count]) for count in range(len(_KINDS) + 1)]
#: Where in a row the columns of each part stand.
_PARTS = [slice(start, end) for start, end in pairwise(_ENDS)]

#: Case and item are held against everybody else until the transaction ends, and are read as they
#: are once they are held. An answer that came with the same key while this one waited is not seen
#: here: it has closed the item, or its key cannot be written twice.
_ASKED: Select[Any] = (
    select(*_COLUMNS)
    .select_from(_ITEM)
    .join(_CASE, _CASE.c.case_no == _ITEM.c.case_no)
    .join(_ENTERPRISE, _ENTERPRISE.c.id == _CASE.c.enterprise_id)
    .join(_PARTY, _PARTY.c.id == _ITEM.c.party_id)
    .outerjoin(_ANSWER, _ANSWER.c.idempotency_key == bindparam("key"))
    .where(_ITEM.c.id == bindparam("item_id"))
    .with_for_update(of=[_CASE, _ITEM], key_share=True)
)
_BY_KEY = select(*_TOLD).where(_ANSWER.c.idempotency_key == bindparam("key"))


def take_in_hand(session: Session, item_id: int, key: str) -> Asked:
    """Return the item and hold it, with its case; `UnknownItemError` when there is none."""
    row = session.connection().execute(_ASKED, {"item_id": item_id, "key": key}).first()
    if row is None:
        raise UnknownItemError(item_id)
    case, item, enterprise, party, told = (row[part] for part in _PARTS)
    asked = AskedItem(*item)
    before = None
    if told[0] is not None:
        before = ToldBefore(*told)
    elif asked.closed_at is not None:
        before = told_before(session, key)
    return Asked(CaseInHand(*case), asked, Applicant(*enterprise), Addressee(*party), before)


def told_before(session: Session, key: str) -> ToldBefore | None:
    """Return what the answer with this key was told, if there is one."""
    row = session.connection().execute(_BY_KEY, {"key": key}).first()
    return None if row is None else ToldBefore(*row)
