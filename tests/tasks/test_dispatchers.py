"""Leases: dispatchers that are stopped, are dead, or work side by side."""

from collections import Counter
from threading import Thread

import pytest

from models.operations import outbox
from models.rules.mail import MOST_ATTEMPTS, MailState, message_id
from notifications.post import Post
from notifications.settings import MailSettings
from notifications.smtp import Sender
from tasks.mail import LEASE, DispatchReport, dispatch_once
from tests.outbox import DOMAIN, a_mail, mails, queue, states


def test_a_dispatcher_that_is_told_to_stop_gives_the_rest_back_at_once(outside, mail_server, clock):
    class Stopped(Sender):
        def send(self, message, **others):
            if mail_server.received:
                raise KeyboardInterrupt
            return super().send(message, **others)

    queue(outside, *(a_mail(number) for number in range(1, 5)))
    stopped = Stopped(MailSettings(catch_port=mail_server.port))
    with pytest.raises(KeyboardInterrupt):
        dispatch_once(outside, stopped, now=clock)
    stopped.close()

    # the one it was about to send keeps its lease: nobody knows whether it went
    assert states(outside) == [
        MailState.SENT,
        MailState.SENDING,
        MailState.QUEUED,
        MailState.QUEUED,
    ]


def test_a_dispatcher_told_to_stop_finishes_one_mail_and_gives_back_the_rest(
    outside, mail_server, sender, clock
):
    queue(outside, *(a_mail(number) for number in range(5)))

    report = dispatch_once(
        outside, sender, now=clock, is_stopping=lambda: bool(mail_server.received)
    )

    assert report == DispatchReport(sent=1, released=4)
    assert states(outside) == [MailState.SENT] + [MailState.QUEUED] * 4


def test_a_mail_is_not_begun_when_its_lease_is_nearly_over(outside, mail_server, clock):
    class Slow(Sender):
        def send(self, message, **others):
            clock.pass_by(minutes=2)
            return super().send(message, **others)

    queue(outside, *(a_mail(number) for number in range(1, 6)))
    slow = Slow(MailSettings(catch_port=mail_server.port))

    report = dispatch_once(outside, slow, now=clock)
    slow.close()

    assert report == DispatchReport(sent=2, released=3)


def test_a_mail_that_kills_its_dispatcher_each_time_comes_to_an_end(
    outside, mail_server, sender, clock
):
    queue(outside, a_mail(1))
    for _ in range(MOST_ATTEMPTS):
        with outside() as session:
            outbox.claim(session, owner="一号", limit=1, now=clock(), lease=LEASE, domain=DOMAIN)
        clock.pass_by(minutes=5)

    assert dispatch_once(outside, sender, now=clock) == DispatchReport(failed=1)
    [mail] = mails(outside)
    assert mail.last_error == "已尝试 49 次，每次都中途中断，不再重试"
    assert mail_server.received == []


def test_dispatchers_side_by_side_send_every_mail_once(outside, mail_server):
    queue(outside, *(a_mail(number) for number in range(60)))
    reports = []

    def work():
        sender = Sender(MailSettings(catch_port=mail_server.port))
        while (report := dispatch_once(outside, sender, limit=4)) != DispatchReport():
            reports.append(report)
        sender.close()

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.sent for report in reports) == 60
    assert Counter(mail.message_id for mail in mail_server.received) == {
        message_id(f"item_opened:{number}", DOMAIN): 1 for number in range(60)
    }
    assert states(outside) == [MailState.SENT] * 60
    assert 1 <= mail_server.connections <= 3


def test_a_limit_per_minute_holds_for_all_dispatchers_together(outside, mail_server, clock):
    settings = MailSettings(
        mode="allowlist",
        allowlist="example.com",
        host="127.0.0.1",
        port=mail_server.port,
        security="none",
        per_minute=7,
    )
    queue(outside, *(a_mail(number) for number in range(30)))
    two = [Post(settings), Post(settings)]

    sent = []
    for _ in range(8):  # every twenty seconds, both
        sent.append(sum(dispatch_once(outside, post, now=clock, limit=4).sent for post in two))
        clock.pass_by(seconds=20)
    for post in two:
        post.close()

    # in no minute more than seven
    assert sent == [7, 0, 0, 7, 0, 0, 7, 0]


def test_mails_that_a_dead_dispatcher_holds_count_until_their_lease_is_over(outside, clock):
    queue(outside, *(a_mail(number) for number in range(9)))

    def claimed(owner):
        with outside() as session:
            return outbox.claim(
                session,
                owner=owner,
                limit=50,
                now=clock(),
                lease=LEASE,
                domain=DOMAIN,
                per_minute=6,
            )

    assert [len(claimed("一号")), len(claimed("二号"))] == [6, 0]
    clock.pass_by(minutes=5)
    assert len(claimed("二号")) == 6
