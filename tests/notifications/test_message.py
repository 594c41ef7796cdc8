"""What travels is RFC 5322 that the standard library reads back, and holds no foreign header."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP, compat32, default
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from models.rules.mail import MailAddressError
from notifications.message import HeaderRefusedError, build_message
from notifications.render import RenderedMail, render
from notifications.samples import INVITATION, MOVED, OPENED, OPENED_AGAIN, SAMPLES
from notifications.settings import MailSettings
from tests.notifications.hostile import with_hostile_words

AT = datetime(2024, 3, 25, 1, 5, tzinfo=UTC)
LINES = st.text(
    st.sampled_from("黄石市 ，（）“”\"'<>@,;:\\()[]=?_aZ09😀👨‍👩‍👧é\u3000\u00a0.")
    | st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")),
    max_size=200,
).map(lambda text: " ".join(text.split()))
HEADERS = [
    *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
    *("X-Pilot-Mode", "MIME-Version", "Content-Type"),
]
CONTROLS = [chr(code) for code in (*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029)]


def a_message(subject="主题", to_name="林晓", to_address="lin@example.com", **changes):
    mail = RenderedMail(subject=subject, text="正文\n", html="<p>正文</p>\n")
    plain = {"message_id": "<1@example.com>", "date": AT, "trial": None}
    return build_message(
        mail, MailSettings(), to_name=to_name, to_address=to_address, **{**plain, **changes}
    )


def test_a_mail_names_who_whom_when_and_that_nobody_need_answer():
    message = a_message(trial="演示数据")

    parsed = message_from_bytes(message.content, policy=default)
    assert dict(parsed.items()) == {
        "From": "黄石市中小企业数字化转型试点 <pilot@huangshi.example.com>",
        "To": "林晓 <lin@example.com>",
        "Reply-To": "黄石市中小企业数字化转型试点 <pilot@huangshi.example.com>",
        "Subject": "主题",
        "Date": "Mon, 25 Mar 2024 09:05:00 +0800",
        "Message-ID": "<1@example.com>",
        "Auto-Submitted": "auto-generated",
        "X-Pilot-Mode": "catch",
        "X-Pilot-Trial": "演示数据",
        "MIME-Version": "1.0",
        "Content-Type": parsed["Content-Type"],
    }
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]


def test_answers_go_to_the_office():
    settings = MailSettings(reply_to="office@example.com")
    message = build_message(
        render(OPENED),
        settings,
        to_name="",
        to_address="lin@example.com",
        message_id="<1@example.com>",
        date=AT,
        trial=None,
    )

    parsed = message_from_bytes(message.content, policy=default)
    assert parsed["Reply-To"].addresses[0].addr_spec == "office@example.com"
    assert str(parsed["To"]) == "lin@example.com"


def travelling(sample):
    """Return what is sent of `sample`, and what the standard library reads from it."""
    message = build_message(
        render(sample),
        MailSettings(),
        to_name=sample.recipient_name,
        to_address="lin@example.com",
        message_id=f"<{'a' * 64}@huangshi.example.com>",
        date=AT,
        trial=sample.trial_note,
    )
    content = message.content
    return content, message_from_bytes(content, policy=default)


def attached(parsed):
    """Return the calendars that a mail carries."""
    return [Calendar.from_ical(part.get_content()) for part in parsed.iter_attachments()]


def assert_reads_back(sample):
    mail = render(sample)
    content, parsed = travelling(sample)

    assert parsed["Subject"] == mail.subject
    assert parsed["Message-ID"] == f"<{'a' * 64}@huangshi.example.com>"
    assert parsed.get_body(("plain",)).get_content().replace("\r\n", "\n") == mail.text
    assert parsed.get_body(("html",)).get_content().replace("\r\n", "\n") == mail.html
    trial = ["X-Pilot-Trial"] * (sample.trial_note is not None)
    assert parsed.keys() == [*HEADERS[:-2], *trial, *HEADERS[-2:]]
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    return parsed


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.template)
def test_the_standard_library_reads_every_mail_back_word_for_word(sample):
    assert_reads_back(sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.template)
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_whatever_the_words_hold_the_mail_is_the_same_when_read_back(sample, data):
    hostile = with_hostile_words(sample, data)

    parsed = assert_reads_back(hostile)

    name = str(make_header(decode_header(parseaddr(raw(parsed, "To"))[0])))
    assert name == hostile.recipient_name
    calendars = attached(parsed)
    assert len(calendars) == bool(hostile.deadlines)
    events = [event for calendar in calendars for event in calendar.subcomponents]
    for event, deadline in zip(events, hostile.deadlines, strict=True):
        begins = deadline.hours[0] if deadline.hours else deadline.day
        assert (str(event["SUMMARY"]), event["DTSTART"].dt) == (deadline.summary, begins)
        assert str(event["DESCRIPTION"]) == deadline.description
        assert "ATTENDEE" not in event


def raw(parsed, header):
    return message_from_bytes(parsed.as_bytes(), policy=compat32)[header]


def test_a_deadline_comes_as_a_calendar_beside_the_words():
    _, parsed = travelling(OPENED)

    assert parsed.get_content_type() == "multipart/mixed"
    bodies, calendar = parsed.iter_parts()
    assert [part.get_content_type() for part in bodies.iter_parts()] == ["text/plain", "text/html"]
    assert dict(calendar["Content-Type"].params) == {"charset": "utf-8", "method": "PUBLISH"}
    assert calendar.get_content_type() == "text/calendar"
    assert (calendar.get_content_disposition(), calendar.get_filename()) == (
        "attachment",
        "deadline.ics",
    )
    text = calendar.get_content().replace("\r\n ", "")
    [uid] = [line for line in text.splitlines() if line.startswith("UID:")]
    assert text.splitlines() == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//huangshi-pilot//ZH",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        "SUMMARY:诊断·确认诊断（示例精密机械有限公司）办理截止",
        "DTSTART;VALUE=DATE:20240401",
        "DTSTAMP:20240325T010500Z",
        uid,
        "SEQUENCE:133491900",
        "DESCRIPTION:案卷号：HS-1-0007\\n事项编号：42\\n请阅读诊断报告并确认是否认可\\n"
        + "\\n".join(OPENED.how_to_answer),
        'ORGANIZER;CN="黄石市中小企业数字化转型试点":mailto:pilot@huangshi.example.com',
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "TRIGGER:-PT15H",
        "DESCRIPTION:诊断·确认诊断（示例精密机械有限公司）办理截止",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    assert max(len(line.encode()) for line in calendar.get_content().split("\r\n")) <= 75


def test_the_calendar_is_the_same_at_every_try_and_a_later_mail_goes_before_an_earlier():
    later = OPENED.model_copy(update={"written_at": AT + timedelta(seconds=1)})

    def text():
        [part] = travelling(OPENED)[1].iter_attachments()
        return part.get_content()

    assert text() == text()
    [first], [second] = attached(travelling(OPENED)[1]), attached(travelling(later)[1])
    assert first.events[0]["UID"] == second.events[0]["UID"]
    assert first.events[0]["SEQUENCE"] + 1 == second.events[0]["SEQUENCE"]


@pytest.mark.parametrize("sample", [INVITATION, MOVED])
def test_a_mail_about_an_event_attaches_the_event_not_a_deadline(sample):
    _, parsed = travelling(sample)

    [calendar] = parsed.iter_attachments()
    assert calendar.get_filename() == "event.ics"


def test_a_mail_without_a_deadline_carries_no_attachment():
    _, parsed = travelling(OPENED_AGAIN)

    assert parsed.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.template)
def test_a_mail_is_built_as_the_standard_library_would_build_it(sample):
    _, ours = travelling(sample)
    theirs = EmailMessage(policy=SMTP)
    theirs.set_content(ours.get_body(("plain",)).get_content(), cte="base64")
    theirs.add_alternative(ours.get_body(("html",)).get_content(), subtype="html", cte="base64")
    for calendar in ours.iter_attachments():
        theirs.add_attachment(
            calendar.get_content(),
            subtype="calendar",
            params={"method": "PUBLISH"},
            filename="event.ics" if hasattr(sample, "event_id") else "deadline.ics",
            cte="base64",
        )

    read = message_from_bytes(theirs.as_bytes(), policy=default)
    assert [described(part) for part in ours.walk()] == [described(part) for part in read.walk()]
    assert not [defect for part in ours.walk() for defect in part.defects]


def described(part):
    """Return what a part says of itself but its boundary, and what is in it."""
    kind = part["Content-Type"]
    said = {name: value for name, value in kind.params.items() if name != "boundary"}
    names = ("Content-Transfer-Encoding", "Content-Disposition")
    return (
        (kind.content_type, said, *(part[name] for name in names)),
        None if part.is_multipart() else part.get_payload(),
    )


@settings(deadline=None)  # a busy machine is no fault of the headers
@given(LINES, LINES)
@example("=?utf-8?q?a=0D=0ABcc:_x@example.com?=", "=?utf-8?q?a=0D=0ABcc:_x@example.com?=")
@example(
    "0 0000ࠀࠀࠀࠀࠀࠀࠀࠀࠀࠀࠀࠀࠀ :", "0 0000ࠀࠀࠀࠀࠀࠀࠀࠀࠀࠀࠀࠀࠀ :"
)  # Python 3.11's own headers lose the space
def test_subjects_and_names_come_back_as_they_were(subject, name):
    content = a_message(subject, name).content

    parsed = message_from_bytes(content, policy=compat32)
    assert str(make_header(decode_header(parsed["Subject"]))) == subject
    shown, address = parseaddr(parsed["To"])
    assert (str(make_header(decode_header(shown))), address) == (name, "lin@example.com")
    assert parsed.keys() == HEADERS


@settings(deadline=None)
@given(st.data(), LINES)
def test_a_control_character_in_a_header_is_refused(data, line):
    at = data.draw(st.integers(0, len(line)))
    hostile = line[:at] + data.draw(st.sampled_from(CONTROLS)) + line[at:]

    with pytest.raises(HeaderRefusedError, match="Subject"):
        a_message(subject=hostile)
    with pytest.raises(HeaderRefusedError, match="To"):
        a_message(to_name=hostile)
    with pytest.raises(HeaderRefusedError, match="X-Pilot-Trial"):
        a_message(trial=hostile)


def test_a_message_id_with_a_line_break_is_refused():
    with pytest.raises(ValueError, match="linefeed"):
        a_message(message_id="<1@example.com>\r\nBcc: x@example.com")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "lin",
        "lin@",
        "@example.com",
        "lin@example",
        "lin@@example.com",
        "lin@example..com",
        "lin..a@example.com",
        ".lin@example.com",
        "lin@-example.com",
        "lin a@example.com",
        "lin@example.com,x@example.com",
        "lin@example.com\r\nBcc: x@example.com",
        "lin@example.com\n",
        "林@example.com",
        "lin@例子.com",
        "<lin@example.com>",
        '"lin"@example.com',
        f"{'a' * 250}@example.com",
    ],
)
def test_an_address_that_no_server_takes_is_refused_in_plain_words(address):
    with pytest.raises(MailAddressError, match=r"^邮件地址 .*不正确，请改正该联系人的邮箱$"):
        a_message(to_address=address)


@pytest.mark.parametrize("address", ["lin@example.com", "l.i+n_1@mail.hs-city.example.com"])
def test_a_message_knows_its_recipient(address):
    letter = a_message(to_address=address, to_name='林, "晓" <x@example.com>')

    assert letter.to_address == address
