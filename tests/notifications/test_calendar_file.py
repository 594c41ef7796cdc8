"""The calendar of a mail, as the icalendar library reads it."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from models.rules.clock import SHANGHAI
from notifications.calendar_file import calendar_text
from notifications.contexts import Deadline

AT = datetime(2024, 3, 25, 9, 5, 7, 5, tzinfo=SHANGHAI)
#: What may stand in a context: everything but controls, and a newline in prose.
WORDS = st.text(
    st.sampled_from("黄石;,\\:\"^=\n 'nN😀é")
    | st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")),
    max_size=120,
)


def a_deadline(**changes):
    plain = {
        "uid": UUID(int=7),
        "day": date(2024, 4, 1),
        "summary": "确认诊断",
        "description": "案卷号：HS-1-0007",
        "written_at": AT,
    }
    return Deadline(**{**plain, **changes})


def written(*deadlines, office="市经信局"):
    return calendar_text(deadlines, office=office, address="office@example.com")


def read(text):
    calendar = Calendar.from_ical(text)
    assert calendar["VERSION"] == "2.0"
    assert not [error for event in calendar.events for error in event.errors]
    return calendar.events


def test_a_deadline_is_a_whole_day_that_stays_free_with_an_alarm_on_the_morning_before():
    [entry] = read(written(a_deadline()))

    assert entry["DTSTART"].dt == date(2024, 4, 1)
    assert entry["DTSTAMP"].dt == datetime(2024, 3, 25, 1, 5, 7, tzinfo=UTC)
    assert (entry["UID"], entry["TRANSP"]) == (str(UUID(int=7)), "TRANSPARENT")
    assert entry["ORGANIZER"] == "mailto:office@example.com"
    assert {"DTEND", "LOCATION", "ATTENDEE"}.isdisjoint(entry)
    [alarm] = entry.alarms.times
    assert alarm.trigger.isoformat() == "2024-03-31T09:00:00"
    assert entry.subcomponents[0]["ACTION"] == "DISPLAY"
    assert entry.subcomponents[0]["DESCRIPTION"] == "确认诊断"


def test_an_event_has_its_hours_and_its_place():
    hours = (AT, AT + timedelta(hours=2))
    [entry] = read(written(a_deadline(hours=hours, place="会议中心, 二楼")))

    assert entry["DTSTART"].dt == datetime(2024, 3, 25, 1, 5, 7, tzinfo=UTC)
    assert entry["DTEND"].dt == datetime(2024, 3, 25, 3, 5, 7, tzinfo=UTC)
    assert (entry["LOCATION"], entry["TRANSP"]) == ("会议中心, 二楼", "OPAQUE")


@pytest.mark.parametrize(
    ("is_cancelled", "method", "status"),
    [(False, "PUBLISH", None), (True, "CANCEL", "CANCELLED")],
)
def test_what_is_called_off_is_taken_out_again(is_cancelled, method, status):
    text = written(a_deadline(is_cancelled=is_cancelled))

    [entry] = read(text)
    assert (Calendar.from_ical(text)["METHOD"], entry.get("STATUS")) == (method, status)


def test_each_deadline_is_an_entry_of_its_own():
    days = [date(2024, 4, day) for day in (1, 2, 3)]

    entries = read(written(*(a_deadline(uid=UUID(int=day.day), day=day) for day in days)))

    assert [(entry["UID"], entry["DTSTART"].dt) for entry in entries] == [
        (str(UUID(int=day.day)), day) for day in days
    ]


@settings(deadline=None)
@given(WORDS, WORDS, WORDS, WORDS)
@example("\\" * 200, "\\n;" * 50, "长" * 200, '"^n' * 40)
@example("END:VEVENT\nATTENDEE:mailto:x@example.com", "", "\\N", 'x":mailto:x@example.com')
def test_whatever_the_words_hold_they_are_read_back_and_add_nothing(
    summary, description, place, office
):
    text = written(a_deadline(summary=summary, description=description, place=place), office=office)

    lines = text.encode().split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not [line for line in lines if b"\n" in line or b"\r" in line]
    for line in lines:
        line.decode()  # no character is cut in two
    [entry] = read(text)
    assert str(entry["SUMMARY"]) == summary
    assert str(entry["DESCRIPTION"]) == description
    assert str(entry.get("LOCATION", "")) == place
    assert entry["ORGANIZER"].params["CN"] == office
    assert "ATTENDEE" not in entry


@pytest.mark.parametrize("length", range(60, 160))
def test_a_long_line_is_folded_between_two_characters(length):
    [entry] = read(written(a_deadline(summary="a" * (length % 7) + "长😀" * length)))

    assert str(entry["SUMMARY"]) == "a" * (length % 7) + "长😀" * length
