"""Register who takes part: a party with the person to write to. Every deed leaves an entry."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from models.operations.audit import Deed
from models.operations.cases import enterprise_by_code
from models.operations.parties import contacts_of_all
from models.operations.register_trail import party_facts, record_registration
from models.policy import Programme
from models.policy.figures import Term
from models.rules.credit_code import require_credit_code
from models.rules.errors import PilotError
from models.rules.mail import checked_address
from models.rules.stages import Role
from models.tables.party import Contact, Party

#: Roles that one party holds for the whole city; a step that asks it must find the right one.
_ONE_OF_A_KIND = frozenset({Role.CITY_BUREAU, Role.FINANCE_BUREAU})

#: Where the plan speaks of those who take part; of the bureaus in 五（一）.
_CLAUSES = {Role.ENTERPRISE: "三（一）1", Role.PROVIDER: "三（一）2", Role.ASSESSOR: "三（一）4"}


class PartyExistsError(PilotError):
    """The party is registered already, or another holds the place."""

    def __init__(self, role: Role, name: str, why: str) -> None:
        """Name the party that is there and why it excludes the new one."""
        super().__init__(f"{role.label}“{name}”{why}")


class PartyFactMissingError(PilotError):
    """Something that must be known of such a party."""

    def __init__(self, role: Role, what: str) -> None:
        """Name the role and what is missing."""
        super().__init__(f"登记{role.label}时必须填写{what}")


class NotInProgrammeError(PilotError):
    """A county or an industry that the programme does not have."""

    def __init__(self, what: str, given: str, known: tuple[Term, ...]) -> None:
        """Name what was given and all there are."""
        names = "、".join(term.name for term in known)
        super().__init__(f"{what}“{given}”不在试点范围内，应为下列之一：{names}")


class OtherEnterpriseError(PilotError):
    """The credit code belongs to an enterprise of another name."""

    def __init__(self, credit_code: str, registered: str, given: str) -> None:
        """Name both."""
        super().__init__(f"统一社会信用代码 {credit_code} 已登记为“{registered}”，与“{given}”不符")


class SystemPartyError(PilotError):
    """The system is no party that could be registered."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("“系统”不是可以登记的单位")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody to write to."""

    name: str
    email: str
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class NewParty:
    """What is told of a party when it is registered."""

    role: Role
    name: str
    contact: Person
    credit_code: str = ""
    county: str = ""
    industry: str = ""
    is_admitted: bool = False
    capacity: int | None = None


def registering_clause(role: Role) -> str:
    """Return the clause by which parties of `role` take part."""
    return _CLAUSES.get(role, "五（一）")


def register_party(
    session: Session, programme: Programme, new: NewParty, deed: Deed, *, at: datetime
) -> Party:
    """Register a party with its first contact; refused where it, or its place, is taken."""
    if new.role is Role.SYSTEM:
        raise SystemPartyError
    name = _given(new.role, "名称", new.name)
    code = require_credit_code(new.credit_code) if new.credit_code else ""
    county = _term("所属县市区", new.county, programme.counties)
    industry = _term("所属行业", new.industry, programme.industries)
    if new.role is Role.ENTERPRISE:
        _given(new.role, "统一社会信用代码", code)
        _given(new.role, "所属行业", industry)
    if new.role in (Role.ENTERPRISE, Role.COUNTY_BUREAU):
        _given(new.role, "所属县市区", county)
    _require_free(session, new.role, name, code, county)
    party = Party(
        role=new.role,
        name=name,
        credit_code=code,
        county=county,
        industry=industry,
        is_admitted=new.is_admitted,
        capacity=new.capacity,
    )
    session.add(party)
    session.flush()
    _put_first(session, party, new.contact)
    after = party_facts(party, _people(session, party))
    record_registration(session, deed, party, before={}, after=after, at=at)
    return party


def enterprise_for_case(
    session: Session, programme: Programme, new: NewParty, deed: Deed, *, at: datetime
) -> Party:
    """Return the enterprise with that credit code, registered now if it is new.

    An enterprise that is known keeps its facts, and need not be told again: its code is enough.
    A person, where one is given, becomes its first contact. Another name under the same code is
    refused.
    """
    known = enterprise_by_code(session, require_credit_code(new.credit_code))
    if known is None:
        return register_party(session, programme, new, deed, at=at)
    if new.name.strip() not in ("", known.name):
        raise OtherEnterpriseError(known.credit_code, known.name, new.name)
    if new.contact != Person(name="", email=""):
        put_contact(session, known, new.contact, deed, at=at)
    return known


def put_contact(
    session: Session, party: Party, person: Person, deed: Deed, *, at: datetime
) -> Contact:
    """Make `person` the first contact of `party`, whether new or known by name."""
    before = party_facts(party, _people(session, party))
    contact = _put_first(session, party, person)
    after = party_facts(party, _people(session, party))
    if after != before:
        record_registration(session, deed, party, before=before, after=after, at=at)
    return contact


def _put_first(session: Session, party: Party, person: Person) -> Contact:
    name = _given(party.role, "联系人", person.name)
    email = checked_address(person.email.strip())
    people = _people(session, party)
    for other in people:
        other.is_primary = False
    session.add_all(people)
    # One is the first at any time; the old one steps back before the new one comes.
    session.flush()
    contact = next((each for each in people if each.name == name), None)
    if contact is None:
        contact = Contact(party_id=_id(party), name=name, email=email)
    contact.email = email
    contact.phone = person.phone.strip() or contact.phone
    contact.is_primary = True
    contact.has_left = False
    session.add(contact)
    session.flush()
    return contact


def _people(session: Session, party: Party) -> list[Contact]:
    """Return everybody of the party, those who have left too."""
    return contacts_of_all(session, {_id(party)})[_id(party)]


def _id(party: Party) -> int:
    assert party.id is not None  # noqa: S101 -- flushed, or read from the database
    return party.id


def _require_free(session: Session, role: Role, name: str, code: str, county: str) -> None:
    others = session.exec(select(Party).where(Party.role == role).order_by(col(Party.id))).all()
    for other in others:
        if other.name == name:
            raise PartyExistsError(role, name, "已经登记")
        if code and other.credit_code == code:
            raise PartyExistsError(role, other.name, f"已用统一社会信用代码 {code} 登记")
        if role in _ONE_OF_A_KIND:
            raise PartyExistsError(role, other.name, "已经登记，全市只有一个")
        if role is Role.COUNTY_BUREAU and other.county == county:
            raise PartyExistsError(role, other.name, f"已经登记，{county}只有一个")


def _given(role: Role, what: str, text: str) -> str:
    if not text.strip():
        raise PartyFactMissingError(role, what)
    return text.strip()


def _term(what: str, given: str, known: tuple[Term, ...]) -> str:
    """Return the programme's own word for `given`; nothing where nothing is given."""
    if not given.strip():
        return ""
    for term in known:
        if given.strip() in (term.key, term.name):
            return term.name
    raise NotInProgrammeError(what, given, known)
