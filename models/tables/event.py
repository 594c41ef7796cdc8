"""Events: training and matching, who is invited and who came."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, UniqueConstraint
from sqlmodel import Field

from models.rules.events import EventKind
from models.tables.base import Table, one_of
from models.tables.columns import ChoiceText, UTCDateTime


class Event(Table, table=True):
    """A training or a matching of supply and demand, held under one of the annex items."""

    __tablename__ = "event"
    __table_args__ = (
        one_of("kind", EventKind),
        CheckConstraint("starts_at < ends_at", name="window"),
        UniqueConstraint("name", "starts_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: EventKind = Field(sa_column=Column(ChoiceText(EventKind), nullable=False))
    name: str
    place: str
    starts_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    ends_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    milestone_key: str = Field(foreign_key="milestone.key", index=True)
    #: When it was called off; why is in the register's trail.
    cancelled_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))


class Invitation(Table, table=True):
    """One party invited to one event, and whether it came."""

    __tablename__ = "invitation"
    __table_args__ = (UniqueConstraint("event_id", "party_id"),)

    id: int | None = Field(default=None, primary_key=True)
    event_id: int = Field(foreign_key="event.id")
    party_id: int = Field(foreign_key="party.id", index=True)
    invited_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    #: None until it is recorded whether the party came.
    has_attended: bool | None = None
    #: Who came, as written on the list of those present.
    attendees: str = ""
