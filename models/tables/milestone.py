"""How the milestones come on: evidence, the readings chosen, a record of each day that differed."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlmodel import Field

from models.rules.milestones import MilestoneState
from models.tables.base import Table, one_of
from models.tables.columns import ChoiceText, UTCDateTime


class MilestoneEvidence(Table, table=True):
    """A file that shows a milestone, or part of a target, to be done."""

    __tablename__ = "milestone_evidence"
    __table_args__ = (
        # The same again is the same; once it has been withdrawn it may be recorded anew.
        Index(
            "uq_milestone_evidence_in_force",
            "key",
            "document",
            "done_on",
            "number",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        CheckConstraint("number >= 0", name="number"),
        CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_because = '')", name="withdrawn_with_reason"
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    #: Of a milestone, or of a target of the programme.
    key: str
    document: str = Field(foreign_key="document.sha256")
    #: What the file is called by whoever handed it in; the content may be known by another name.
    file_name: str
    done_on: date
    #: How many the file speaks of, where the measure is the number recorded; else 0.
    number: int = 0
    note: str
    recorded_by: str
    recorded_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    withdrawn_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    withdrawn_because: str = ""


class MilestoneDay(Table, table=True):
    """How a milestone or target stood on a day on which that differed from before."""

    __tablename__ = "milestone_day"
    __table_args__ = (one_of("state", MilestoneState),)

    key: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    value: int | None = None
    target: int | None = None
    state: MilestoneState = Field(sa_column=Column(ChoiceText(MilestoneState), nullable=False))
    done_on: date | None = None


class ReadingChoice(Table, table=True):
    """A reading put in force where the plan disagrees with itself; the last row counts."""

    __tablename__ = "reading_choice"

    id: int | None = Field(default=None, primary_key=True)
    contradiction: str = Field(index=True)
    reading: str
    reason: str
    chosen_by: str
    chosen_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class CalendarMoment(Table, table=True):
    """A day of the calendar that has come: what it brings is done once, and this row proves it.

    The clock writes the row, the worker has it handled, whoever handled it sets `done_at`.
    """

    __tablename__ = "calendar_moment"

    #: What it is and of what, `applications-open:2`.
    key: str = Field(primary_key=True)
    due_on: date
    came_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    done_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    #: How many mails it queued.
    mails: int = 0
