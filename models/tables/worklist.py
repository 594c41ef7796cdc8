"""What was given away as a worklist, to know it again when it comes back filled in."""

from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field

from models.tables.base import Table
from models.tables.columns import UTCDateTime


class WorklistExport(Table, table=True):
    """One worklist in Excel. What comes back answers its items and no others."""

    __tablename__ = "worklist_export"

    #: Random: who has it was given the file.
    key: str = Field(primary_key=True)
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    #: For whom: the party or the role it was made for.
    asked: str
    exported_by: str
    #: JSON: the numbers of the items.
    items: str
