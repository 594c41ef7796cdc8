"""What is held back until the sending hours, and what never is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlmodel import select

from models.operations import outbox
from models.operations.calendar_years import add_year
from models.operations.outbox import NewMail
from models.rules.clock import SHANGHAI
from models.rules.holiday_year import read_holiday_toml
from models.tables.mail import OutboxMail
from notifications.contexts import CONTEXTS, ApplicationsOpen, Digest, DueMatters, ItemOpened
from tasks.database import reading, transaction
from tasks.sending_hours import not_before
from tests.builders import World, instant
from tests.holidays import YEAR_2027

FRIDAY_NIGHT = datetime(2025, 1, 10, 20, tzinfo=UTC) - timedelta(hours=8)
MONDAY_MORNING = datetime(2025, 1, 13, 8, tzinfo=UTC) - timedelta(hours=8)


def held_until(world, now, kind=DueMatters):
    with reading(world.engine) as session:
        return not_before(session, kind, world.moment.programme, world.moment.row, now=now)


def test_reminders_digests_and_openings_alone_may_wait(world):
    assert {kind for kind in CONTEXTS.values() if not kind.is_urgent} == {
        ApplicationsOpen,
        Digest,
        DueMatters,
    }
    assert held_until(world, FRIDAY_NIGHT, ItemOpened) is None


def test_what_is_not_urgent_waits_for_the_morning_of_a_working_day(world):
    assert held_until(world, FRIDAY_NIGHT) == MONDAY_MORNING


def test_nothing_is_held_back_on_a_moved_clock(world, monkeypatch):
    row = world.moment.row.model_copy(update={"demonstration_today": world.today})
    demonstration = World(world.engine, replace(world.moment, row=row))
    assert held_until(demonstration, FRIDAY_NIGHT) is None

    monkeypatch.setenv("PILOT_TODAY", "2025-01-06")
    assert held_until(world, FRIDAY_NIGHT) is None


def test_in_a_year_that_is_not_known_a_mail_goes_at_once(world):
    last = world.moment.programme.calendar_years[-1]

    assert held_until(world, datetime(last, 12, 31, 20, tzinfo=UTC)) is None


def test_a_year_that_an_office_entered_counts_like_any_other(world):
    year = read_holiday_toml(YEAR_2027)
    new_years_eve = datetime(2026, 12, 31, 20, tzinfo=SHANGHAI)
    spring_festival = datetime(2027, 2, 5, 10, tzinfo=SHANGHAI)
    worked_sunday = datetime(2027, 1, 31, 10, tzinfo=SHANGHAI)
    assert held_until(world, new_years_eve) is None
    with transaction(world.engine) as session:
        add_year(session, year, world.deed(), at=world.moment.at)

    assert held_until(world, new_years_eve) == datetime(2027, 1, 4, 8, tzinfo=SHANGHAI)
    assert held_until(world, spring_festival) == datetime(2027, 2, 12, 8, tzinfo=SHANGHAI)
    assert held_until(world, worked_sunday) == worked_sunday


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
