"""The dispatcher against a real mail server, on both databases."""

import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Thread

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select

from models.operations import outbox
from models.operations.outbox import NewMail
from models.rules.mail import MOST_ATTEMPTS, MailOutcome, MailState, message_id
from models.tables.mail import MailAttempt, OutboxMail
from notifications.post import Post
from notifications.render import render
from notifications.samples import OPENED, OPENED_AGAIN
from notifications.settings import MailSettings
from notifications.smtp import Sender
from tasks.database import transaction, unsynced
from tasks.mail import LEASE, DispatchReport, dispatch_once
from tests.smtp_server import HangUp, Reply, Wait

DOMAIN = "huangshi.example.com"


class Killed(BaseException):
    """The process is gone: nothing below runs any more."""


class Clock:
    """A machine clock that stands still until it is moved."""

    def __init__(self):
        self.at = datetime.now(UTC) + timedelta(minutes=1)

    def __call__(self):
        return self.at

    def pass_by(self, **length):
        self.at += timedelta(**length)


@pytest.fixture
def outside(engine):
    return partial(transaction, engine)


@pytest.fixture
def clock():
    return Clock()


def address(number):
    return f"p{number}@example.com"


def a_mail(number, about=OPENED, **changes):
    plain = {
        "dedup_key": f"item_opened:{number}",
        "template": about.template,
        "context": about.model_dump_json(),
        "to_party": about.recipient_party,
        "to_name": about.recipient_name,
        "to_address": address(number),
        "queued_at": datetime(2024, 3, 25, tzinfo=UTC),
    }
    return NewMail(**{**plain, **changes})


def queue(outside, *mails):
    with outside() as session:
        outbox.queue_mails(session, mails)


def mails(outside):
    with outside() as session:
        return session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()


def states(outside):
    return [mail.state for mail in mails(outside)]


def outcomes(outside):
    with outside() as session:
        return session.exec(select(MailAttempt.outcome).order_by(col(MailAttempt.id))).all()


def attempts(outside):
    with outside() as session:
        return session.exec(select(MailAttempt).order_by(col(MailAttempt.id))).all()


def killed_at(outside, call):
    """Return `outside` for a process that is killed when it asks for transaction number `call`."""
    calls = iter(range(1, call))

    @contextmanager
    def until_killed():
        if next(calls, None) is None:
            raise Killed
        with outside() as session:
            yield session

    return until_killed


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


@pytest.mark.parametrize("is_pipelining", [False, True])
def test_the_server_is_called_with_no_transaction_open(outside, mail_server, clock, is_pipelining):
    mail_server.is_pipelining = is_pipelining
    open_now = []

    @contextmanager
    def watched():
        open_now.append(1)
        with outside() as session:
            yield session
        open_now.pop()

    class Watching(Sender):
        def send(self, message, **others):
            open_during.append(len(open_now))
            return super().send(message, **others)

        def connection(self, *given, **named):
            client = super().connection(*given, **named)
            send, get_reply = client.send, client.getreply

            def watched_send(words):
                open_during.append(len(open_now))
                send(words)

            def watched_reply():
                reply = get_reply()
                open_during.append(len(open_now))
                return reply

            client.send, client.getreply = watched_send, watched_reply
            return client

    open_during = []
    queue(outside, *map(a_mail, range(10)))
    sender = Watching(MailSettings(catch_port=mail_server.port))

    assert dispatch_once(watched, sender, now=clock).sent == 10
    sender.close()

    # of each mail: it, what is sent (all of it at once, or four times), four replies
    assert len(open_during) > 10 * (6 if is_pipelining else 9)
    assert set(open_during) == {0}


@pytest.mark.parametrize("is_pipelining", [False, True])
def test_the_content_of_a_mail_does_not_go_before_the_last_one_is_noted(
    outside, mail_server, clock, is_pipelining
):
    mail_server.is_pipelining = is_pipelining
    unnoted = []

    class Taking(Sender):
        def connection(self, *given, **named):
            client = super().connection(*given, **named)
            send = client.send

            def watched_send(words):
                if isinstance(words, bytes):  # the content
                    noted = outcomes(outside).count(MailOutcome.ACCEPTED)
                    unnoted.append(len(mail_server.received) - noted)
                send(words)

            client.send = watched_send
            return client

    queue(outside, *map(a_mail, range(12)))
    sender = Taking(MailSettings(catch_port=mail_server.port))

    report = dispatch_once(outside, sender, now=clock)
    sender.close()

    assert (report, unnoted) == (DispatchReport(sent=12), [0] * 12)


