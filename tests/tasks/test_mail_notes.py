"""What is noted of a mail that was taken, and when; also where the process is killed."""

import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from threading import Thread

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete

from models.rules.mail import MailOutcome, MailState, message_id
from models.tables.mail import OutboxMail
from notifications.settings import MailSettings
from notifications.smtp import Sender
from tasks.database import transaction, unsynced
from tasks.mail import LEASE, DispatchReport, dispatch_once
from tests.outbox import DOMAIN, a_mail, address, attempts, outcomes, queue, states
from tests.smtp_server import Reply, Wait


class Killed(BaseException):
    """The process is gone: nothing below runs any more."""


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
