"""What each mail says: one typed context per mail, kept as JSON in the outbox."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from models.rules.clock import day_of

# C0 and C1 controls, line and paragraph separators; a newline and a tab may stay in `Prose`.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")


# Most of what mails say is said again and again: names, steps, the programme.
@lru_cache(maxsize=4096)
def _one_line(given: str) -> str:
    """Return `given` on one line: a name cannot add lines to a mail, or headers."""
    return " ".join(_CONTROLS.sub(" ", given).split())


def _prose(given: str) -> str:
    """Return `given` with plain newlines and without control characters."""
    return _CONTROLS.sub("", given.replace("\r\n", "\n").replace("\r", "\n")).strip()


Line = Annotated[str, AfterValidator(_one_line)]
Prose = Annotated[str, AfterValidator(_prose)]
WorkingDays = Annotated[int, Field(ge=0)]
Yuan = Annotated[Decimal, Field(ge=0, decimal_places=2, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """A day by which something is to be done, for the calendar of who must do it."""

    #: The same in every mail about one item: a later mail moves the entry, it adds none.
    uid: UUID
    day: date
    summary: str
    description: str
    #: When the mail was written; of two mails about one item the later one counts.
    written_at: datetime
    #: An event has its hours and its place; a deadline is a whole day.
    hours: tuple[datetime, datetime] | None = None
    place: str = ""


class MailContext(BaseModel):
    """What every mail says; each mail is a subclass and a folder `templates/<template>/`.

    A mail that was queued by an earlier version must still be read: a new field has a default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: ClassVar[str]
    #: False for what may wait for the sending hours: reminders and digests.
    is_urgent: ClassVar[bool] = True

    programme_name: Line
    #: The document the programme rests on, and its title: 黄政办函〔2024〕12号.
    document_no: Line
    document_title: Line | None = None
    #: The clause of it that this mail rests on: 三（一）3.
    clause: Line | None = None
    #: Whom to ask, and in whose name the mail is written; how to reach it, where that is known.
    office_name: Line
    office_phone: Line | None = None
    office_email: Line | None = None
    recipient_party: Line
    recipient_name: Line
    #: Who was written to first and has not been reached, where this mail is passed on.
    passed_on_from: Line | None = None
    #: The programme's instant at which the mail was queued; its day stands below the signature.
    written_at: AwareDatetime | None = None
    #: Set on a demonstration or a moved clock: a mark in the subject, a banner in the body.
    trial_note: Line | None = None
    #: Set where the mail rests on a figure that the bureau has not confirmed yet.
    unverified_note: Line | None = None

    @property
    def mark(self) -> str:
        """What the subject begins with where the mail must not be acted upon."""
        return "【演示】" if self.trial_note else ""

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """What the recipient has to do by which day; each becomes an entry of the attachment."""
        return ()


class CaseMail(MailContext):
    """A mail about one case."""

    case_no: Line
    enterprise_name: Line

    def _deadline(
        self, item_id: int | None, due_on: date | None, what: str, how: tuple[str, ...]
    ) -> tuple[Deadline, ...]:
        """Return the deadline of an item, if it has one."""
        if item_id is None or due_on is None or self.written_at is None:
            return ()
        return (
            Deadline(
                uid=uuid5(NAMESPACE_URL, f"urn:pilot:{self.case_no}:{item_id}"),
                day=due_on,
                summary=f"{self.mark}{what}（{self.enterprise_name}）办理截止",
                description="\n".join(
                    (f"案卷号：{self.case_no}", f"事项编号：{item_id}", *how),
                ),
                written_at=self.written_at,
            ),
        )


class ItemOpened(CaseMail):
    """To who must act: what, by when, how; and why it came back, if it did."""

    template: ClassVar[str] = "item_opened"

    item_id: int
    stage_name: Line
    step_name: Line
    #: What to do, in one sentence.
    asks: Line
    round: Annotated[int, Field(ge=1)]
    due_on: date | None = None
    #: Those left when the mail was written, the day itself not counted.
    working_days: WorkingDays | None = None
    how_to_answer: tuple[Line, ...]
    reason: Prose | None = None

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """The item's, under what it asks for."""
        what = f"{self.stage_name}·{self.step_name}"
        return self._deadline(self.item_id, self.due_on, what, (self.asks, *self.how_to_answer))


class Receipt(CaseMail):
    """To who answered: what was recorded, under which number."""

    template: ClassVar[str] = "receipt"

    receipt_no: Line
    stage_name: Line
    step_name: Line
    outcome_name: Line
    answered_by: Line
    channel_name: Line
    answered_at: AwareDatetime


