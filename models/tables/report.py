"""Reports as they were handed in: the figures of a day, frozen, with their hash."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, UniqueConstraint
from sqlmodel import Field

from models.rules.report_content import ReportKind
from models.tables.base import Table, one_of
from models.tables.columns import ChoiceText, UTCDateTime


class ReportSnapshot(Table, table=True):
    """One report, frozen. Rows are added, never changed: a renewed one is the next edition."""

    __tablename__ = "report_snapshot"
    __table_args__ = (
        one_of("kind", ReportKind),
        UniqueConstraint("kind", "as_of", "edition"),
        CheckConstraint("edition >= 1", name="counted_from_one"),
        CheckConstraint("edition = 1 OR reason <> ''", name="renewed_with_reason"),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: ReportKind = Field(sa_column=Column(ChoiceText(ReportKind), nullable=False))
    as_of: date
    edition: int
    #: Canonical JSON of a `Report`.
    content: str
    sha256: str
    made_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    made_by: str
    reason: str = ""
