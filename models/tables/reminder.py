"""Who was reminded of what, by which rule, on which day: one row of proof each."""

from datetime import date

from sqlalchemy import Index
from sqlmodel import Field

from models.tables.base import Table


class Reminder(Table, table=True):
    """One item with one due day, one rule: somebody was reminded, once.

    Several of a day share one mail. A deadline that was moved is a new one to be reminded of.
    """

    __tablename__ = "reminder"
    __table_args__ = (Index("ix_reminder_day", "reminded_on", "contact_id"),)

    item_id: int = Field(primary_key=True, foreign_key="work_item.id")
    #: The key of the rule in the policy the item was reminded under.
    rule: str = Field(primary_key=True)
    due_on: date = Field(primary_key=True)
    #: None for the leading group, whose address is a figure of the policy.
    contact_id: int | None = Field(default=None, foreign_key="contact.id", index=True)
    reminded_on: date
