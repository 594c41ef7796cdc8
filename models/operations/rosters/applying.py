"""Do what a roster's plan says: the register, its people and its trail, in portions."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.operations.audit import Deed
from models.operations.parties import contacts_of_all
from models.operations.register_trail import Registration, party_facts, record_registrations
from models.operations.rosters.plan import PartyPlan, RosterPlan
from models.operations.rosters.protection import CHANGED_BY_IMPORT, IMPORTED
from models.tables.party import Contact, Party

#: Parties that are in memory at once.
_PORTION = 1000


def hold_register(session: Session) -> None:
    """Keep others from changing the register between plan and deed; they may read and refer to it.

    SQLite's only writer holds everything anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text("LOCK TABLE party, contact IN SHARE ROW EXCLUSIVE MODE"))


def apply_plan(
    session: Session,
    plan: RosterPlan,
    deed: Deed,
    *,
    at: datetime,
    tick: Callable[[int, int], object] = lambda done, of: None,
) -> None:
    """Register and change what `plan` says, with one entry of the trail for each party.

    The caller holds the register since the plan was made. `tick` is told how many parties
    are finished, and of how many.
    """
    assert not plan.findings, "a roster with findings is not applied"  # noqa: S101
    parties, done = iter(plan.parties), 0
    while portion := list(islice(parties, _PORTION)):
        wanted = [each for each in portion if _has_work(plan, each)]
        if wanted:
            _apply(session, plan, wanted, deed, at)
            session.expunge_all()  # what is written need not be remembered
        done += len(portion)
        tick(done, len(plan.parties))


def _has_work(plan: RosterPlan, party: PartyPlan) -> bool:
    return (
        party.party_id is None
        or any(person.contact_id is None for person in party.people)
        or any(plan.will_do(change) for change in party.all_changes())
    )


def _apply(
    session: Session, plan: RosterPlan, wanted: list[PartyPlan], deed: Deed, at: datetime
) -> None:
    ids = {each.party_id for each in wanted if each.party_id is not None}
    known = {
        party.id: party
        for party in session.exec(select(Party).where(col(Party.id).in_(sorted(ids))))
    }
    people = contacts_of_all(session, ids)
    before = {party_id: party_facts(known[party_id], people[party_id]) for party_id in ids}

    done: list[tuple[PartyPlan, Party, list[Contact]]] = []
    for each in wanted:
        if each.party_id is None:
            assert each.row is not None  # noqa: S101 -- only a row makes a new party
            party = Party(role=each.role, **each.row.form.facts())
            done.append((each, party, []))
        else:
            party = known[each.party_id]
            _set(party, ((c.field, c.after) for c in each.changes if plan.will_do(c)))
            done.append((each, party, people[each.party_id]))
        session.add(party)
    session.flush()

    for each, party, contacts in done:
        _write_people(session, plan, each, party, contacts)
    # One is the first at any time; the old one steps back before the new one comes.
    session.flush()
    for each, _, contacts in done:
        for contact in contacts:
            if contact.name == _first(plan, each) and not contact.is_primary:
                contact.is_primary = True
                session.add(contact)
    session.flush()

    record_registrations(
        session,
        deed,
        [
            Registration(
                party=party,
                action=IMPORTED if each.party_id is None else CHANGED_BY_IMPORT,
                before={} if each.party_id is None else before[each.party_id],
                after=party_facts(party, sorted(contacts, key=_rank)),
            )
            for each, party, contacts in done
        ],
        at=at,
    )


def _write_people(
    session: Session, plan: RosterPlan, each: PartyPlan, party: Party, contacts: list[Contact]
) -> None:
    """Write the people of a party, none of whom becomes the first one yet."""
    assert party.id is not None  # noqa: S101 -- flushed
    by_name = {contact.name: contact for contact in contacts}
    for person in each.people:
        contact = by_name.get(person.form.name)
        if contact is None:
            contact = Contact(
                party_id=party.id,
                name=person.form.name,
                email=person.form.email,
                phone=person.form.phone or "",
            )
            contacts.append(contact)
        changed = ((c.field, c.after) for c in person.changes if plan.will_do(c))
        _set(contact, ((name, value) for name, value in changed if name != "is_primary"))
        session.add(contact)
    first = _first(plan, each)
    for contact in contacts:
        if contact.is_primary and contact.name != first:
            contact.is_primary = False
            session.add(contact)


def _first(plan: RosterPlan, each: PartyPlan) -> str:
    """Return the name of the first contact as it is to be; a checked one stays."""
    for person in each.people:
        for change in person.changes:
            if change.field == "is_primary" and not plan.will_do(change):
                return each.first
    return each.wanted_first


def _set(row: Party | Contact, values: Iterable[tuple[str, Any]]) -> None:
    for name, value in values:
        setattr(row, name, value)


def _rank(contact: Contact) -> tuple[bool, int]:
    return (not contact.is_primary, contact.id or 0)


def import_deed(deed: Deed, file_name: str) -> Deed:
    """Return `deed` as one of importing that file; each entry names its own action."""
    return replace(deed, action=IMPORTED, identity=f"{deed.identity}，文件 {file_name}")
