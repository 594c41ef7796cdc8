r"""The deadlines of a mail as a file that calendars take in: iCalendar, RFC 5545 and 5546.

A dozen lines that are always the same but for their values are written here by hand: `icalendar`
7.3.2 takes `\N` in a text for a line break (of `C:\New` there is left `C:`, and `ew` below), and
longer over a calendar than all the words of a mail do. It reads everything back in the tests.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final

from notifications.contexts import Deadline
from notifications.mime import CRLF

#: Sequence numbers count seconds from here and so stay within 32 bits.
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
#: Octets of a line; what is longer goes on in the next one, behind a space.
_WIDEST: Final = 75

_TEXT: Final = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
#: A value of a parameter, in quotes: RFC 6868.
_QUOTED: Final = str.maketrans({"^": "^^", '"': "^'", "\n": "^n"})

# 09:00 on the day before: an entry for a whole day begins at its midnight.
_ALARM_BEFORE: Final = "-PT15H"


def method_of(deadlines: Sequence[Deadline]) -> str:
    """Return what the file does to a calendar; the mail around it must say the same."""
    return "CANCEL" if any(deadline.is_cancelled for deadline in deadlines) else "PUBLISH"


def file_name(deadlines: Sequence[Deadline]) -> str:
    """Return what the file is called after what it holds: an event has its hours."""
    has_event = any(deadline.hours for deadline in deadlines)
    return "event.ics" if has_event else "deadline.ics"


def calendar_text(deadlines: Sequence[Deadline], *, office: str, address: str) -> str:
    """Return `deadlines` as a published calendar, one entry each.

    The same mail gives the same text, however often it is sent. A deadline does not block its day;
    an event has its hours, in UTC, and blocks them; one that is called off takes its entry away.
    """
    organizer = f'ORGANIZER;CN="{office.translate(_QUOTED)}":mailto:{address}'
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//huangshi-pilot//ZH",
        f"METHOD:{method_of(deadlines)}",
    ]
    for deadline in deadlines:
        lines += _entry(deadline, organizer)
    lines += ("END:VCALENDAR", "")
    return CRLF.join(map(_folded, lines))


def _entry(deadline: Deadline, organizer: str) -> Iterator[str]:
    written_at = deadline.written_at.astimezone(UTC)
    summary = deadline.summary.translate(_TEXT)
    yield "BEGIN:VEVENT"
    yield f"SUMMARY:{summary}"
    if deadline.hours is None:
        yield f"DTSTART;VALUE=DATE:{_day(deadline.day)}"
    else:
        start, end = deadline.hours
        yield f"DTSTART:{_instant(start)}"
        yield f"DTEND:{_instant(end)}"
    yield f"DTSTAMP:{_instant(written_at)}"
    yield f"UID:{deadline.uid}"
    yield f"SEQUENCE:{max(0, int((written_at - _EPOCH).total_seconds()))}"
    yield f"DESCRIPTION:{deadline.description.translate(_TEXT)}"
    if deadline.place:
        yield f"LOCATION:{deadline.place.translate(_TEXT)}"
    yield organizer
    if deadline.is_cancelled:
        yield "STATUS:CANCELLED"
    yield "TRANSP:TRANSPARENT" if deadline.hours is None else "TRANSP:OPAQUE"
    yield "BEGIN:VALARM"
    yield "ACTION:DISPLAY"
    yield f"TRIGGER:{_ALARM_BEFORE}"
    yield f"DESCRIPTION:{summary}"
    yield "END:VALARM"
    yield "END:VEVENT"


def _day(day: date) -> str:
    return day.isoformat().replace("-", "")


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _folded(line: str) -> str:
    """Return `line` in pieces that are short enough; no character and no escape is cut in two."""
    rest = line.encode()
    if len(rest) <= _WIDEST:
        return line
    pieces = []
    widest = _WIDEST
    while len(rest) > widest:
        end = widest
        while rest[end] & 0xC0 == 0x80:  # in the middle of a character
            end -= 1
        # Some calendars look for escapes before they join the lines.
        whole = len(rest[:end].rstrip(b"\\")) or end
        pieces.append(rest[:whole].decode())
        rest = rest[whole:]
        widest = _WIDEST - 1  # after the space
    return f"{CRLF} ".join((*pieces, rest.decode()))
