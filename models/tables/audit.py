"""The audit trail: append-only, hash-chained per case, sealed daily."""

from datetime import date, datetime

from sqlalchemy import Column, UniqueConstraint
from sqlmodel import Field

from models.rules.stages import Channel
from models.tables.base import Table, one_of
from models.tables.columns import ChoiceText, UTCDateTime


class AuditEntry(Table, table=True):
    """One change of state. Rows are added, never changed; triggers in the database see to it."""

    __tablename__ = "audit_entry"
    __table_args__ = (UniqueConstraint("case_no", "number"), one_of("channel", Channel))

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case_file.case_no")
    number: int
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    party: str
    actor: str
    identity: str
    channel: Channel = Field(sa_column=Column(ChoiceText(Channel), nullable=False))
    action: str
    #: JSON of the case's position before and after, and what was answered.
    before: str
    after: str
    clause: str
    previous_hash: str
    hash: str


class AuditSeal(Table, table=True):
    """One hash over the ends of all chains on a day, chained to the day before."""

    __tablename__ = "audit_seal"

    day: date = Field(primary_key=True)
    entries: int
    #: JSON: case number -> [length, hash] of its chain at the time of the seal.
    heads: str
    previous_hash: str
    hash: str
