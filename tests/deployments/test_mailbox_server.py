"""The mailbox as a process of its own: mail in by SMTP, out by its pages."""

import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import httpx
import pytest

from notifications.message import build_message
from notifications.render import render
from notifications.samples import OPENED, OPENED_AGAIN, SAMPLES
from notifications.settings import MailSettings
from notifications.smtp import Sender


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def start(home, web, smtp):
    environment = {
        **os.environ,
        "PILOT_HOME": str(home),
        "PILOT_MAILBOX_PORT": str(web),
        "PILOT_SMTP_CATCH_PORT": str(smtp),
    }
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "deployments.mailbox_server"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_up(process, web):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return httpx.get(f"http://127.0.0.1:{web}/health").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(process.communicate(timeout=5))


class Running:
    """A mailbox process, its pages, and a sender to it."""

    def __init__(self, home):
        self.home = home
        self.web, self.smtp = free_port(), free_port()
        self.process = start(home, self.web, self.smtp)
        wait_until_up(self.process, self.web)
        self.pages = httpx.Client(base_url=f"http://127.0.0.1:{self.web}")
        self.sender = Sender(MailSettings(catch_port=self.smtp))

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out, err

    def close(self):
        self.sender.close()
        self.pages.close()
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()
        self.process.stderr.close()

    def send(self, context, to_name="林晓", to_address="lin@example.com"):
        message = build_message(
            render(context),
            MailSettings(),
            to_name=to_name,
            to_address=to_address,
            message_id=f"<{to_address}>",
            date=datetime(2024, 3, 25, tzinfo=UTC),
            trial=context.trial_note,
        )
        return self.sender.send(message)

    def send_raw(self, content, to="lin@example.com"):
        with smtplib.SMTP("127.0.0.1", self.smtp) as client:
            return client.sendmail("anyone@example.com", [to], content)

    def mails(self, **asked):
        return self.pages.get("/api/mails", params=asked).json()["mails"]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("home"))
    yield running
    running.close()


@pytest.fixture
def mailbox(running):
    """The running mailbox, emptied."""
    for path in (running.home / "mailbox").iterdir():
        path.unlink()
    return running


def test_what_is_sent_is_kept_whole_and_listed_newest_first(mailbox):
    before = datetime.now(UTC)
    first = mailbox.send(OPENED)
    second = mailbox.send(OPENED_AGAIN, "陈 志远", "chen@example.com")

    newest, oldest = mailbox.mails()
    assert [first.detail, second.detail] == [
        f"2.0.0 kept as {mail['name']}" for mail in (oldest, newest)
    ]
    assert before <= datetime.fromisoformat(newest.pop("at")) <= datetime.now(UTC)
    kept = (mailbox.home / "mailbox" / f"{newest['name']}.eml").read_bytes()
    assert newest == {
        "name": newest["name"],
        "to_name": "陈 志远",
        "to_address": "chen@example.com",
        "subject": render(OPENED_AGAIN).subject,
        "message_id": "<chen@example.com>",
        "size": len(kept),
    }
    parsed = message_from_bytes(kept, policy=default)
    assert parsed.get_body(("plain",)).get_content().replace("\r\n", "\n") == (
        render(OPENED_AGAIN).text
    )
    assert (parsed["X-Envelope-To"], parsed["X-Pilot-Mode"]) == ("chen@example.com", "catch")
    assert mailbox.pages.get(f"/mail/{newest['name']}/raw").content == kept


def test_a_list_can_be_narrowed_to_a_person_and_to_words(mailbox):
    names = ("item_opened", "receipt", "returned", "stage_finished", "subsidy_decided", "paid")
    for number, name in enumerate(names):
        sample = next(sample for sample in SAMPLES if sample.template == name)
        mailbox.send(sample, f"人{number}", f"p{number}@example.com")

    def found(**asked):
        return [mail["to_name"] for mail in mailbox.mails(**asked)]

    assert found(to="P3@example") == ["人3"]
    assert found(to="人5") == ["人5"]
    assert found(q="回执 HS-1-0007-0012") == ["人1"]
    assert found(q="补助") == ["人5", "人4"]
    assert found(q="补助", to="p4") == ["人4"]
    assert found(q="补助", to="p1") == []
    assert found(limit=2, offset=1) == ["人4", "人3"]
    assert found(limit="-1", offset="x") == [f"人{number}" for number in reversed(range(6))]


def test_the_pages_are_chinese_and_go_back_in_time(mailbox):
    assert "还没有邮件" in mailbox.pages.get("/").text
    for number in range(51):
        mailbox.send(OPENED, f"第{number}人")

    first = mailbox.pages.get("/").text
    assert ("第50人" in first, "第1人" in first, "第0人" in first) == (True, True, False)
    assert "共 51 封，第 1 / 2 页" in first
    assert 'href="/?to=&amp;q=&amp;page=2"' in first
    for page in ("2", "99"):
        older = mailbox.pages.get("/", params={"page": page}).text
        assert ("第0人" in older, "第1人" in older) == (True, False)
    assert "没有符合条件的邮件" in mailbox.pages.get("/", params={"q": "没有这个"}).text


