"""Whom mail does not reach: dead addresses, reports read, people to be telephoned.

No foreign keys: like the mails they tell of, these rows are proof and outlive what they name. All
instants are the machine's.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlmodel import Field

from models.rules.bounces import ReportAction
from models.tables.base import Table, one_of
from models.tables.columns import ChoiceText, UTCDateTime

IN_FORCE = text("lifted_at IS NULL")
_NOT_DONE = text("done_at IS NULL")


class Suppression(Table, table=True):
    """An address that is not written to, since when, why and on whose word; kept when lifted."""

    __tablename__ = "suppression"
    __table_args__ = (
        CheckConstraint("address = lower(address) AND address <> ''", name="address_folded"),
        CheckConstraint("reason <> '' AND by <> ''", name="with_reason"),
        CheckConstraint(
            "(lifted_at IS NULL) = (lifted_by = '') AND (lifted_at IS NULL) = (lift_reason = '')",
            name="lifted_on_record",
        ),
        Index(
            "uq_suppression_in_force",
            "address",
            unique=True,
            sqlite_where=IN_FORCE,
            postgresql_where=IN_FORCE,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    address: str
    since: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    reason: str
    #: What the server said, where one did.
    code: int | None = None
    detail: str = ""
    #: The mail that came back.
    mail_id: int | None = None
    by: str
    lifted_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    lifted_by: str = ""
    lift_reason: str = ""


class PhoneCall(Table, table=True):
    """A mail that reached nobody of its party: somebody has to call. One row a mail."""

    __tablename__ = "phone_call"
    __table_args__ = (
        CheckConstraint("why <> ''", name="with_why"),
        CheckConstraint("(done_at IS NULL) = (done_by = '')", name="done_by_somebody"),
        Index("ix_phone_call_open", "since", sqlite_where=_NOT_DONE, postgresql_where=_NOT_DONE),
    )

    id: int | None = Field(default=None, primary_key=True)
    mail_id: int = Field(unique=True)
    #: None where it is not known which party the addressee belonged to.
    party_id: int | None = None
    since: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    why: str
    done_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    done_by: str = ""
    note: str = ""


class DeliveryReport(Table, table=True):
    """A delivery report that was read and told of a mail of ours."""

    __tablename__ = "delivery_report"
    __table_args__ = (one_of("action", ReportAction),)

    id: int | None = Field(default=None, primary_key=True)
    #: The report's own Message-ID: reading it again does nothing.
    report_key: str = Field(unique=True)
    mail_id: int = Field(index=True)
    read_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    action: ReportAction = Field(sa_column=Column(ChoiceText(ReportAction), nullable=False))
    status: str
    code: int | None = None
    detail: str


class ReportCursor(Table, table=True):
    """How far a mailbox has been read, so that each tick looks at what is new only."""

    __tablename__ = "report_cursor"

    source: str = Field(primary_key=True)
    position: int
