"""What the stages leave behind: notices, contracts, spending, reviews, levels, awards, payments."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field

from models.tables.base import Table
from models.tables.columns import UTCDateTime, Yuan


def _yuan() -> Column[Decimal]:
    return Column(Yuan, nullable=False)


class PublicNotice(Table, table=True):
    """The publication of one case; both days belong to it. Cases published together share a no."""

    __tablename__ = "public_notice"
    __table_args__ = (CheckConstraint("starts_on <= ends_on", name="window"),)

    id: int | None = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="work_item.id", unique=True)
    notice_no: str = Field(index=True)
    starts_on: date
    ends_on: date


class Objection(Table, table=True):
    """An objection under a real name; `is_upheld` is None until it is decided."""

    __tablename__ = "objection"

    id: int | None = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="work_item.id", index=True)
    objector: str
    reach: str
    content: str
    raised_on: date
    is_upheld: bool | None = None
    decision: str = ""


class Assessment(Table, table=True):
    """A rating by one edition of the 评测指标; before (`is_baseline`) or after the change."""

    __tablename__ = "assessment"
    __table_args__ = (CheckConstraint("level BETWEEN 0 AND 4", name="level"),)

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case_file.case_no", index=True)
    item_id: int = Field(foreign_key="work_item.id", unique=True)
    is_baseline: bool
    edition: str
    score: str
    level: int
    scenarios: str
    is_on_site: bool
    assessed_on: date


class Grade(Table, table=True):
    """The level that the lead bureau confirmed; the last one counts."""

    __tablename__ = "grade"
    __table_args__ = (CheckConstraint("level BETWEEN 0 AND 4", name="level"),)

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case_file.case_no", index=True)
    item_id: int = Field(foreign_key="work_item.id", unique=True)
    assessment_id: int = Field(foreign_key="assessment.id")
    level: int
    override_reason: str = ""


class Contract(Table, table=True):
    """The transformation contract of a case."""

    __tablename__ = "contract"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        UniqueConstraint("provider_id", "contract_no"),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case_file.case_no", unique=True)
    item_id: int = Field(foreign_key="work_item.id", unique=True)
    provider_id: int = Field(foreign_key="party.id")
    contract_no: str
    signed_on: date
    amount: Decimal = Field(sa_column=_yuan())
    products: str
    price_detail: str


class Expenditure(Table, table=True):
    """One declared line of spending. A newer declaration replaces the lines of an older one."""

    __tablename__ = "expenditure"
    __table_args__ = (
        CheckConstraint("contract_sum > 0 AND invoice_sum > 0 AND paid_sum > 0", name="sums"),
        CheckConstraint(
            "eligible_sum IS NULL OR (eligible_sum >= 0 AND eligible_sum <= contract_sum"
            " AND eligible_sum <= invoice_sum AND eligible_sum <= paid_sum)",
            name="eligible_sum",
        ),
        # No invoice serves twice, in this case or another.
        Index(
            "uq_expenditure_invoice",
            "invoice_no",
            unique=True,
            sqlite_where=text("NOT is_replaced"),
            postgresql_where=text("NOT is_replaced"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case_file.case_no", index=True)
    item_id: int = Field(foreign_key="work_item.id")
    category: str
    contract_no: str
    invoice_no: str
    contract_sum: Decimal = Field(sa_column=_yuan())
    #: Without tax.
    invoice_sum: Decimal = Field(sa_column=_yuan())
    paid_sum: Decimal = Field(sa_column=_yuan())
    invoiced_on: date
    paid_on: date
    eligible_sum: Decimal | None = Field(default=None, sa_column=Column(Yuan))
    is_replaced: bool = False


class AcceptanceReview(Table, table=True):
    """The third party's finding on one visit."""

    __tablename__ = "acceptance_review"

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case_file.case_no", index=True)
    item_id: int = Field(foreign_key="work_item.id", unique=True)
    assessor_id: int = Field(foreign_key="party.id")
    visited_on: date
    outcome: str
    opinion: str


class Award(Table, table=True):
    """A subsidy proposed for a case: at most one is in force (neither returned nor objected to)."""

    __tablename__ = "award"
    __table_args__ = (
        CheckConstraint("amount > 0 AND amount <= ceiling", name="within_ceiling"),
        CheckConstraint("NOT is_void OR approved_by = ''", name="approved_stays"),
        CheckConstraint("approved_by <> proposed_by", name="two_persons"),
        Index(
            "uq_award_in_force",
            "case_no",
            unique=True,
            sqlite_where=text("NOT is_void"),
            postgresql_where=text("NOT is_void"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case_file.case_no", index=True)
    item_id: int = Field(foreign_key="work_item.id", unique=True)
    level: int
    eligible_spend: Decimal = Field(sa_column=_yuan())
    #: Per cent, as granted.
    rate_percent: str
    ceiling: Decimal = Field(sa_column=_yuan())
    amount: Decimal = Field(sa_column=_yuan())
    explanation: str
    basis: str
    proposed_by: str
    approved_by: str = ""
    approved_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    is_void: bool = False


class Payment(Table, table=True):
    """Money that left: one per case, one per voucher."""

    __tablename__ = "payment"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case_file.case_no", unique=True)
    award_id: int = Field(foreign_key="award.id", unique=True)
    item_id: int = Field(foreign_key="work_item.id", unique=True)
    voucher_no: str = Field(unique=True)
    paid_on: date
    amount: Decimal = Field(sa_column=_yuan())


class Document(Table, table=True):
    """A file by its content: stored once, whatever it is called."""

    __tablename__ = "document"
    __table_args__ = (CheckConstraint("size > 0", name="size"),)

    sha256: str = Field(primary_key=True)
    name: str
    media_type: str
    size: int
    stored_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
