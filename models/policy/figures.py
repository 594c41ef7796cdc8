"""The shape of a programme's files: one frozen model per table, each with its source."""

from datetime import date, time
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator, model_validator

from models.rules.mail import MailAddressError, checked_address
from models.rules.stages import Role, Stage

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(gt=0, strict=True)]
#: Yuan, in whole fen.
Yuan = Annotated[Decimal, Field(gt=0, decimal_places=2)]


class Figures(BaseModel):
    """A table of a policy file; a key that is not listed is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sourced(Figures):
    """A table that says where it comes from and whether the bureau has confirmed it."""

    source: Text
    verified: StrictBool


class Window(Sourced):
    """A table with a first and a last day, both included."""

    starts_on: date
    ends_on: date

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.ends_on < self.starts_on:
            raise ValueError(f"结束日 {self.ends_on} 早于开始日 {self.starts_on}")
        return self


class Identity(Window):
    """The programme: its document and its term."""

    key: Text
    #: The letters that case numbers begin with.
    case_prefix: Annotated[str, Field(pattern=r"^[A-Z]{1,8}$")]
    name: Text
    document_no: Text
    document_title: Text


class CalendarYears(Sourced):
    """The years whose working days the programme needs."""

    first_year: Count
    last_year: Count


class Phase(Window):
    """One of the plan's phases."""

    key: Text
    name: Text


class BatchFigures(Sourced):
    """A batch as the file has it: the contradiction `transformation` gives its window."""

    number: Count
    name: Text
    application_starts_on: date
    application_ends_on: date
    transformation: Text
    target: Count


class Target(Sourced):
    """A number the programme has promised."""

    key: Text
    name: Text
    unit: Text
    number: Count
    comparison: Literal["more-than", "at-least"]
    due_on: date

    def is_reached(self, count: int) -> bool:
        """Return whether `count` keeps the promise."""
        return count > self.number or (self.comparison == "at-least" and count == self.number)


class OfficeContact(Sourced):
    """How to reach a body; what is not known is left out of every mail."""

    phone: Text | None = None
    email: Text | None = None

    @field_validator("email")
    @classmethod
    def _is_an_address(cls, given: str | None) -> str | None:
        try:
            return given and checked_address(given)
        except MailAddressError as error:
            raise ValueError(str(error)) from error


class Body(Sourced):
    """A body with a duty under the plan; its key is a `Role`, but for the leading group's."""

    key: Text
    name: Text
    duty: Text
    contact: OfficeContact | None = None


class Term(Sourced):
    """A word with a key to store it by: an industry, a county."""

    key: Text
    name: Text


class Requirement(Sourced):
    """A condition of application that a person checks."""

    key: Text
    text: Text


class Eligibility(Sourced):
    """Who may apply; an enterprise below either limit is small or medium."""

    staff_below: Count
    revenue_below: Yuan
    requirements: tuple[Requirement, ...]

    def is_small_or_medium(self, headcount: int, revenue: Decimal) -> bool:
        """Return whether `headcount` or the year's `revenue` in yuan is below its limit."""
        return headcount < self.staff_below or revenue < self.revenue_below


class SubsidyFigures(Sourced):
    """The subsidy's ceilings."""

    rate: Annotated[Decimal, Field(gt=0, le=1)]
    cap: Yuan
    min_level: Annotated[int, Field(ge=1, le=4, strict=True)]


class Award(Sourced):
    """An award's ceiling, each and, where there is one, per recipient in all."""

    key: Text
    name: Text
    cap: Yuan
    cap_per_recipient: Yuan | None = None


class StepLength(Sourced):
    """How long a step may take: so many working days, or until a date of its batch."""

    working_days: Count | None = None
    until: Literal["application-end", "batch-end"] | None = None

    @model_validator(mode="after")
    def _is_one_of_the_two(self) -> Self:
        if (self.working_days is None) == (self.until is None):
            raise ValueError("working_days 与 until 须且只须写一个")
        return self


class ReminderRule(Sourced):
    """When people are reminded of a deadline: so many working days after it, or before it (< 0)."""

    key: Text
    working_days: Annotated[int, Field(ge=-250, le=250, strict=True)]

    @property
    def words(self) -> str:
        """截止前 5 个工作日."""
        if self.working_days == 0:
            return "截止当日"
        side = "截止前" if self.working_days < 0 else "逾期"
        return f"{side} {abs(self.working_days)} 个工作日"


class Remark(Sourced):
    """How something the plan leaves open has been read."""

    text: Text


class Milestone(Window):
    """One item of the annexes: its wording, when it is to be done and by whom.

    `verified` covers the wording, the time stated and the target; the days follow from the
    programme's `window_reading`, and `bodies` have a source of their own.
    """

    key: Text
    number: Count
    wording: Text
    completion: Text
    batch: Count | None = None
    target: Count | None = None
    target_text: Text | None = None
    bodies: tuple[Role, ...] = Field(min_length=1)
    bodies_source: Text
    bodies_verified: StrictBool


class Reading(Sourced):
    """One way to read the plan, with its days where it states any."""

    key: Text
    text: Text
    starts_on: date | None = None
    ends_on: date | None = None


class Contradiction(Sourced):
    """A place where the plan disagrees with itself. `source` and `verified` are the choice's."""

    key: Text
    topic: Text
    in_force: Text
    reason: Text
    readings: tuple[Reading, Reading]

    @model_validator(mode="after")
    def _names_one_of_its_readings(self) -> Self:
        keys = [reading.key for reading in self.readings]
        if keys.count(self.in_force) != 1:
            raise ValueError(f"in_force 应为 {'、'.join(keys)} 之一")
        return self

    @property
    def reading_in_force(self) -> Reading:
        """The reading the system goes by."""
        return next(reading for reading in self.readings if reading.key == self.in_force)


class ProgrammeFile(Figures):
    """`programme.toml`."""

    programme: Identity
    calendar: CalendarYears
    phases: tuple[Phase, ...]
    batches: tuple[BatchFigures, ...]
    targets: tuple[Target, ...]
    bodies: tuple[Body, ...]


class Applications(Sourced):
    """What becomes of an application outside its batch's window."""

    outside_window: Literal["note", "refuse"]


class EnterprisesFile(Figures):
    """`enterprises.toml`."""

    industries: tuple[Term, ...]
    counties: tuple[Term, ...]
    eligibility: Eligibility
    applications: Applications


class MoneyFile(Figures):
    """`money.toml`."""

    subsidy: SubsidyFigures
    awards: tuple[Award, ...]


class StepsFile(Figures):
    """`steps.toml`."""

    steps: dict[Stage, dict[str, StepLength]]


class RemindersFile(Figures):
    """`reminders.toml`."""

    reminders: tuple[ReminderRule, ...]


class SendingHoursFigures(Sourced):
    """Between which times of day mail that is not urgent goes out."""

    starts_at: time
    ends_at: time
    working_days_only: StrictBool

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.starts_at >= self.ends_at:
            raise ValueError(f"ends_at {self.ends_at} 应晚于 starts_at {self.starts_at}")
        return self


class MailFile(Figures):
    """`mail.toml`."""

    sending_hours: SendingHoursFigures


class MilestonesFile(Figures):
    """`milestones.toml`."""

    window_reading: Remark
    milestones: tuple[Milestone, ...]


class ContradictionsFile(Figures):
    """`contradictions.toml`."""

    contradictions: tuple[Contradiction, ...]
