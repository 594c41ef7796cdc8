"""Leases and endings of mails, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from models.operations import outbox
from models.operations.outbox import NewMail, TakenMail
from models.rules.mail import MOST_ATTEMPTS, Attempt, MailOutcome, MailState, message_id
from models.tables.mail import MailAttempt, OutboxMail

ACCEPTED = Attempt(
    outcome=MailOutcome.ACCEPTED, code=250, server="mail:25", reason="好", detail="queued as 1"
)
LATER = Attempt(
    outcome=MailOutcome.TRY_AGAIN, code=450, server="mail:25", reason="暂不可用", detail="greylist"
)
REFUSED = Attempt(
    outcome=MailOutcome.REFUSED, code=550, server="mail:25", reason="地址不存在", detail="unknown"
)
WORDS = {"subject": "主题", "text": "正文", "html": "<p>正文</p>"}
LEASE = timedelta(minutes=5)
SECOND = timedelta(seconds=1)


def a_mail(number=1, **changes):
    plain = {
        "dedup_key": f"receipt:{number}",
        "template": "receipt",
        "context": "{}",
        "to_party": "示例企业",
        "to_name": "林晓",
        "to_address": f"lin{number}@example.com",
        "queued_at": datetime(2024, 3, 25, tzinfo=UTC),
    }
    return NewMail(**{**plain, **changes})


@pytest.fixture
def now():
    """An instant just after everything that the test queues first."""
    return datetime.now(UTC) + timedelta(minutes=1)


def queue(outside, *numbers):
    with outside() as session:
        outbox.queue_mails(session, [a_mail(number) for number in numbers])


def claim(outside, now, owner="一号", limit=50, domain="example.com"):
    with outside() as session:
        return outbox.claim(session, owner=owner, limit=limit, now=now, lease=LEASE, domain=domain)


def the_mail(outside):
    with outside() as session:
        return session.exec(select(OutboxMail)).one()


def attempts(outside):
    with outside() as session:
        rows = session.exec(select(MailAttempt).order_by(col(MailAttempt.id))).all()
    return [(row.outcome, row.code, row.server, row.detail) for row in rows]


def test_a_queued_mail_waits_from_now_on(outside):
    before = datetime.now(UTC)
    queue(outside, 1)

    mail = the_mail(outside)
    assert (mail.state, mail.attempts, mail.last_error) == (MailState.QUEUED, 0, "")
    assert mail.queued_at == datetime(2024, 3, 25, tzinfo=UTC)
    assert before <= mail.entered_at <= datetime.now(UTC)
    assert before <= mail.next_try_at <= datetime.now(UTC)


def test_a_mail_is_queued_once_however_often_it_is_asked_for(outside):
    queue(outside, 1, 2, 1)
    queue(outside, 2, 3)
    with outside() as session:
        outbox.queue_mail(session, a_mail(3, to_name="别人"))
        outbox.queue_mails(session, [])

    with outside() as session:
        mails = session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
    assert [(mail.dedup_key, mail.to_name) for mail in mails] == [
        ("receipt:1", "林晓"),
        ("receipt:2", "林晓"),
        ("receipt:3", "林晓"),
    ]


def test_a_mail_goes_with_the_change_it_tells_of(outside):
    with outside() as session:
        outbox.queue_mail(session, a_mail())
        session.rollback()

    with outside() as session:
        assert session.exec(select(OutboxMail)).all() == []


def test_a_claim_leases_the_oldest_mails_and_names_them(outside, now):
    queue(outside, 1)
    queue(outside, 2, 3)

    first = claim(outside, now, limit=2)
    second = claim(outside, now, owner="二号")

    assert [mail.dedup_key for mail in first] == ["receipt:1", "receipt:2"]
    assert [mail.dedup_key for mail in second] == ["receipt:3"]
    assert claim(outside, now) == []
    for mail in first:
        assert mail.message_id == message_id(mail.dedup_key, "example.com")
        assert (mail.lease_owner, mail.next_try_at, mail.attempts) == ("一号", now + LEASE, 1)


def test_a_mail_that_is_not_due_is_left(outside):
    queue(outside, 1)

    assert claim(outside, datetime.now(UTC) - timedelta(minutes=1)) == []


def test_a_lease_that_ran_out_is_taken_over_under_the_same_message_id(outside, now):
    queue(outside, 1)
    [first] = claim(outside, now)

    assert claim(outside, now + LEASE - SECOND, owner="二号") == []
    [second] = claim(outside, now + LEASE, owner="二号", domain="moved.example.com")

    assert (second.lease_owner, second.attempts) == ("二号", 2)
    assert second.message_id == first.message_id


def test_two_dispatchers_at_the_same_moment_get_different_mails(engine, outside, now):
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer: the second waits for the first")
    queue(outside, *range(10))

    with outside() as one, outside() as other:
        first, second = (
            outbox.claim(session, owner=owner, limit=6, now=now, lease=LEASE, domain="example.com")
            for session, owner in ((one, "一号"), (other, "二号"))
        )

    assert [len(first), len(second)] == [6, 4]
    assert {mail.id for mail in first} & {mail.id for mail in second} == set()


def test_a_claim_reads_the_index_of_waiting_mails_only(engine, outside, now):
    if engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL's plan depends on how many rows there are")
    said = []
    event.listen(engine, "before_cursor_execute", lambda *call: said.append(call[2:4]))
    claim(outside, now)
    [(statement, values)] = [one for one in said if "next_try_at <=" in one[0]]

    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert [row.detail for row in plan] == [
        "SEARCH outbox_mail USING INDEX ix_outbox_mail_waiting (next_try_at<?)",
    ]


def taken(mail, at):
    return TakenMail(mail=mail, attempt=ACCEPTED, at=at, **WORDS)


def test_mails_that_were_taken_keep_each_its_own(outside, now):
    queue(outside, 1, 2, 3)
    first, second, third = claim(outside, now)

    for mail in (
        taken(first, now),
        replace(
            taken(third, now + SECOND),
            attempt=replace(ACCEPTED, detail="queued as 3"),
            subject="另一主题",
        ),
    ):
        with outside() as session:
            outbox.mark_sent(session.connection(), mail)

    with outside() as session:
        kept = session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
    assert [(mail.id, mail.state, mail.sent_at, mail.subject) for mail in kept] == [
        (first.id, MailState.SENT, now, "主题"),
        (second.id, MailState.SENDING, None, None),
        (third.id, MailState.SENT, now + SECOND, "另一主题"),
    ]
    assert attempts(outside) == [
        (MailOutcome.ACCEPTED, 250, "mail:25", "queued as 1"),
        (MailOutcome.ACCEPTED, 250, "mail:25", "queued as 3"),
    ]


def test_a_sent_mail_keeps_its_words_and_the_servers_answer(outside, now):
    queue(outside, 1)
    [claimed] = claim(outside, now)

    with outside() as session:
        outbox.mark_sent(session.connection(), taken(claimed, now + SECOND))

    mail = the_mail(outside)
    assert (mail.state, mail.sent_at, mail.lease_owner) == (MailState.SENT, now + SECOND, None)
    assert (mail.subject, mail.body_text, mail.body_html) == tuple(WORDS.values())
    assert attempts(outside) == [(MailOutcome.ACCEPTED, 250, "mail:25", "queued as 1")]
    assert claim(outside, now + timedelta(days=30)) == []


def test_a_mail_to_be_tried_again_waits_its_five_minutes(outside, now):
    queue(outside, 1)
    [claimed] = claim(outside, now)

    with outside() as session:
        assert outbox.mark_retry(session, claimed, LATER, now=now) is True

    mail = the_mail(outside)
    assert (mail.state, mail.last_error, mail.lease_owner) == (MailState.QUEUED, "暂不可用", None)
    assert claim(outside, now + timedelta(minutes=5) - SECOND) == []
    [again] = claim(outside, now + timedelta(minutes=6))
    assert (again.attempts, again.message_id) == (2, claimed.message_id)
    assert attempts(outside) == [(MailOutcome.TRY_AGAIN, 450, "mail:25", "greylist")]


def test_the_last_try_ends_the_mail(outside, now):
    queue(outside, 1)

    waited = []
    for number in range(1, MOST_ATTEMPTS + 1):
        [claimed] = claim(outside, now + timedelta(minutes=6 * number))
        with outside() as session:
            waited.append(
                outbox.mark_retry(session, claimed, LATER, now=now + timedelta(minutes=6 * number))
            )

    mail = the_mail(outside)
    assert waited == [True] * 48 + [False]
    assert (mail.state, mail.attempts, mail.last_error) == (MailState.FAILED, 49, "暂不可用")
    assert claim(outside, now + timedelta(days=30)) == []


def test_a_refused_mail_ends_at_once(outside, now):
    queue(outside, 1)
    [claimed] = claim(outside, now)

    with outside() as session:
        outbox.mark_failed(session, claimed, REFUSED, now=now)

    mail = the_mail(outside)
    assert (mail.state, mail.last_error) == (MailState.FAILED, "地址不存在")
    assert attempts(outside) == [(MailOutcome.REFUSED, 550, "mail:25", "unknown")]


@pytest.mark.parametrize("mark", [outbox.mark_retry, outbox.mark_failed])
def test_who_lost_the_lease_decides_nothing_but_is_on_record(outside, now, mark):
    queue(outside, 1)
    [late] = claim(outside, now)
    claim(outside, now + LEASE, owner="二号")

    with outside() as session:
        mark(session, late, LATER, now=now + LEASE)

    mail = the_mail(outside)
    assert (mail.state, mail.lease_owner, mail.last_error) == (MailState.SENDING, "二号", "")
    assert attempts(outside) == [(MailOutcome.TRY_AGAIN, 450, "mail:25", "greylist")]


def test_a_250_is_a_fact_even_when_the_lease_is_lost(outside, now):
    queue(outside, 1)
    [late] = claim(outside, now)
    [other] = claim(outside, now + LEASE, owner="二号")

    with outside() as session:
        outbox.mark_sent(session.connection(), taken(late, now + LEASE))
    with outside() as session:
        outbox.mark_failed(session, other, REFUSED, now=now + LEASE)
    with outside() as session:
        outbox.mark_sent(session.connection(), replace(taken(other, now + 2 * LEASE), subject="x"))

    mail = the_mail(outside)
    assert (mail.state, mail.sent_at, mail.subject) == (MailState.SENT, now + LEASE, "主题")
    assert len(attempts(outside)) == 3


def test_a_mail_given_back_was_not_tried(outside, now):
    queue(outside, 1, 2)
    first, second = claim(outside, now)
    claim(outside, now + LEASE, owner="二号", limit=1)

    with outside() as session:
        outbox.release(session, [first, second], now=now + LEASE)

    with outside() as session:
        mails = session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
    assert [(mail.state, mail.attempts, mail.lease_owner) for mail in mails] == [
        (MailState.SENDING, 2, "二号"),
        (MailState.QUEUED, 0, None),
    ]
    assert attempts(outside) == []


@pytest.mark.parametrize(
    "change",
    [
        "state = 'lost'",
        "state = 'sending'",
        "lease_owner = '一号'",
        "state = 'sent', sent_at = entered_at",
        "state = 'failed'",
        "sent_at = entered_at",
        "attempts = -1",
        "to_address = NULL",
    ],
)
def test_the_database_itself_refuses_a_state_that_cannot_be(outside, change):
    queue(outside, 1)

    with pytest.raises(IntegrityError), outside() as session:
        session.connection().execute(text(f"UPDATE outbox_mail SET {change}"))
