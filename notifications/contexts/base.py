"""What every mail says, and what the words of a mail are made of."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

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
    #: Whether the entry is to be taken out of the calendar again.
    is_cancelled: bool = False


class MailContext(BaseModel):
    """What every mail says; each mail is a subclass and a folder `templates/<template>/`.

    A mail that was queued by an earlier version must still be read: a new field has a default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: ClassVar[str]
    #: What people call mails of this kind.
    label: ClassVar[str]
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


def deadline_of(
    case_no: str, item_id: int, day: date, summary: str, how: tuple[str, ...], written_at: datetime
) -> Deadline:
    """Return the deadline of an item; whatever mail tells of it, it is the same entry."""
    return Deadline(
        uid=uuid5(NAMESPACE_URL, f"urn:pilot:{case_no}:{item_id}"),
        day=day,
        summary=summary,
        description="\n".join((f"案卷号：{case_no}", f"事项编号：{item_id}", *how)),
        written_at=written_at,
    )


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
        summary = f"{self.mark}{what}（{self.enterprise_name}）办理截止"
        return (deadline_of(self.case_no, item_id, due_on, summary, how, self.written_at),)