class Returned(CaseMail):
    """To whom it concerns: an answer that does not carry the case on, and its reason."""

    template: ClassVar[str] = "returned"

    stage_name: Line
    step_name: Line
    #: 退回补正, 不予推荐, 整改 …
    outcome_name: Line
    reason: Prose
    decided_by_party: Line
    #: What is open again, and how to answer it; empty where the case ended.
    next_step_name: Line | None = None
    item_id: int | None = None
    due_on: date | None = None
    working_days: WorkingDays | None = None
    how_to_answer: tuple[Line, ...] = ()

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """That of the item which is open again."""
        return self._deadline(
            self.item_id, self.due_on, self.next_step_name or "", self.how_to_answer
        )


class StageFinished(CaseMail):
    """To whom it concerns: a stage is done, and what follows; or how the case ended."""

    template: ClassVar[str] = "stage_finished"

    stage_name: Line
    next_stage_name: Line | None = None
    ended_as: Line | None = None


class SubsidyDecided(CaseMail):
    """To the enterprise: the amount, and how it was computed, line by line."""

    template: ClassVar[str] = "subsidy_decided"

    amount: Yuan
    #: The share granted and the highest sum by the plan: `Decimal("0.4")` is 40%.
    rate: Annotated[Decimal, Field(ge=0, le=1, allow_inf_nan=False)]
    ceiling: Yuan
    explanation: tuple[Line, ...]
    decided_on: date


class Paid(CaseMail):
    """To the enterprise: the money has left; the case is closed."""

    template: ClassVar[str] = "paid"

    amount: Yuan
    voucher_no: Line
    paid_on: date


class Matter(BaseModel):
    """One thing that a person has been asked for and has not done yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case_no: Line
    enterprise_name: Line
    item_id: int
    stage_name: Line
    step_name: Line
    due_on: date
    #: Working days from the day of the mail up to the due day; negative when past.
    days_left: int


class DueMatters(MailContext):
    """To who must act, one a day: all matters of which the day reminds, the most urgent first."""

    template: ClassVar[str] = "due_matters"
    is_urgent: ClassVar[bool] = False

    matters: Annotated[tuple[Matter, ...], Field(min_length=1)]
    how_to_answer: tuple[Line, ...]


class ApplicationsOpen(MailContext):
    """To counties and enterprises without a case: a batch takes applications from now on."""

    template: ClassVar[str] = "applications_open"
    is_urgent: ClassVar[bool] = False

    batch_number: int
    batch_name: Line
    opens_on: date
    closes_on: date
    #: True to a county, which organises; False to an enterprise, which applies.
    is_to_county: bool
    industries: Annotated[tuple[Line, ...], Field(min_length=1)]
    how_to_apply: tuple[Line, ...]

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """The last day of the window."""
        if self.written_at is None:
            return ()
        return (
            Deadline(
                uid=uuid5(NAMESPACE_URL, f"urn:pilot:applications:{self.batch_number}"),
                day=self.closes_on,
                summary=f"{self.mark}{self.batch_name}试点企业申报截止",
                description="\n".join(self.how_to_apply),
                written_at=self.written_at,
            ),
        )


class EventInvitation(MailContext):
    """To who is invited: what it is, when and where; with an entry for the calendar."""

    template: ClassVar[str] = "event_invitation"

    event_id: int
    event_name: Line
    kind_name: Line
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    place: Line
    note: Prose | None = None

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """The event itself, with its hours."""
        if self.written_at is None:
            return ()
        return (
            Deadline(
                uid=uuid5(NAMESPACE_URL, f"urn:pilot:event:{self.event_id}"),
                day=day_of(self.starts_at),
                summary=f"{self.mark}{self.event_name}",
                description=self.note or f"{self.kind_name}，地点：{self.place}",
                written_at=self.written_at,
                hours=(self.starts_at, self.ends_at),
                place=self.place,
            ),
        )


#: template name -> its context
CONTEXTS: Mapping[str, type[MailContext]] = MappingProxyType(
    {
        context.template: context
        for context in (
            ItemOpened,
            Receipt,
            Returned,
            StageFinished,
            SubsidyDecided,
            Paid,
            DueMatters,
            ApplicationsOpen,
            EventInvitation,
        )
    }
)


class UnknownMailError(LookupError):
    """The outbox names a mail that this version does not know."""

    def __init__(self, template: str) -> None:
        """Name the template."""
        self.template = template
        super().__init__(f"no mail is called {template!r}; known are {', '.join(CONTEXTS)}")


def read_context(template: str, json: str) -> MailContext:
    """Return the context that `model_dump_json` wrote; `UnknownMailError` for a strange one."""
    if template not in CONTEXTS:
        raise UnknownMailError(template)
    return CONTEXTS[template].model_validate_json(json)
