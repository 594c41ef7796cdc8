"""How a deadline was moved: extensions, and the times at which its clock stood still."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlmodel import Field

from models.rules.stages import Role
from models.tables.base import Table, one_of
from models.tables.columns import ChoiceText, UTCDateTime

_RUNNING = text("restarted_on IS NULL")


class ClockStop(Table, table=True):
    """A time in which an item waited for somebody else than who is asked.

    An item that is closed while its clock stands still never gets a restart.
    """

    __tablename__ = "clock_stop"
    __table_args__ = (
        one_of("waits_for", Role),
        CheckConstraint("(restarted_on IS NULL) = (restarted_at IS NULL)", name="restarted"),
        CheckConstraint("restarted_on IS NULL OR restarted_on >= stopped_on", name="in_order"),
        CheckConstraint("reason <> ''", name="with_reason"),
        # One at a time.
        Index(
            "uq_clock_stop_open",
            "item_id",
            unique=True,
            sqlite_where=_RUNNING,
            postgresql_where=_RUNNING,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="work_item.id", index=True)
    stopped_on: date
    stopped_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    stopped_by: str
    reason: str
    waits_for: Role = Field(sa_column=Column(ChoiceText(Role), nullable=False))
    #: The due day before the stop; while the clock stands still the item has none.
    due_before: date
    restarted_on: date | None = None
    restarted_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    restarted_by: str = ""


class Extension(Table, table=True):
    """One extension of an item's deadline. Rows are added, never changed."""

    __tablename__ = "extension"
    __table_args__ = (
        CheckConstraint("due_on > due_before", name="later"),
        CheckConstraint("reason <> ''", name="with_reason"),
    )

    id: int | None = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="work_item.id", index=True)
    extended_on: date
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    extended_by: str
    #: What was asked for: `5` working days, or `2025-01-20`.
    asked: str
    reason: str
    due_before: date
    due_on: date
