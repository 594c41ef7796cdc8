"""The deadlines of a mail as a file that calendars take in: iCalendar, RFC 5545 and 5546."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from icalendar import Alarm, Calendar, Event, vCalAddress
from icalendar.enums import STATUS, TRANSP

from notifications.contexts import Deadline

#: 09:00 on the day before: an entry for a whole day begins at its midnight.
_ALARM_BEFORE: Final = timedelta(hours=-15)
#: Sequence numbers count seconds from here and so stay within 32 bits.
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)


def method_of(deadlines: Sequence[Deadline]) -> str:
    """Return what the file does to a calendar; the mail around it must say the same."""
    return "CANCEL" if any(deadline.is_cancelled for deadline in deadlines) else "PUBLISH"


def calendar_text(deadlines: Sequence[Deadline], *, office: str, address: str) -> str:
    """Return `deadlines` as a published calendar, one entry each.

    The same mail gives the same text, however often it is sent. A deadline does not block its day;
    an event has its hours, in UTC, and blocks them; one that is called off takes its entry away.
    """
    organizer = vCalAddress(f"mailto:{address}")
    organizer.params["CN"] = office
    events = []
    for deadline in deadlines:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("trigger", _ALARM_BEFORE)
        alarm.add("description", deadline.summary)
        hours = deadline.hours
        start, end = (None, None) if hours is None else (each.astimezone(UTC) for each in hours)
        written_at = deadline.written_at.astimezone(UTC).replace(microsecond=0)
        events.append(
            Event.new(
                uid=deadline.uid,
                start=deadline.day if start is None else start,
                end=end,
                location=deadline.place or None,
                stamp=written_at,
                sequence=max(0, int((written_at - _EPOCH).total_seconds())),
                summary=deadline.summary,
                description=deadline.description,
                organizer=organizer,
                transparency=TRANSP.TRANSPARENT if hours is None else TRANSP.OPAQUE,
                status=STATUS.CANCELLED if deadline.is_cancelled else None,
                subcomponents=[alarm],
            )
        )
    calendar = Calendar()  # Calendar.new would give it a random UID
    for name, value in (
        ("version", "2.0"),
        ("prodid", "-//huangshi-pilot//ZH"),
        ("method", method_of(deadlines)),
    ):
        calendar.add(name, value)
    for event in events:
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written.decode()
