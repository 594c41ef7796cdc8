"""Mails of the calendar: a batch takes applications, an event takes place."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import NAMESPACE_URL, uuid5

from pydantic import AwareDatetime, Field

from models.rules.clock import day_of
from notifications.contexts.base import Deadline, Line, MailContext, Prose


class ApplicationsOpen(MailContext):
    """To counties and enterprises without a case: a batch takes applications from now on."""

    template: ClassVar[str] = "applications_open"
    label: ClassVar[str] = "申报开始"
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
    label: ClassVar[str] = "活动邀请"

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
        return _entry_of(self)


class EventChanged(MailContext):
    """To who was invited: the event has other hours or another place, or is called off."""

    template: ClassVar[str] = "event_changed"
    label: ClassVar[str] = "活动变更或取消"

    event_id: int
    event_name: Line
    kind_name: Line
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    place: Line
    is_cancelled: bool
    reason: Prose

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """The event as it is now; the entry in the calendar moves, or goes."""
        return _entry_of(self)


def _entry_of(mail: EventInvitation | EventChanged) -> tuple[Deadline, ...]:
    if mail.written_at is None:
        return ()
    note = mail.note if isinstance(mail, EventInvitation) else mail.reason
    return (
        Deadline(
            uid=uuid5(NAMESPACE_URL, f"urn:pilot:event:{mail.event_id}"),
            day=day_of(mail.starts_at),
            summary=f"{mail.mark}{mail.event_name}",
            description=note or f"{mail.kind_name}，地点：{mail.place}",
            written_at=mail.written_at,
            hours=(mail.starts_at, mail.ends_at),
            place=mail.place,
            is_cancelled=isinstance(mail, EventChanged) and mail.is_cancelled,
        ),
    )
