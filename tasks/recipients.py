"""To whom the digests go: the coordinators of the lead bureau, and the leading group."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import Session, col

from models.policy import Programme
from models.rules.mail import is_reachable
from models.rules.stages import Recipient, Role
from models.tables.party import Contact, Party

_COORDINATORS: Select[Any] = (
    select(
        col(Contact.id),
        col(Contact.name),
        col(Contact.email),
        col(Contact.bounced_address),
        col(Party.name).label("party"),
    )
    .join(Party, col(Party.id) == col(Contact.party_id))
    .where(col(Party.role) == Role.CITY_BUREAU, ~col(Contact.has_left))
    .order_by(col(Party.id), col(Contact.is_primary).desc(), col(Contact.id))
)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A person or a body as it is written to."""

    #: None for the leading group.
    contact_id: int | None
    party: str
    name: str
    email: str


def coordinators(session: Session) -> tuple[Reader, ...]:
    """Return the people of the lead bureau whom mail reaches; empty where nobody is there.

    Where it reaches none of them, the first: the dispatcher puts the mail on the call list.
    """
    found = session.execute(_COORDINATORS).all()
    reached = [row for row in found if is_reachable(row.email, row.bounced_address, has_left=False)]
    return tuple(
        Reader(contact_id=row.id, party=row.party, name=row.name, email=row.email)
        for row in reached or found[:1]
    )


def leading_group(programme: Programme) -> Reader | None:
    """Return the leading group, if there is one; without an address where none is known."""
    body = next(
        (each for each in programme.bodies if each.key == Recipient.LEADING_GROUP.value), None
    )
    if body is None:
        return None
    email = body.contact.email if body.contact else None
    return Reader(contact_id=None, party=body.name, name="办公室", email=email or "")
