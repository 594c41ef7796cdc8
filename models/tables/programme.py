"""The programme on this database: its batches, milestones, calendar and vital signs."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, UniqueConstraint
from sqlmodel import Field

from models.rules.audit_chain import GENESIS
from models.tables.base import Table
from models.tables.columns import UTCDateTime


class ProgrammeRow(Table, table=True):
    """The programme this database serves, and whether it holds real or demonstration data."""

    __tablename__ = "programme"

    key: str = Field(primary_key=True)
    name: str
    policy_version: str
    is_demonstration: bool
    #: The day a demonstration stands on; None where the clock is the wall's.
    demonstration_today: date | None = None
    loaded_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    #: The end of the register's audit chain: how many entries, and the hash of the last one.
    register_length: int = 0
    register_head: str = GENESIS


class Batch(Table, table=True):
    """One batch of enterprises; both days of a window belong to it."""

    __tablename__ = "batch"
    __table_args__ = (
        UniqueConstraint("programme_key", "number"),
        CheckConstraint("applications_open_on <= applications_close_on", name="applications"),
        CheckConstraint("transformation_from <= transformation_until", name="transformation"),
    )

    id: int | None = Field(default=None, primary_key=True)
    programme_key: str = Field(foreign_key="programme.key")
    number: int
    name: str
    applications_open_on: date
    applications_close_on: date
    transformation_from: date
    transformation_until: date
    target: int


class Milestone(Table, table=True):
    """One of the plan's annex items, with its wording and its window."""

    __tablename__ = "milestone"
    __table_args__ = (CheckConstraint("starts_on <= ends_on", name="window"),)

    key: str = Field(primary_key=True)
    programme_key: str = Field(foreign_key="programme.key")
    year: int
    number: int
    wording: str
    starts_on: date
    ends_on: date
    target: int | None = None
    target_text: str = ""


class CalendarDay(Table, table=True):
    """One day; `workday_no` counts the working days up to and including it."""

    __tablename__ = "calendar_day"

    day: date = Field(primary_key=True)
    is_workday: bool
    workday_no: int = Field(index=True)


class Heartbeat(Table, table=True):
    """When a part of the system last said that it is alive (machine time, not programme time)."""

    __tablename__ = "heartbeat"

    part: str = Field(primary_key=True)
    beat_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    detail: str = ""
