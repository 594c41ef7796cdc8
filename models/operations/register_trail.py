"""The trail of the register: one hash chain over every registration and every change of one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert
from sqlmodel import Session, col, select

from models.operations.audit import Deed
from models.rules.audit_chain import entry_hash
from models.rules.errors import PilotError
from models.tables.audit import RegisterEntry
from models.tables.party import Contact, Party
from models.tables.programme import ProgrammeRow

_APPEND = insert(RegisterEntry.metadata.tables["register_entry"])

#: What of a contact is no fact of the register; that mail came back is on a list of its own.
_NOT_REGISTERED = {"id", "party_id", "bounced_address"}


class UnknownPartyNameError(PilotError):
    """Nobody is registered under that name."""

    def __init__(self, name: str) -> None:
        """Name it."""
        super().__init__(f"没有登记名为“{name}”的单位；可用 pilot party list 查看")


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What was registered or changed of one party, as `party_facts` tells it."""

    party: Party
    action: str
    before: Mapping[str, object]
    after: Mapping[str, object]


def party_facts(party: Party, people: Sequence[Contact]) -> dict[str, object]:
    """Return all that is registered of a party, with its people, the first contact first."""
    return {
        **party.model_dump(exclude={"id"}),
        "contacts": [person.model_dump(exclude=_NOT_REGISTERED) for person in people],
    }


def hold_register(session: Session) -> ProgrammeRow:
    """Return the programme, held until the transaction ends: two at once do not get one number."""
    return session.exec(
        select(ProgrammeRow)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def record_registrations(
    session: Session, deed: Deed, registrations: Sequence[Registration], *, at: datetime
) -> None:
    """Append one entry for each of `registrations`, whose parties are in the database."""
    if not registrations:
        return
    row = hold_register(session)
    number, head = row.register_length, row.register_head
    rows = []
    for registration in registrations:
        number += 1
        fields = {
            "number": number,
            "at": at,
            **vars(deed),
            "action": registration.action,
            "before": json.dumps(registration.before, ensure_ascii=False, default=str),
            "after": json.dumps(registration.after, ensure_ascii=False, default=str),
            "registered_id": registration.party.id,
        }
        previous, head = head, entry_hash(head, fields)
        rows.append({**fields, "previous_hash": previous, "hash": head})
    session.connection().execute(_APPEND, rows)
    row.register_length, row.register_head = number, head
    session.add(row)
    session.flush()


def record_registration(
    session: Session,
    deed: Deed,
    party: Party,
    *,
    before: Mapping[str, object],
    after: Mapping[str, object],
    at: datetime,
) -> None:
    """Append one entry: `deed` made of `party` what stands in `after`."""
    registration = Registration(party=party, action=deed.action, before=before, after=after)
    record_registrations(session, deed, [registration], at=at)


def register_history(session: Session, name: str) -> list[RegisterEntry]:
    """Return what was registered and changed under that name, in any role, the oldest first."""
    known = session.exec(select(Party.id).where(Party.name == name)).all()
    if not known:
        raise UnknownPartyNameError(name)
    return list(
        session.exec(
            select(RegisterEntry)
            .where(col(RegisterEntry.registered_id).in_(known))
            .order_by(col(RegisterEntry.number))
        )
    )
