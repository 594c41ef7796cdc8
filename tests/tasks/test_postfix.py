"""A real mail server from Debian: encryption, login, delivery, refusals, and the check before."""

import pytest

from models.rules.mail import MailOutcome, MailState
from notifications.post import Post
from notifications.render import render
from notifications.samples import OPENED
from notifications.settings import MailMode, MailSettings
from notifications.smtp import Sender
from tasks.mail import DispatchReport, dispatch_once
from tests.outbox import a_mail, attempts, mails, queue
from tests.postfix import DOMAIN, PASSWORD, USER, NoPostfixError, postfix
from tests.smtp_server import SmtpServer


@pytest.fixture(scope="module")
def server():
    try:
        running = postfix()
        started = running.__enter__()
    except NoPostfixError as error:
        if error.is_wanted:
            pytest.fail(str(error))
        pytest.skip(str(error))
    yield started
    running.__exit__(None, None, None)


def settings_for(server, **changes):
    plain = {
        "mode": MailMode.LIVE,
        "host": "127.0.0.1",
        "port": server.port,
        "security": "starttls",
        "ca_file": server.ca_file,
        "user": USER,
        "password": PASSWORD,
        "from_address": f"pilot@{DOMAIN}",
    }
    return MailSettings(**{**plain, **changes})


def test_mails_reach_their_mailboxes_and_unknown_people_are_refused(outside, server):
    queue(
        outside,
        a_mail(1, to_address=f"lin@{DOMAIN}"),
        a_mail(2, to_address=f"nobody@{DOMAIN}"),
        a_mail(3, to_address=f"chen@{DOMAIN}"),
    )
    post = Post(settings_for(server))

    report = dispatch_once(outside, post)
    post.close()

    assert report == DispatchReport(sent=2, failed=1)
    # The refused one's DATA came, too: it was sent with the RCPT before that was refused.
    assert server.logged(" mail=3 rcpt=2/3 data=2/3 rset=1 quit=1 ")
    sent, refused, _ = mails(outside)
    [arrived, *_] = server.delivered("lin")
    assert server.delivered("chen")
    words = render(OPENED)
    assert (str(arrived["Subject"]), arrived["Message-ID"]) == (words.subject, sent.message_id)
    assert (str(arrived["To"]), arrived["X-Pilot-Mode"]) == (f"林晓 <lin@{DOMAIN}>", "live")
    assert arrived.get_body(("plain",)).get_content().replace("\r\n", "\n") == words.text
    assert arrived.get_body(("html",)).get_content().replace("\r\n", "\n") == words.html
    assert "with ESMTPSA" in arrived["Received"]  # encrypted, and logged in
    assert refused.state is MailState.FAILED
    assert refused.last_error == (f"收件地址不存在或拒收（nobody@{DOMAIN}，服务器代码 550）")
    first = attempts(outside)[0]
    assert (first.server, first.code, first.is_caught) == (f"127.0.0.1:{server.port}", 250, False)
    assert first.detail.startswith("2.0.0 Ok: queued as ")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "可以连接、登录并以发件地址发信"),
        ({"password": "guess"}, "邮件服务器不接受登录名或密码"),
        ({"user": None, "password": None}, "邮件服务器不接受发件地址"),
        ({"ca_file": None}, "邮件服务器的证书无法验证"),
        ({"security": "tls"}, "与邮件服务器建立加密连接失败"),
        ({"port": 1}, "连接不上邮件服务器"),
    ],
)
def test_the_check_says_what_is_wrong_with_the_settings(server, changes, reason):
    attempt = Sender(settings_for(server, **changes)).try_out()

    assert (attempt.outcome is MailOutcome.ACCEPTED) == (not changes)
    assert attempt.reason.partition("：")[0] == reason


def test_in_mode_allowlist_only_those_listed_leave_the_machine(outside, server):
    queue(
        outside,
        a_mail(1, to_address=f"lin@{DOMAIN}", dedup_key="listed"),
        a_mail(2, to_address=f"chen@{DOMAIN}", dedup_key="not-listed"),
    )
    with SmtpServer() as mailbox:
        changes = {"mode": "allowlist", "allowlist": f"lin@{DOMAIN}", "catch_port": mailbox.port}
        post = Post(settings_for(server, **changes))

        report = dispatch_once(outside, post)
        post.close()

    assert report == DispatchReport(sent=2)
    assert "listed" in {mail.dedup_key for mail in mails(outside)}
    assert [mail.to_address for mail in mailbox.received] == [f"chen@{DOMAIN}"]
    assert mailbox.received[0].message["X-Pilot-Mode"] == "allowlist"
    assert [(each.server, each.is_caught) for each in attempts(outside)] == [
        (f"127.0.0.1:{server.port}", False),
        (f"127.0.0.1:{mailbox.port}", True),
    ]
    listed = mails(outside)[0].message_id
    assert listed in [mail["Message-ID"] for mail in server.delivered("lin", 2)]