@pytest.mark.parametrize("is_pipelining", [False, True])
@pytest.mark.parametrize("slow", ["at_recipient", "at_data"])
def test_whoever_is_kept_waiting_has_noted_what_was_taken_before(
    outside, mail_server, sender, clock, slow, is_pipelining
):
    mail_server.is_pipelining = is_pipelining
    queue(outside, *map(a_mail, range(5)))
    getattr(mail_server, slow)[address(3)].append(Wait(1.5))
    round_ = Thread(target=dispatch_once, args=(outside, sender), kwargs={"now": clock})

    round_.start()
    deadline = time.monotonic() + 1
    while (noted := len(outcomes(outside))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    is_under_way = round_.is_alive()
    round_.join()

    assert (noted, is_under_way) == (3, True)
    assert states(outside) == [MailState.SENT] * 5


def test_what_is_noted_on_a_kept_connection_is_the_same(engine, outside, mail_server, sender):
    queue(outside, *map(a_mail, range(3)))
    mail_server.at_recipient[address(1)].append(Reply("450 4.2.1 busy"))

    with unsynced(engine) as kept:
        report = dispatch_once(kept.transaction, sender, noting=kept.statement)

    assert report == DispatchReport(sent=2, retried=1)
    assert states(outside) == [MailState.SENT, MailState.QUEUED, MailState.SENT]
    assert [(one.outcome, one.code, one.detail) for one in attempts(outside)] == [
        (MailOutcome.ACCEPTED, 250, "2.0.0 Ok: queued as 0001"),
        (MailOutcome.TRY_AGAIN, 450, "4.2.1 busy"),
        (MailOutcome.ACCEPTED, 250, "2.0.0 Ok: queued as 0002"),
    ]


def test_notes_are_made_on_a_new_connection_where_the_old_one_was_lost(
    postgresql_engine, mail_server, clock
):
    outside = partial(transaction, postgresql_engine)
    queue(outside, *map(a_mail, range(3)))

    class Cutting(Sender):
        def send(self, message, **others):
            if message.to_address == address(1):
                with outside() as session:
                    session.connection().exec_driver_sql(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
            return super().send(message, **others)

    sender = Cutting(MailSettings(catch_port=mail_server.port))
    with unsynced(postgresql_engine) as kept:
        report = dispatch_once(kept.transaction, sender, noting=kept.statement, now=clock)
    sender.close()

    assert report == DispatchReport(sent=3)
    assert len(mail_server.received) == 3


def test_a_mail_that_cannot_be_noted_takes_no_other_with_it(outside, mail_server, clock):
    """Somebody has taken it out of the database while it was under way."""
    queue(outside, *map(a_mail, range(5)))

    class Losing(Sender):
        def send(self, message, **others):
            if message.to_address == address(2):
                with outside() as session:
                    session.exec(delete(OutboxMail).where(col(OutboxMail.to_address) == address(2)))
            return super().send(message, **others)

    sender = Losing(MailSettings(catch_port=mail_server.port))
    with pytest.raises(IntegrityError):
        dispatch_once(outside, sender, now=clock)
    # Where nothing can be noted, nothing more is sent; where it was that one, the others go next.
    assert states(outside) == [MailState.SENT] * 2 + [MailState.QUEUED] * 2
    assert dispatch_once(outside, sender, now=clock) == DispatchReport(sent=2)
    sender.close()

    assert states(outside) == [MailState.SENT] * 4
    assert outcomes(outside) == [MailOutcome.ACCEPTED] * 4
    assert Counter(mail.to_address for mail in mail_server.received) == {
        address(number): 1 for number in range(5)
    }


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


def test_a_kill_between_the_250_and_our_commit_repeats_one_mail_as_the_same_and_loses_none(
    outside, mail_server, sender, clock
):
    queue(outside, *(a_mail(number) for number in range(1, 6)))

    # transaction 1 claims, 2 and 3 mark two mails; the third is sent, and not marked any more
    with pytest.raises(Killed):
        dispatch_once(killed_at(outside, 4), sender, now=clock)

    assert len(mail_server.received) == 3
    assert states(outside) == [MailState.SENT] * 2 + [MailState.SENDING] * 3
    clock.pass_by(seconds=LEASE.total_seconds() - 1)
    assert dispatch_once(outside, sender, now=clock) == DispatchReport()
    clock.pass_by(seconds=1)
    assert dispatch_once(outside, sender, now=clock) == DispatchReport(sent=3)
    assert states(outside) == [MailState.SENT] * 5
    assert Counter(mail.message_id for mail in mail_server.received) == {
        message_id(f"item_opened:{number}", DOMAIN): 2 if number == 3 else 1
        for number in range(1, 6)
    }


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


def test_a_dispatcher_told_to_stop_finishes_one_mail_and_gives_back_the_rest(
    outside, mail_server, sender, clock
):
    queue(outside, *(a_mail(number) for number in range(5)))

    report = dispatch_once(
        outside, sender, now=clock, is_stopping=lambda: bool(mail_server.received)
    )

    assert report == DispatchReport(sent=1, released=4)
    assert states(outside) == [MailState.SENT] + [MailState.QUEUED] * 4


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
