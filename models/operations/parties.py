"""Who is who: parties by role and name, their people, a provider's standing and load."""

from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, bindparam
from sqlalchemy import select as select_rows
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import Session, col, func, select

from models.operations.case_in_hand import columns_of
from models.rules.errors import PilotError
from models.rules.mail import is_reachable
from models.rules.stages import CaseStatus, Role
from models.tables.case import Case
from models.tables.party import Contact, Party

_NAMED = select(Party).where(
    col(Party.role) == bindparam("role"), col(Party.name) == bindparam("name")
)
_IN_HAND = (
    select(func.count())
    .select_from(Case)
    .where(col(Case.provider_id) == bindparam("provider"), Case.status == CaseStatus.ACTIVE)
)
#: Holds a party until the transaction ends; rows that refer to it may still be written.
HOLD_PARTY = (
    select(Party.id).where(col(Party.id) == bindparam("party")).with_for_update(key_share=True)
)
_CONTACTS = (
    select(Contact)
    .where(col(Contact.party_id).in_(bindparam("parties", expanding=True)))
    .order_by(col(Contact.is_primary).desc(), col(Contact.id))
)


@dataclass
class Addressee:
    """A party as it is named and written to."""

    id: int
    role: Role
    name: str


@dataclass
class Applicant(Addressee):
    """The enterprise of a case, as an answer finds it."""

    credit_code: str
    county: str


@dataclass
class Body(Applicant):
    """A provider or an assessor that is to be given a case."""

    is_admitted: bool
    capacity: int | None


@dataclass(frozen=True)
class Person:
    """A contact as he is named and written to."""

    id: int
    party_id: int
    name: str
    email: str
    has_left: bool
    bounced_address: str

    @property
    def is_reachable(self) -> bool:
        """Whether mail may go to this person."""
        return is_reachable(self.email, self.bounced_address, has_left=self.has_left)


_PARTY = Party.metadata.tables["party"]
ADDRESSEE = columns_of(_PARTY, Addressee)
_BODY = select_rows(*columns_of(_PARTY, Body))
_BODY_NAMED = _BODY.where(_PARTY.c.role == bindparam("role"), _PARTY.c.name == bindparam("name"))
_BODY_NUMBERED = _BODY.where(_PARTY.c.id == bindparam("party"))
PERSON = columns_of(Contact.metadata.tables["contact"], Person)


@cache
def _people(number: int) -> Select[Any]:
    """Return the statement for so many parties: one that expands is put together at every run."""
    named: list[Any] = [bindparam(f"party_{place}") for place in range(number)]
    return (
        select_rows(*PERSON)
        .where(col(Contact.party_id).in_(named))
        .order_by(col(Contact.is_primary).desc(), col(Contact.id))
    )


_One = aliased(Contact)

#: The party that stands for the system itself; objections to its notices go to the lead bureau.
SYSTEM_PARTY = "公示期（系统）"


class UnknownPartyError(PilotError):
    """No party of that role has that name."""

    def __init__(self, role: Role, name: str) -> None:
        """Name both."""
        self.role = role
        self.name = name
        super().__init__(f"没有登记名为“{name}”的{role.label}")


class NoPartyForRoleError(PilotError):
    """Nobody is registered who could be asked."""

    def __init__(self, role: Role, county: str) -> None:
        """Name the role and, for a county bureau, the county."""
        self.role = role
        self.county = county
        where = f"（{county}）" if county else ""
        super().__init__(f"没有登记{role.label}{where}，无法转交下一步；请先登记该单位及其联系人")


class NotAdmittedError(PilotError):
    """The provider is not in the pool."""

    def __init__(self, name: str) -> None:
        """Name it."""
        self.name = name
        super().__init__(f"服务商“{name}”不在资源池内，不能承接；请选择资源池内的服务商")


class NoCapacityError(PilotError):
    """The provider holds as many cases as it may."""

    def __init__(self, name: str, capacity: int) -> None:
        """Name it and its limit."""
        self.name = name
        self.capacity = capacity
        super().__init__(f"服务商“{name}”在办企业已达 {capacity} 家上限，请选择其他服务商")


class OwnProviderError(PilotError):
    """The provider is the enterprise itself."""

    def __init__(self, name: str) -> None:
        """Name it."""
        self.name = name
        super().__init__(f"“{name}”与企业为同一单位（统一社会信用代码相同），不能作为本案服务商")


def party_named(session: Session, role: Role, name: str) -> Party:
    """Return the party, or raise `UnknownPartyError`."""
    party = session.exec(_NAMED, params={"role": role, "name": name}).first()
    if party is None:
        raise UnknownPartyError(role, name)
    return party


