"""One round of the dispatcher against a real mail server, on both databases."""

import subprocess
import sys
from collections import Counter

import pytest

from models.rules.mail import MOST_ATTEMPTS, MailOutcome, MailState, message_id
from notifications.render import render
from notifications.samples import OPENED, OPENED_AGAIN
from tasks.mail import DispatchReport, dispatch_once
from tests.outbox import DOMAIN, a_mail, address, mails, outcomes, queue
from tests.smtp_server import HangUp, Reply


def test_a_round_sends_what_is_queued_and_keeps_the_proof(outside, mail_server, sender, clock):
    queue(outside, a_mail(1), a_mail(2, OPENED_AGAIN))

    report = dispatch_once(outside, sender, now=clock)

    assert report == DispatchReport(sent=2)
    assert [mail.to_address for mail in mail_server.received] == [address(1), address(2)]
    first, second = mails(outside)
    words = render(OPENED)
    assert (first.subject, first.body_text, first.body_html) == (
        words.subject,
        words.text,
        words.html,
    )
    assert (first.state, first.sent_at, first.attempts) == (MailState.SENT, clock(), 1)
    assert (
        first.message_id
        == message_id("item_opened:1", DOMAIN)
        == mail_server.received[0].message_id
    )
    assert second.subject.startswith("【演示】")
    assert mail_server.received[1].message["X-Pilot-Trial"] == "演示数据 · 系统日期 2024-03-25"
    assert dispatch_once(outside, sender, now=clock) == DispatchReport()


def test_refused_recipients_end_and_delayed_ones_wait_while_the_others_go(
    outside, mail_server, sender, clock
):
    queue(outside, *(a_mail(number) for number in range(1, 5)))
    mail_server.at_recipient[address(1)].append(Reply("550 5.1.1 no such user"))
    mail_server.at_data[address(2)].append(Reply("451 4.3.0 later"))

    report = dispatch_once(outside, sender, now=clock)

    assert report == DispatchReport(sent=2, retried=1, failed=1)
    refused, delayed, *_ = mails(outside)
    assert (refused.state, refused.last_error) == (
        MailState.FAILED,
        "收件地址不存在或拒收（p1@example.com，服务器代码 550）",
    )
    assert (delayed.state, delayed.last_error) == (
        MailState.QUEUED,
        "邮件服务器暂时出错（p2@example.com，服务器代码 451）",
    )
    assert dispatch_once(outside, sender, now=clock) == DispatchReport()
    clock.pass_by(minutes=6)
    assert dispatch_once(outside, sender, now=clock) == DispatchReport(sent=1)
    assert (mails(outside)[1].state, mails(outside)[1].last_error) == (MailState.SENT, "")


def test_after_forty_nine_tries_a_mail_has_failed_in_plain_words(
    outside, mail_server, sender, clock
):
    queue(outside, a_mail(1))
    mail_server.at_recipient[address(1)].extend([Reply("450 4.2.1 busy")] * 60)

    reports = []
    while reports[-1:] != [DispatchReport(failed=1)]:
        reports.append(dispatch_once(outside, sender, now=clock))
        clock.pass_by(minutes=6)

    assert reports == [DispatchReport(retried=1)] * 48 + [DispatchReport(failed=1)]
    [mail] = mails(outside)
    assert mail.last_error == "收件信箱暂不可用（p1@example.com，服务器代码 450）"
    assert outcomes(outside) == [MailOutcome.TRY_AGAIN] * MOST_ATTEMPTS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"template": "carrier_pigeon"},
            "邮件内容无法生成，请联系系统维护人员（UnknownMailError）",
        ),
        ({"context": "{"}, "邮件内容无法生成，请联系系统维护人员（ValidationError）"),
        ({"context": "{}"}, "邮件内容无法生成，请联系系统维护人员（ValidationError）"),
        ({"to_address": "林@"}, "邮件地址 '林@' 不正确，请改正该联系人的邮箱"),
        (
            {"to_address": "a@example.com\r\nBcc: b@example.com"},
            r"邮件地址 'a@example.com\r\nBcc: b@example.com' 不正确，请改正该联系人的邮箱",
        ),
        (
            {"to_name": "林\r\nBcc: b@example.com"},
            r"邮件头 To 不得含换行或控制字符：'林\r\nBcc: b@example.com'",
        ),
    ],
)
def test_a_mail_that_cannot_be_written_fails_alone(
    outside, mail_server, sender, clock, changes, reason
):
    queue(outside, a_mail(1, **changes), a_mail(2))

    report = dispatch_once(outside, sender, now=clock)

    assert report == DispatchReport(sent=1, failed=1)
    bad, good = mails(outside)
    assert (bad.state, bad.last_error) == (MailState.FAILED, reason)
    assert good.state is MailState.SENT
    assert [mail.to_address for mail in mail_server.received] == [address(2)]


def test_a_server_that_is_down_costs_one_try_and_no_mail(outside, sender, mail_server, clock):
    queue(outside, *(a_mail(number) for number in range(1, 6)))
    mail_server.at_sender.append(Reply("421 4.3.2 closing"))

    report = dispatch_once(outside, sender, now=clock)

    assert report == DispatchReport(retried=1, released=4)
    assert [mail.attempts for mail in mails(outside)] == [1, 0, 0, 0, 0]
    assert dispatch_once(outside, sender, now=clock) == DispatchReport(sent=4)
    clock.pass_by(minutes=6)
    assert dispatch_once(outside, sender, now=clock) == DispatchReport(sent=1)
    assert Counter(mail.to_address for mail in mail_server.received) == {
        address(number): 1 for number in range(1, 6)
    }


def test_a_mail_that_breaks_every_connection_holds_up_no_other(outside, mail_server, sender, clock):
    queue(outside, *(a_mail(number) for number in range(1, 4)))
    mail_server.at_data[address(1)].extend([HangUp()] * 100)

    first = dispatch_once(outside, sender, now=clock)
    second = dispatch_once(outside, sender, now=clock)

    assert (first, second) == (DispatchReport(retried=1, released=2), DispatchReport(sent=2))


def test_a_mail_taken_by_a_server_that_then_broke_off_is_sent_again_as_the_same(
    outside, mail_server, sender, clock
):
    queue(outside, a_mail(1))
    mail_server.at_data[address(1)].append(HangUp(kept=True))

    assert dispatch_once(outside, sender, now=clock) == DispatchReport(retried=1)
    clock.pass_by(minutes=6)
    assert dispatch_once(outside, sender, now=clock) == DispatchReport(sent=1)

    assert [mail.message_id for mail in mail_server.received] == [
        message_id("item_opened:1", DOMAIN)
    ] * 2


def test_the_log_of_a_failure_names_no_person(outside, mail_server, sender, clock, caplog):
    queue(outside, a_mail(1))
    mail_server.at_recipient[address(1)].append(Reply("550 no such user p1@example.com"))

    dispatch_once(outside, sender, now=clock)

    [record] = caplog.records
    assert record.getMessage() == f"mail {mails(outside)[0].id} (item_opened): 被拒绝，不再重试"


def test_the_dispatcher_does_not_load_prefect():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, tasks.mail; print('prefect' in sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )

    assert loaded.stdout == "False\n"
