"""Attachments of caught mails: listed, saved whole, and never opened by the mailbox itself."""

import asyncio
from datetime import UTC, datetime
from email.message import EmailMessage

import httpx
import pytest
from icalendar import Calendar

from deployments.mailbox_pages import MailboxPages
from deployments.mailbox_store import Mailbox
from notifications.message import build_message
from notifications.render import render
from notifications.samples import OPENED
from notifications.settings import MailSettings


@pytest.fixture
def mailbox(tmp_path):
    return Mailbox(tmp_path / "mailbox")


class Pages:
    """The pages of the mailbox, asked in this process."""

    def __init__(self, mailbox):
        self.application = MailboxPages(mailbox, lambda: True).application()

    def get(self, path):
        async def ask():
            transport = httpx.ASGITransport(self.application)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                return await client.get(path)

        return asyncio.run(ask())


@pytest.fixture
def pages(mailbox):
    return Pages(mailbox)


def a_mail(*attachments, text="正文"):
    message = EmailMessage()
    message["Subject"] = "主题"
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    for content, maintype, subtype, name in attachments:
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return message.as_bytes()


def test_the_deadline_of_a_mail_can_be_seen_and_saved(mailbox, pages):
    built = build_message(
        render(OPENED),
        MailSettings(),
        to_name="林晓",
        to_address="lin@example.com",
        message_id="<1@example.com>",
        date=datetime(2024, 3, 25, tzinfo=UTC),
        trial=OPENED.trial_note,
    )
    name = mailbox.keep(built.content)

    page = pages.get(f"/mail/{name}").text
    saved = pages.get(f"/mail/{name}/attachment/1")

    assert f'<a href="/mail/{name}/attachment/1" download>deadline.ics</a>' in page
    assert f"text/calendar · {len(saved.content):,} 字节" in page
    [event] = Calendar.from_ical(saved.content).walk("VEVENT")
    assert event.decoded("dtstart") == OPENED.due_on
    assert pages.get(f"/mail/{name}/attachment/2").status_code == 404


def test_what_is_saved_is_what_was_sent_and_no_browser_opens_it(mailbox, pages):
    content = bytes(range(256)) * 100
    page = b"<script>alert(1)</script>"
    name = mailbox.keep(
        a_mail(
            (content, "application", "pdf", "诊断报告（终稿）.pdf"),
            (page, "text", "html", "看.html"),
        )
    )

    shown = pages.get(f"/mail/{name}").text
    first, second = (pages.get(f"/mail/{name}/attachment/{number}") for number in (1, 2))

    assert "诊断报告（终稿）.pdf" in shown
    assert "application/pdf · 25 KB" in shown
    assert (first.content, second.content) == (content, page)
    for answer in (first, second):
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert second.headers["content-disposition"] == ("attachment; filename*=UTF-8''%E7%9C%8B.html")


def test_a_mail_without_attachments_lists_none(mailbox, pages):
    name = mailbox.keep(a_mail())

    assert 'aria-label="附件"' not in pages.get(f"/mail/{name}").text
    assert pages.get(f"/mail/{name}/attachment/1").status_code == 404


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b'attachment; filename="../../etc/passwd"', "_.._etc_passwd"),
        (b'attachment; filename="C:\\\\windows\\\\a.exe"', "C__windows_a.exe"),
        (b'attachment; filename="a\x00\x01b.pdf"', "a__b.pdf"),
        (b"attachment; filename*=no-such''%E7%9C%8B", None),
        (b"attachment; filename*=UTF-8''%E2%80%AEfdp.exe", "_fdp.exe"),
        (b'attachment; filename="\xff\xfe.pdf"', None),
        (b'attachment; filename="<img src=x onerror=alert(1)>.pdf"', None),
        (b'attachment; filename="' + "长".encode() * 500 + b'.pdf"', None),
        (b'attachment; filename="x\r\n Set-Cookie: a=b"', None),
        (b"attachment", "附件1"),
        (b'attachment; filename=" . "', "附件1"),
    ],
)
def test_a_name_made_to_do_harm_does_none(mailbox, pages, header, name):
    mail = (
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
        b"--b\r\nContent-Type: application/\xff\xfe<b>\r\nContent-Disposition: " + header + b"\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n"
    )
    kept = mailbox.keep(mail)

    page = pages.get(f"/mail/{kept}")
    saved = pages.get(f"/mail/{kept}/attachment/1")

    assert (page.status_code, saved.status_code, saved.content) == (200, 200, b"hello")
    assert "<img" not in page.text
    assert "set-cookie" not in saved.headers
    assert len(saved.headers["content-disposition"]) < 1200
    if name is not None:
        assert f"download>{name}</a>" in page.text


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/x\r\n",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhello",
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"Content-Type: text/html; charset=no-such\r\n\r\n<p>\xff</p>",
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(3000)
        ),
    ],
    ids=["half a part", "no boundary", "a mail", "no base64", "no charset", "nested"],
)
def test_whatever_a_stranger_sends_is_shown_and_breaks_nothing(mailbox, pages, content):
    kept = mailbox.keep(content)

    assert pages.get(f"/mail/{kept}").status_code == 200
    assert pages.get(f"/mail/{kept}/attachment/1").status_code in (200, 404)
