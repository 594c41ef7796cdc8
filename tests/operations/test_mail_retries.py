"""Failed mails are tried anew on record; sent ones never; and the figures of a day add up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlmodel import col, select

from models.operations import outbox, reach
from models.operations.mail_figures import (
    DayFigure,
    day_figures,
    note_first_start,
    whole_share,
)
from models.operations.mail_lists import UnknownMailNumberError
from models.operations.mail_retries import (
    SentAlreadyError,
    SuppressedAddressError,
    failed_mails,
    retries_of,
    retry,
)
from models.operations.outbox import NewMail, TakenMail
from models.rules.mail import Attempt, MailOutcome, MailState
from models.tables.mail import OutboxMail
from models.tables.programme import Heartbeat

#: 08:00 in Shanghai.
NOW = datetime(2024, 3, 25, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
REFUSED = Attempt(outcome=MailOutcome.REFUSED, code=550, reason="收件地址不存在或拒收（…550）")
TAKEN = Attempt(outcome=MailOutcome.ACCEPTED, code=250, server="mail:25", reason="服务器已接收")


def queue(outside, *numbers):
    with outside() as session:
        mails = [
            NewMail(
                dedup_key=f"receipt:{number}",
                template="receipt",
                context="{}",
                to_party="示例企业",
                to_name="林晓",
                to_address=f"lin{number}@example.com",
                queued_at=NOW,
            )
            for number in numbers
        ]
        outbox.queue_mails(session, mails)


def end(outside, attempt, now=None):
    """Claim the mail that waits longest, and end it."""
    now = now or datetime.now(UTC) + MINUTE
    with outside() as session:
        [mail] = outbox.claim(
            session, owner="一号", limit=1, now=now, lease=5 * MINUTE, domain="example.com"
        )
        if attempt.outcome is MailOutcome.REFUSED:
            outbox.mark_failed(session, mail, attempt, now=now)
        else:
            taken = TakenMail(mail=mail, attempt=attempt, subject="s", text="t", html="h", at=now)
            outbox.mark_sent(session.connection(), taken)
    return mail.id


def start_sending(outside, at):
    """Let the process that sends mail start, as it does itself."""
    with outside() as session:
        note_first_start(session, at)
        session.merge(Heartbeat(part="clock", beat_at=at))


def figures_of_two_days(outside, now):
    with outside() as session:
        return day_figures(session, now=now, days=2)


def the_mail(outside, number=1):
    with outside() as session:
        return session.exec(select(OutboxMail).where(OutboxMail.id == number)).one()


def ask(outside, *numbers):
    with outside() as session:
        return retry(session, numbers, asked_by="张三", now=NOW)


def test_a_failed_mail_has_all_its_tries_before_it_again(outside):
    queue(outside, 1)
    number = end(outside, REFUSED)

    done = ask(outside, number)

    assert (done.queued, done.waiting) == ((number,), ())
    mail = the_mail(outside, number)
    assert (mail.state, mail.attempts, mail.next_try_at) == (MailState.QUEUED, 0, NOW)
    assert mail.message_id == the_mail(outside, number).message_id is not None
    with outside() as session:
        [asked] = retries_of(session, number)
    assert (asked.asked_by, asked.at, asked.last_error) == ("张三", NOW, REFUSED.reason)


def test_asking_twice_does_nothing_more(outside):
    queue(outside, 1)
    number = end(outside, REFUSED)
    ask(outside, number)

    again = ask(outside, number, number)

    assert (again.queued, again.waiting) == ((), (number,))
    with outside() as session:
        assert len(retries_of(session, number)) == 1


def test_a_sent_mail_is_refused_and_then_nothing_is_tried_anew(outside):
    queue(outside, 1, 2)
    failed, sent = end(outside, REFUSED), end(outside, TAKEN)

    with pytest.raises(SentAlreadyError, match=f"邮件 {sent} 已送达服务器，不能重发"):
        ask(outside, failed, sent)

    assert the_mail(outside, failed).state is MailState.FAILED
    with outside() as session:
        assert (retries_of(session, failed), failed_mails(session)) == ([], [failed])


def test_a_mail_to_an_address_that_is_not_written_to_is_not_tried_anew(outside):
    queue(outside, 1, 2)
    hopeless, other = end(outside, REFUSED), end(outside, REFUSED)
    address = the_mail(outside, hopeless).to_address
    with outside() as session:
        reach.suppress(session, address, reason="地址不存在", by="系统", at=NOW)

    with pytest.raises(SuppressedAddressError, match=f"邮件 {hopeless} 的收件地址在停发名单上"):
        ask(outside, hopeless, other)
    with outside() as session:
        assert failed_mails(session) == [other]
        reach.lift(session, address, reason="已更正", by="张三", at=NOW)
        assert failed_mails(session) == [hopeless, other]

    assert ask(outside, hopeless, other).queued == (hopeless, other)


def test_an_unknown_number_is_refused(outside):
    with pytest.raises(UnknownMailNumberError):
        ask(outside, 999)


def test_the_share_of_a_day_counts_what_was_taken_within_ten_seconds(outside):
    """Eleven mails: two late, one refused, one waiting too long, one too young, one held."""
    day = datetime(2024, 3, 25, 2, tzinfo=UTC)
    start_sending(outside, day - MINUTE)
    queue(outside, *range(1, 12))
    with outside() as session:
        mails = session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
        for mail in mails:
            mail.entered_at = mail.next_try_at = day
            session.add(mail)
    for seconds in (0.1, 5, 9.999, 10, 10.001, 11):
        end(outside, TAKEN, day + timedelta(seconds=seconds))
    end(outside, REFUSED, day + timedelta(seconds=1))
    with outside() as session:
        _, young, held, held_and_sent = session.exec(
            select(OutboxMail).order_by(col(OutboxMail.id)).offset(7)
        ).all()
        young.entered_at = day + timedelta(seconds=55)
        held.held_until = day + timedelta(hours=1)
        held_and_sent.held_until = held_and_sent.next_try_at = day - timedelta(seconds=1)
        session.add_all([young, held, held_and_sent])
    end(outside, TAKEN, day + timedelta(seconds=8))

    with outside() as session:
        today, before = day_figures(session, now=day + MINUTE, days=2)

    assert today == DayFigure(day=day.date(), queued=11, accepted=7, soon=5, failed=1, undecided=2)
    assert today.share == Decimal("0.5555")  # of nine
    assert (before.queued, before.share) == (0, None)
    assert whole_share([today, before]) == Decimal("0.5555")


def test_mails_from_before_the_first_start_are_told_apart_those_of_an_outage_count(outside):
    """Two are loaded, the system starts, stops for an hour in which two are queued, goes on."""
    loaded_at = datetime(2024, 3, 25, 2, tzinfo=UTC)
    first_start, again = loaded_at + 10 * MINUTE, loaded_at + 90 * MINUTE
    at = {1: loaded_at, 2: loaded_at, 3: first_start + MINUTE}
    at |= {4: again - 60 * MINUTE, 5: again - 5 * MINUTE}
    queue(outside, *at)
    with outside() as session:
        for mail in session.exec(select(OutboxMail)).all():
            mail.entered_at = mail.next_try_at = at[mail.id]
            session.add(mail)

    never_started, _ = figures_of_two_days(outside, again)
    start_sending(outside, first_start)
    for when in (first_start, first_start, at[3] + timedelta(seconds=1)):
        end(outside, TAKEN, when)
    start_sending(outside, again)
    for _ in range(2):
        end(outside, TAKEN, again + timedelta(seconds=1))
    today, _ = figures_of_two_days(outside, again + MINUTE)

    assert (never_started.before_start, never_started.queued, never_started.share) == (5, 0, None)
    assert today == DayFigure(
        day=loaded_at.date(), before_start=2, queued=3, accepted=3, soon=1, failed=0, undecided=0
    )
    assert today.share == Decimal("0.3333")


def test_where_mail_was_sent_before_the_first_start_was_noted_every_mail_counts(outside):
    queue(outside, 1)
    with outside() as session:
        session.merge(Heartbeat(part="clock", beat_at=NOW))

    start_sending(outside, datetime.now(UTC) + MINUTE)
    today, _ = figures_of_two_days(outside, datetime.now(UTC) + MINUTE)

    assert (today.before_start, today.queued, today.share) == (0, 1, 0)


def test_a_day_begins_at_midnight_in_shanghai(outside):
    midnight = datetime(2024, 3, 24, 16, tzinfo=UTC)
    start_sending(outside, midnight - MINUTE)
    queue(outside, 1, 2)
    with outside() as session:
        for mail, at in zip(
            session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all(),
            (midnight - timedelta(seconds=1), midnight),
            strict=True,
        ):
            mail.entered_at = at
            session.add(mail)

    with outside() as session:
        today, before = day_figures(session, now=midnight + MINUTE, days=2)

    assert [(each.day.day, each.queued) for each in (today, before)] == [(25, 1), (24, 1)]