def test_a_mail_is_shown_as_page_as_text_and_by_its_headers(mailbox):
    mailbox.send(OPENED)
    [mail] = mailbox.mails()
    path = f"/mail/{mail['name']}"

    page = mailbox.pages.get(path).text
    assert f'<iframe sandbox="" title="邮件内容" src="{path}/html"></iframe>' in page
    text = mailbox.pages.get(path, params={"tab": "text"}).text
    assert "现由贵单位办理。请阅读诊断报告并确认是否认可。" in text
    headers = mailbox.pages.get(path, params={"tab": "headers"}).text
    assert "<td>To</td><td>林晓 &lt;lin@example.com&gt;</td>" in headers
    assert "<td>X-Envelope-To</td><td>lin@example.com</td>" in headers
    raw = mailbox.pages.get(f"{path}/raw")
    assert raw.headers["content-type"] == "message/rfc822"
    assert raw.headers["content-disposition"] == f'attachment; filename="{mail["name"]}.eml"'


def test_a_mail_shown_as_a_page_can_do_nothing(mailbox):
    mailbox.send(OPENED)
    [mail] = mailbox.mails()

    shown = mailbox.pages.get(f"/mail/{mail['name']}/html")

    assert shown.text.replace("\r\n", "\n") == render(OPENED).html
    assert shown.headers["content-security-policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
        " frame-ancestors 'self'"
    )


@pytest.mark.parametrize(
    ("content", "to_name", "subject", "text"),
    [
        (b"Subject: <script>alert(1)</script>\r\n\r\nhi", "", "<script>alert(1)</script>", "hi"),
        (b"Subject: =?no-such?b?eA==?=\r\n\r\nhi", "", "=?no-such?b?eA==?=", "hi"),
        (b"Content-Type: text/plain; charset=no-such\r\n\r\n\xe9", "", "", "\ufffd"),
        (b'To: "a" <b@c>, d@e\r\nSubject: \xe9\r\n\r\n', "a", "\ufffd", ""),
        (b"\x00\xff\r\n\r\n", "", "", ""),
        (b"", "", "", ""),
    ],
)
def test_whatever_a_stranger_sends_is_shown_and_breaks_nothing(
    mailbox, content, to_name, subject, text
):
    mailbox.send_raw(content)

    [mail] = mailbox.mails()
    assert (mail["to_name"], mail["subject"]) == (to_name, subject)
    for tab in ("html", "text", "headers"):
        page = mailbox.pages.get(f"/mail/{mail['name']}", params={"tab": tab})
        assert page.status_code == 200
        assert "<script" not in page.text
    assert f"<pre>{text}" in mailbox.pages.get(f"/mail/{mail['name']}?tab=text").text
    assert mailbox.pages.get("/").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/mail/20240325T010500000000-00000000",
        "/mail/..%2F..%2Fpilot.db/raw",
        "/mail/x/html",
        "/mail/20240325T010500000000-0000000g/raw",
    ],
)
def test_what_is_not_there_is_said_in_chinese(mailbox, path):
    answer = mailbox.pages.get(path)

    assert answer.status_code == 404
    assert "没有这个页面或这封邮件" in answer.text


def test_a_page_elsewhere_cannot_read_the_mails_by_a_name_of_its_own(mailbox):
    assert mailbox.pages.get("/api/mails", headers={"Host": "evil.example"}).status_code == 400


def test_a_mail_beyond_all_measure_is_refused_and_the_next_is_taken(mailbox):
    with pytest.raises(smtplib.SMTPSenderRefused, match="552"):
        mailbox.send_raw(b"x" * (26 * 1024 * 1024))

    mailbox.send(OPENED)
    assert len(mailbox.mails()) == 1


def test_a_mailbox_that_cannot_store_asks_for_the_mail_again(mailbox):
    directory = mailbox.home / "mailbox"
    directory.rmdir()
    directory.write_text("not a directory")
    refused = mailbox.send(OPENED)
    directory.unlink()
    directory.mkdir()

    assert (refused.code, refused.reason) == (
        452,
        "邮件服务器或收件信箱空间不足（lin@example.com，服务器代码 452）",
    )
    assert mailbox.send(OPENED).code == 250


def test_a_half_written_mail_is_not_shown(mailbox):
    (mailbox.home / "mailbox" / "20240325T010500000000-00000000.tmp").write_bytes(b"Subject: x")
    (mailbox.home / "mailbox" / "notes.eml").write_bytes(b"Subject: x")

    assert mailbox.mails() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_told_to_though_a_sender_is_still_connected(tmp_path, number):
    running = Running(tmp_path)
    running.send(OPENED)

    status, out, err = running.stop(number)
    running.close()

    assert (status, out, err) == (0, f"本机邮箱 http://127.0.0.1:{running.web}\n", "")
    assert len(list((tmp_path / "mailbox").glob("*.eml"))) == 1


def test_mails_outlive_the_process(tmp_path):
    first = Running(tmp_path)
    first.send(OPENED)
    listed = first.mails()
    first.close()
    second = Running(tmp_path)

    assert second.mails() == listed
    second.close()


@pytest.mark.parametrize(
    ("taken", "variable"), [("web", "PILOT_MAILBOX_PORT"), ("smtp", "PILOT_SMTP_CATCH_PORT")]
)
def test_a_port_that_is_taken_is_named(tmp_path, taken, variable):
    ports = {"web": free_port(), "smtp": free_port()}
    with socket.create_server(("127.0.0.1", ports[taken])):
        process = start(tmp_path, **ports)
        _, err = process.communicate(timeout=20)

    assert process.returncode == 1
    assert err == (
        f"端口 {ports[taken]} 已被占用，本机邮箱无法启动；"
        f"请停止占用它的程序，或用 {variable} 换一个端口\n"
    )