def body_named(session: Session, role: Role, name: str) -> Body:
    """Return what `party_named` does, for those who only give it a case."""
    row = session.connection().execute(_BODY_NAMED, {"role": role, "name": name}).first()
    if row is None:
        raise UnknownPartyError(role, name)
    return Body(*row)


def body_numbered(session: Session, party_id: int) -> Body:
    """Return the party of that number, which is known to be there."""
    return Body(*session.connection().execute(_BODY_NUMBERED, {"party": party_id}).one())


def party_for_role(session: Session, role: Role, county: str = "") -> Party:
    """Return the one bureau (or the system) of `role`; county bureaus by `county`."""
    wanted = select(Party).where(Party.role == role)
    if role is Role.COUNTY_BUREAU:
        wanted = wanted.where(Party.county == county)
    party = session.exec(wanted.order_by(col(Party.id)).limit(1)).first()
    if party is None:
        raise NoPartyForRoleError(role, county if role is Role.COUNTY_BUREAU else "")
    return party


def contacts_of(session: Session, party_id: int) -> list[Contact]:
    """Return the people who work for a party, the primary one first."""
    people = contacts_of_all(session, {party_id})[party_id]
    return [person for person in people if not person.has_left]


def contacts_of_all(session: Session, party_ids: Set[int]) -> dict[int, list[Contact]]:
    """Return the people of each party, those who have left too, the primary one first."""
    people: dict[int, list[Contact]] = {party_id: [] for party_id in party_ids}
    for contact in session.exec(_CONTACTS, params={"parties": sorted(party_ids)}):
        people[contact.party_id].append(contact)
    return people


def people_of(session: Session, party_ids: Set[int]) -> dict[int, list[Person]]:
    """Return what `contacts_of_all` does, for those who only name them or write to them."""
    people: dict[int, list[Person]] = {party_id: [] for party_id in party_ids}
    session.flush()  # what the session has not written yet would not be found
    named = {f"party_{place}": party_id for place, party_id in enumerate(sorted(party_ids))}
    for row in session.connection().execute(_people(len(named)), named):
        person = Person(*row)
        people[person.party_id].append(person)
    return people


def first_reachable(party_id: Mapped[Any] | ColumnElement[Any]) -> ScalarSelect[Any]:
    """Return, within a query, the number of the first contact whom mail reaches.

    Where it reaches nobody, of the first: the dispatcher puts the mail on the call list.
    """
    return (
        select(_One.id)
        .where(col(_One.party_id) == party_id)
        .order_by(
            col(_One.has_left) | (func.lower(_One.email) == col(_One.bounced_address)),
            col(_One.is_primary).desc(),
            col(_One.id),
        )
        .limit(1)
        .correlate_except(_One)
        .scalar_subquery()
    )


def cases_in_hand(session: Session, provider_id: int) -> int:
    """Return how many active cases a provider holds."""
    return session.exec(_IN_HAND, params={"provider": provider_id}).one()


def require_can_take(
    session: Session, provider: Body, enterprise: Applicant, *, holds_already: bool
) -> None:
    """Raise unless `provider` may serve `enterprise`.

    It stands in the pool, is another body than the enterprise (nobody is paid for serving himself)
    and, where the case is new to it, has room.
    """
    if provider.credit_code and provider.credit_code == enterprise.credit_code:
        raise OwnProviderError(provider.name)
    if not provider.is_admitted:
        raise NotAdmittedError(provider.name)
    if holds_already or provider.capacity is None:
        return
    # Two cases at once do not both get the last place.
    session.exec(HOLD_PARTY, params={"party": provider.id}).one()
    if cases_in_hand(session, provider.id) >= provider.capacity:
        raise NoCapacityError(provider.name, provider.capacity)


def available_providers(session: Session) -> list[str]:
    """Return the names of providers in the pool that have room, for a form's choices."""
    held = (
        select(func.count())
        .select_from(Case)
        .where(Case.provider_id == Party.id, Case.status == CaseStatus.ACTIVE)
        .correlate(Party)
        .scalar_subquery()
    )
    return list(
        session.exec(
            select(Party.name)
            .where(
                Party.role == Role.PROVIDER,
                Party.is_admitted,
                col(Party.capacity).is_(None) | (col(Party.capacity) > held),
            )
            .order_by(Party.name)
        )
    )


def names_of(session: Session, role: Role) -> list[str]:
    """Return the names of all parties of a role, for a form's choices."""
    return list(session.exec(select(Party.name).where(Party.role == role).order_by(Party.name)))
