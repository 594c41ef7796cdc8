"""To whom the digests go: the coordinators of the lead bureau, and the leading group."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from models.operations.parties import first_reachable
from models.policy import Programme
from models.rules.stages import Recipient, Role
from models.tables.party import Contact, Party


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A person or a body as it is written to."""

    #: None for the leading group.
    contact_id: int | None
    party: str
    name: str
    email: str


def coordinator(session: Session) -> Reader | None:
    """Return the first person of the lead bureau whom mail reaches; None where nobody is there."""
    found = session.exec(
        select(Contact, Party.name)
        .select_from(Party)
        .join(Contact, col(Contact.id) == first_reachable(col(Party.id)))
        .where(Party.role == Role.CITY_BUREAU)
        .order_by(col(Party.id))
        .limit(1)
    ).first()
    if found is None:
        return None
    contact, party = found
    return Reader(contact_id=contact.id, party=party, name=contact.name, email=contact.email)


def leading_group(programme: Programme) -> Reader | None:
    """Return the leading group where the policy says at which address mail reaches it."""
    body = next(
        (each for each in programme.bodies if each.key == Recipient.LEADING_GROUP.value), None
    )
    if body is None or body.contact is None or not body.contact.email:
        return None
    return Reader(contact_id=None, party=body.name, name="办公室", email=body.contact.email)
