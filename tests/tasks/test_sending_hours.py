"""What is held back until the sending hours, and what never is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlmodel import select

from models.operations import outbox
from models.operations.outbox import NewMail
from models.rules.working_days import known_years
from models.tables.mail import OutboxMail
from notifications.contexts import CONTEXTS, ApplicationsOpen, Digest, DueMatters, ItemOpened
from tasks.database import transaction
from tasks.sending_hours import not_before
from tests.builders import instant

FRIDAY_NIGHT = datetime(2025, 1, 10, 20, tzinfo=UTC) - timedelta(hours=8)
MONDAY_MORNING = datetime(2025, 1, 13, 8, tzinfo=UTC) - timedelta(hours=8)


def test_reminders_digests_and_openings_alone_may_wait(world):
    assert {kind for kind in CONTEXTS.values() if not kind.is_urgent} == {
        ApplicationsOpen,
        Digest,
        DueMatters,
    }
    assert (
        not_before(ItemOpened, world.moment.programme, world.moment.row, now=FRIDAY_NIGHT) is None
    )


def test_what_is_not_urgent_waits_for_the_morning_of_a_working_day(world):
    moment = world.moment

    held_until = not_before(DueMatters, moment.programme, moment.row, now=FRIDAY_NIGHT)

    assert held_until == MONDAY_MORNING


def test_nothing_is_held_back_on_a_moved_clock(world, monkeypatch):
    moment = world.moment
    demonstration = moment.row.model_copy(
        update={"demonstration_today": instant(world.today).date()}
    )
    assert not_before(DueMatters, moment.programme, demonstration, now=FRIDAY_NIGHT) is None

    monkeypatch.setenv("PILOT_TODAY", "2025-01-06")
    assert not_before(DueMatters, moment.programme, moment.row, now=FRIDAY_NIGHT) is None


def test_in_a_year_that_is_not_known_a_mail_goes_at_once(world):
    moment = world.moment
    night = datetime(known_years()[-1], 12, 31, 20, tzinfo=UTC)

    assert not_before(DueMatters, moment.programme, moment.row, now=night) is None


def test_a_mail_that_is_held_back_is_not_due_before(world):
    now = datetime.now(UTC)
    mail = NewMail(
        dedup_key="digest:1",
        template="digest",
        context="{}",
        to_party="示例企业",
        to_name="林晓",
        to_address="lin@example.com",
        queued_at=instant(world.today),
    )
    later = replace(mail, dedup_key="digest:2", not_before=now + timedelta(hours=3))
    with transaction(world.engine) as session:
        outbox.queue_mails(session, [mail, later])

    with transaction(world.engine) as session:
        due = session.exec(
            select(OutboxMail.dedup_key).where(OutboxMail.next_try_at <= datetime.now(UTC))
        ).all()
        held = session.exec(select(OutboxMail).where(OutboxMail.dedup_key == "digest:2")).one()

    assert due == ["digest:1"]
    assert held.next_try_at == later.not_before
