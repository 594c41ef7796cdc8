"""The people of a party: who is written to first, who next, who has left."""

from datetime import datetime

from sqlmodel import Session

from models.operations.audit import Deed
from models.operations.parties import contacts_of_all
from models.operations.register_trail import party_facts, record_registration
from models.operations.registering import Person, put_contact
from models.rules.errors import PilotError
from models.rules.mail import checked_address
from models.tables.party import Contact, Party


class UnknownContactError(PilotError):
    """Nobody of that name works there."""

    def __init__(self, party: str, name: str) -> None:
        """Name both."""
        super().__init__(f"“{party}”没有名为“{name}”的联系人；可用 pilot party list 查看")


class LastContactError(PilotError):
    """A party is not left without anybody to write to."""

    def __init__(self, party: str, name: str) -> None:
        """Name both, and what to do first."""
        super().__init__(f"{name} 是“{party}”唯一的联系人，请先登记接任的联系人")


def add_contact(
    session: Session, party: Party, person: Person, deed: Deed, *, at: datetime, is_first: bool
) -> Person | None:
    """Enter `person`, or what has changed of one who is known by name; return what was known.

    The first contact is written to first; the others in the order in which they were entered.
    """
    people = _people(session, party)
    contact = next((each for each in people if each.name == person.name.strip()), None)
    known = (
        None
        if contact is None
        else Person(name=contact.name, email=contact.email, phone=contact.phone)
    )
    if is_first:
        put_contact(session, party, person, deed, at=at)
        return known
    before = party_facts(party, people)
    if contact is None:
        assert party.id is not None  # noqa: S101 -- read from the database
        contact = Contact(party_id=party.id, name=person.name.strip(), email="")
        contact.is_primary = all(each.has_left for each in people)
    contact.email = checked_address(person.email.strip())
    contact.phone = person.phone.strip() or contact.phone
    contact.has_left = False
    session.add(contact)
    _record(session, party, deed, before, at)
    return known


def contact_left(session: Session, party: Party, name: str, deed: Deed, *, at: datetime) -> None:
    """Ask and write to that person no more; the next one takes the first place, if it was his."""
    people = _people(session, party)
    before = party_facts(party, people)
    present = [each for each in people if not each.has_left]
    leaving = next((each for each in present if each.name == name.strip()), None)
    if leaving is None:
        raise UnknownContactError(party.name, name)
    others = [each for each in present if each is not leaving]
    if not others:
        raise LastContactError(party.name, leaving.name)
    leaving.has_left = True
    was_first, leaving.is_primary = leaving.is_primary, False
    session.add(leaving)
    # One is the first at any time; the old one steps back before the new one comes.
    session.flush()
    if was_first:
        others[0].is_primary = True
        session.add(others[0])
    _record(session, party, deed, before, at)


def _record(
    session: Session, party: Party, deed: Deed, before: dict[str, object], at: datetime
) -> None:
    session.flush()
    after = party_facts(party, _people(session, party))
    if after != before:
        record_registration(session, deed, party, before=before, after=after, at=at)


def _people(session: Session, party: Party) -> list[Contact]:
    assert party.id is not None  # noqa: S101 -- read from the database
    return contacts_of_all(session, {party.id})[party.id]
