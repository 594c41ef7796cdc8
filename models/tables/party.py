"""Who takes part: enterprises, providers, assessors, bureaus, and the people to write to."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlmodel import Field

from models.rules.enterprise_size import EnterpriseSize
from models.rules.stages import Role
from models.tables.base import Table, one_of
from models.tables.columns import ChoiceText, Yuan


class Party(Table, table=True):
    """An enterprise, a provider, an assessor, a bureau or the system itself."""

    __tablename__ = "party"
    __table_args__ = (
        one_of("role", Role),
        one_of("size", EnterpriseSize, nullable=True),
        CheckConstraint("credit_code = '' OR length(credit_code) = 18", name="credit_code_length"),
        CheckConstraint("role <> 'enterprise' OR credit_code <> ''", name="enterprise_has_code"),
        Index("uq_party_role_name", "role", "name", unique=True),
        Index(
            "uq_party_role_credit_code",
            "role",
            "credit_code",
            unique=True,
            sqlite_where=text("credit_code <> ''"),
            postgresql_where=text("credit_code <> ''"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    role: Role = Field(sa_column=Column(ChoiceText(Role), nullable=False))
    name: str
    credit_code: str = ""
    county: str = ""
    industry: str = ""
    is_above_scale: bool = False
    headcount: int | None = None
    revenue: Decimal | None = Field(default=None, sa_column=Column(Yuan))
    main_business: str = ""
    #: Enterprises: what the record of one holds beside what its application states.
    size: EnterpriseSize | None = Field(default=None, sa_column=Column(ChoiceText(EnterpriseSize)))
    ownership: str = ""
    founded_on: date | None = None
    headcount_before: int | None = None
    address: str = ""
    #: Providers: whether it stands in the pool now, and how many cases it may hold at once.
    is_admitted: bool = False
    capacity: int | None = None


class Contact(Table, table=True):
    """A person of a party; exactly one is the primary one, the others follow by their number."""

    __tablename__ = "contact"
    __table_args__ = (
        CheckConstraint("email LIKE '%_@_%'", name="email"),
        Index("uq_contact_party_name", "party_id", "name", unique=True),
        Index(
            "uq_contact_primary",
            "party_id",
            unique=True,
            sqlite_where=text("is_primary"),
            postgresql_where=text("is_primary"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    party_id: int = Field(foreign_key="party.id")
    name: str
    email: str
    phone: str = ""
    is_primary: bool = False
    #: Does not work there any more: neither written to nor asked.
    has_left: bool = False
    #: The address, in small letters, that mail must not go to. A comparison, not a flag: whoever
    #: enters another address makes the person reachable again.
    bounced_address: str = ""

    @property
    def is_reachable(self) -> bool:
        """Whether mail may go to this person."""
        return not self.has_left and self.email.lower() != self.bounced_address
