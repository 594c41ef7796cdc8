"""The audit trail: append an entry, verify every chain, seal the day."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, insert, update
from sqlmodel import Session, col, select

from models.operations.case_in_hand import CaseInHand
from models.rules.audit_chain import GENESIS, entry_hash
from models.rules.stages import Channel
from models.tables.audit import AuditEntry, AuditSeal, RegisterEntry, TrailEntry
from models.tables.case import Case
from models.tables.programme import ProgrammeRow

_CASE = AuditEntry.metadata.tables["case_file"]
_APPEND = insert(AuditEntry.metadata.tables["audit_entry"])
#: The end of the chain moves on from where it was read, or not at all.
_MOVE_END = (
    update(_CASE)
    .where(_CASE.c.case_no == bindparam("case"), _CASE.c.audit_length == bindparam("before"))
    .values(audit_length=bindparam("length"), audit_head=bindparam("head"))
)
_NOT_HASHED = {"id", "previous_hash", "hash"}

#: What the one chain over all registrations is called where cases go by their number.
REGISTER = "登记册"


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Who did what, how it is known who it was, and by what right."""

    party: str
    actor: str
    identity: str
    channel: Channel
    action: str
    clause: str


@dataclass(frozen=True)
class ChainFault:
    """One place where the trail is not what was written."""

    where: str
    what: str


def _fields(entry: TrailEntry) -> dict[str, object]:
    """Return what the entry's hash covers, beside the hash before it."""
    return {
        name: getattr(entry, name) for name in type(entry).model_fields if name not in _NOT_HASHED
    }


def record(
    session: Session,
    case: CaseInHand,
    deed: Deed,
    *,
    before: Mapping[str, object],
    after: Mapping[str, object],
    at: datetime,
) -> int:
    """Append one entry to the chain of `case`, whose row the caller holds; return its number."""
    number = case.audit_length + 1
    fields = {
        "case_no": case.case_no,
        "number": number,
        "at": at,
        **vars(deed),
        "before": json.dumps(before, ensure_ascii=False, default=str),
        "after": json.dumps(after, ensure_ascii=False, default=str),
    }
    head = entry_hash(case.audit_head, fields)
    connection = session.connection()
    connection.execute(_APPEND, {**fields, "previous_hash": case.audit_head, "hash": head})
    ends = {"case": case.case_no, "before": case.audit_length, "length": number, "head": head}
    moved = connection.execute(_MOVE_END, ends)
    assert moved.rowcount == 1, "the caller holds the case"  # noqa: S101
    case.audit_length, case.audit_head = number, head
    return number


def verify(session: Session) -> tuple[int, list[ChainFault]]:
    """Return how many entries were checked, and every fault found.

    A changed, removed, inserted or reordered entry breaks its chain; a removed tail is found by
    the length and the head kept with the case (for the register, with the programme), and by the
    daily seals.
    """
    faults: list[ChainFault] = []
    ends = _ends(session)
    reached: dict[str, tuple[int, str]] = dict.fromkeys(ends, (0, GENESIS))
    hashes: dict[tuple[str, int], str] = {}
    last_id: dict[str, int] = {}
    checked = 0
    for chain, entry in _entries(session):
        checked += 1
        where = f"{chain} 第 {entry.number} 条"
        length, head = reached.get(chain, (0, GENESIS))
        if entry.number != length + 1:
            faults.append(ChainFault(where, f"序号不连续：前一条是第 {length} 条"))
        if entry.previous_hash != head:
            faults.append(ChainFault(where, "与前一条的哈希不衔接"))
        if entry.hash != entry_hash(entry.previous_hash, _fields(entry)):
            faults.append(ChainFault(where, "内容与哈希不符，已被改动"))
        if (entry.id or 0) < last_id.get(chain, 0):
            faults.append(ChainFault(where, "写入次序与序号不符"))
        last_id[chain] = entry.id or 0
        reached[chain] = (entry.number, entry.hash)
        hashes[chain, entry.number] = entry.hash
        session.expunge(entry)
    for chain, end in ends.items():
        if reached[chain] != end:
            keeper = "试点方案" if chain == REGISTER else "案卷"
            what = f"链尾与{keeper}记录不符：{keeper}记为 {end[0]} 条"
            faults.append(ChainFault(chain, what))
    for case_no in reached.keys() - ends.keys():
        faults.append(ChainFault(case_no, "有审计记录而无案卷"))
    faults.extend(_verify_seals(session, hashes))
    return checked, faults


def _ends(session: Session) -> dict[str, tuple[int, str]]:
    """Return where every chain ends by the record kept beside it."""
    programme = session.exec(select(ProgrammeRow)).first()
    cases = session.exec(
        select(Case.case_no, Case.audit_length, Case.audit_head).order_by(Case.case_no)
    )
    return {
        **({REGISTER: (programme.register_length, programme.register_head)} if programme else {}),
        **{case_no: (length, head) for case_no, length, head in cases},
    }


def _entries(session: Session) -> Iterator[tuple[str, TrailEntry]]:
    """Give all entries, chain by chain in the order of their numbers."""
    for registration in session.exec(
        select(RegisterEntry)
        .order_by(col(RegisterEntry.number), col(RegisterEntry.id))
        .execution_options(yield_per=1000)
    ):
        yield REGISTER, registration
    for entry in session.exec(
        select(AuditEntry)
        .order_by(col(AuditEntry.case_no), col(AuditEntry.number), col(AuditEntry.id))
        .execution_options(yield_per=1000)
    ):
        yield entry.case_no, entry


def _seal_hash(previous: str, seal: AuditSeal) -> str:
    return entry_hash(previous, {"day": seal.day, "entries": seal.entries, "heads": seal.heads})


def _verify_seals(session: Session, hashes: Mapping[tuple[str, int], str]) -> list[ChainFault]:
    faults: list[ChainFault] = []
    previous = GENESIS
    for seal in session.exec(select(AuditSeal).order_by(col(AuditSeal.day))):
        where = f"{seal.day} 的日封"
        if seal.previous_hash != previous or seal.hash != _seal_hash(previous, seal):
            faults.append(ChainFault(where, "日封与其哈希不符"))
        previous = seal.hash
        for case_no, (length, head) in json.loads(seal.heads).items():
            if length and hashes.get((case_no, length)) != head:
                faults.append(ChainFault(where, f"{case_no} 第 {length} 条与封存时不同"))
    return faults


def seal(session: Session, day: date) -> AuditSeal | None:
    """Seal the ends of all chains for `day`; None when it, or a later day, is sealed already."""
    # Two sweeps at once: the second waits here, and then finds the day sealed.
    session.exec(select(ProgrammeRow.key).with_for_update(key_share=True)).all()
    last = session.exec(select(AuditSeal).order_by(col(AuditSeal.day).desc()).limit(1)).first()
    if last is not None and last.day >= day:
        return None
    heads = _ends(session)
    row = AuditSeal(
        day=day,
        entries=sum(length for length, _ in heads.values()),
        heads=json.dumps(heads),
        previous_hash=last.hash if last else GENESIS,
        hash="",
    )
    row.hash = _seal_hash(row.previous_hash, row)
    session.add(row)
    session.flush()
    return row
