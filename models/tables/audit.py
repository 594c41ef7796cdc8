"""The audit trail: append-only, hash-chained per case and over the register, sealed daily."""

from datetime import date, datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.rules.stages import Channel
from models.tables.base import Table, one_of
from models.tables.columns import ChoiceText, UTCDateTime


class TrailEntry(Table):
    """What every entry of a chain holds; its hash covers all of it and the hash before."""

    id: int | None = Field(default=None, primary_key=True)
    number: int
    at: datetime = Field(sa_type=UTCDateTime)
    party: str
    actor: str
    identity: str
    channel: Channel = Field(sa_type=ChoiceText(Channel))
    action: str
    #: JSON of how things stood before and stand after, and what was answered.
    before: str
    after: str
    clause: str
    previous_hash: str
    hash: str


class AuditEntry(TrailEntry, table=True):
    """One change of state. Rows are added, never changed; triggers in the database see to it."""

    __tablename__ = "audit_entry"
    __table_args__ = (UniqueConstraint("case_no", "number"), one_of("channel", Channel))

    case_no: str = Field(foreign_key="case_file.case_no")


class RegisterEntry(TrailEntry, table=True):
    """One registration, or one change of who is registered. One chain holds all of them."""

    __tablename__ = "register_entry"
    __table_args__ = (UniqueConstraint("number"), one_of("channel", Channel))

    registered_id: int = Field(foreign_key="party.id", index=True)


class AuditSeal(Table, table=True):
    """One hash over the ends of all chains on a day, chained to the day before."""

    __tablename__ = "audit_seal"

    day: date = Field(primary_key=True)
    entries: int
    #: JSON: case number, or `登记册` -> [length, hash] of its chain at the time of the seal.
    heads: str
    previous_hash: str
    hash: str
