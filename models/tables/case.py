"""A case, what it waits for, what was answered, and the flow run that shows it."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field

from models.rules.stages import CaseStatus, Channel, Stage
from models.tables.base import Table, one_of
from models.tables.columns import ChoiceText, UTCDateTime

_OPEN = text("closed_at IS NULL")


class Case(Table, table=True):
    """One enterprise in one batch."""

    __tablename__ = "case_file"
    __table_args__ = (
        one_of("stage", Stage),
        one_of("status", CaseStatus),
        CheckConstraint("(status = 'active') = (closed_at IS NULL)", name="closed_when_ended"),
        CheckConstraint("assessor_id IS NULL OR assessor_id <> provider_id", name="assessor"),
        # One project per enterprise; who was rejected or withdrew may apply again.
        Index(
            "uq_case_file_enterprise",
            "programme_key",
            "enterprise_id",
            unique=True,
            sqlite_where=text("status NOT IN ('rejected', 'withdrawn')"),
            postgresql_where=text("status NOT IN ('rejected', 'withdrawn')"),
        ),
    )

    case_no: str = Field(primary_key=True)
    programme_key: str = Field(foreign_key="programme.key")
    policy_version: str
    batch_id: int = Field(foreign_key="batch.id", index=True)
    enterprise_id: int = Field(foreign_key="party.id", index=True)
    provider_id: int | None = Field(default=None, foreign_key="party.id", index=True)
    assessor_id: int | None = Field(default=None, foreign_key="party.id", index=True)
    stage: Stage = Field(sa_column=Column(ChoiceText(Stage), nullable=False, index=True))
    status: CaseStatus = Field(sa_column=Column(ChoiceText(CaseStatus), nullable=False))
    opened_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    #: The end of this case's audit chain: how many entries, and the hash of the last one.
    audit_length: int = 0
    audit_head: str


class WorkItem(Table, table=True):
    """What a case waits for. At most one is open per case; closed ones are never reopened."""

    __tablename__ = "work_item"
    __table_args__ = (
        one_of("stage", Stage),
        UniqueConstraint("case_no", "stage", "step", "attempt"),
        CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed_with_outcome"),
        CheckConstraint("round >= 1 AND attempt >= 1", name="counted_from_one"),
        Index(
            "uq_work_item_open",
            "case_no",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index(
            "ix_work_item_open_due",
            "due_on",
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index(
            "ix_work_item_open_party",
            "party_id",
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case_file.case_no", index=True)
    stage: Stage = Field(sa_column=Column(ChoiceText(Stage), nullable=False))
    #: How often the case has stood in this stage, counting every return for correction.
    round: int
    step: str
    #: How often this step has been asked in this case.
    attempt: int
    party_id: int = Field(foreign_key="party.id")
    opened_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    opened_on: date
    #: None while a notice waits for its publication, or while the clock stands still.
    due_on: date | None = None
    #: The day on which an extension or a restart set `due_on`; None where the opening did.
    due_since: date | None = None
    #: Why the step is asked again, in the words of who sent it back.
    reason: str = ""
    closed_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    outcome: str | None = None


class Answer(Table, table=True):
    """One form handed in for an item: accepted, or refused with the reason.

    Refusals are kept only where the person has no terminal to read them on (a form typed into
    Prefect); everywhere else a refusal changes nothing at all.
    """

    __tablename__ = "answer"
    __table_args__ = (
        one_of("channel", Channel),
        CheckConstraint(
            "is_accepted = (refusal = '') AND is_accepted = (receipt <> '')",
            name="refused_with_reason",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="work_item.id", index=True)
    idempotency_key: str = Field(unique=True)
    outcome: str
    form: str
    handler: str
    identity: str
    channel: Channel = Field(sa_column=Column(ChoiceText(Channel), nullable=False))
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    is_accepted: bool
    refusal: str = ""
    #: What the person was told, to be told again word for word.
    receipt: str = ""


class StageRun(Table, table=True):
    """The flow run that shows one stay of a case in a stage; the database says what it should be.

    `asked_item_id` is the item whose form the run last put up. When that item is closed the run is
    due to be woken; when `flow_run_id` is empty the run is due to be made.
    """

    __tablename__ = "stage_run"
    __table_args__ = (
        one_of("stage", Stage),
        UniqueConstraint("case_no", "stage", "entry"),
        Index(
            "ix_stage_run_unfinished",
            "case_no",
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case_file.case_no")
    stage: Stage = Field(sa_column=Column(ChoiceText(Stage), nullable=False))
    #: The how-manieth stay of the case in this stage.
    entry: int
    #: How many runs have been made for it; more than one only where Prefect lost the earlier one.
    generation: int = 1
    flow_run_id: str | None = Field(default=None, index=True)
    asked_item_id: int | None = Field(default=None, foreign_key="work_item.id", index=True)
    #: How many forms the run has put up; makes every pause key new.
    asked_count: int = 0
    #: The `asked_count` for which somebody has taken it upon himself to wake the run.
    woken_count: int = 0
    #: Whether the form that stands says what is no longer so: the run is woken to put it up anew.
    is_stale: bool = False
    #: Set when the case left the stage; the run is then only finishing.
    left_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    finished_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
