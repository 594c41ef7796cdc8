"""A reminder that waits in the outbox does not remind of what is settled by the time it goes."""

from datetime import date, timedelta
from functools import partial

import pytest
from sqlmodel import select

from models.operations import outbox
from models.operations.mail_retries import CancelledMailError, retry
from models.operations.reminder_mails import contexts_of
from models.rules.mail import MailState
from models.rules.stages import Role, Stage
from models.tables.mail import OutboxMail, machine_now
from notifications.smtp import Sender
from tasks.database import reading, transaction
from tasks.deadline_moves import stop_item
from tasks.mail import dispatch_once
from tasks.reminding import remind
from tests.builders import OTHER_ENTERPRISE, World


@pytest.fixture
def reminded(world: World, sender: Sender) -> tuple[World, str, str]:
    """Two matters of the county in one mail that has not been sent yet."""
    first = world.started(Stage.APPLICATION, "county-review")
    second = world.started(Stage.APPLICATION, "county-review", enterprise=OTHER_ENTERPRISE)
    world.go_to(date(2025, 1, 15))
    dispatch(world, sender)
    remind(world.moment, world.engine)
    return world, first, second


def dispatch(world: World, sender: Sender) -> None:
    """Send what waits, late enough for the sending hours to have come."""
    at = machine_now() + timedelta(days=14)
    dispatch_once(partial(transaction, world.engine), sender, limit=500, now=lambda: at)


def dispatched(world: World, sender: Sender) -> OutboxMail:
    """Send what waits; return the reminder as it then stands."""
    dispatch(world, sender)
    with reading(world.engine) as session:
        return session.exec(select(OutboxMail).where(OutboxMail.template == "due_matters")).one()


def test_a_matter_answered_meanwhile_is_left_out(
    reminded: tuple[World, str, str], sender: Sender
) -> None:
    world, first, second = reminded
    world.answer(first)

    mail = dispatched(world, sender)

    assert mail.state is MailState.SENT
    assert mail.subject == "【催办】1 项事项待办理，其中 1 项已逾期"
    assert second in (mail.body_text or "")
    assert first not in (mail.body_text or "")


def test_a_mail_with_nothing_left_is_cancelled_in_plain_words(
    reminded: tuple[World, str, str], sender: Sender
) -> None:
    world, first, second = reminded
    world.answer(first)
    stop_item(
        world.item_id(second),
        waits_for=Role.ENTERPRISE,
        reason="补材料",
        deed=world.deed("暂停计时"),
        moment=world.moment,
        on=world.engine,
    )

    mail = dispatched(world, sender)

    assert (mail.state, mail.last_error) == (
        MailState.CANCELLED,
        "所提醒的事项均已办结、改期或暂停计时，无需再发",
    )
    assert dispatched(world, sender).state is MailState.CANCELLED
    with transaction(world.engine) as session, pytest.raises(CancelledMailError, match="不必重发"):
        retry(session, [mail.id or 0], asked_by="周明", now=machine_now())


def test_a_mail_with_all_its_matters_open_goes_out_as_it_was_written(
    reminded: tuple[World, str, str], sender: Sender
) -> None:
    world, first, second = reminded
    with reading(world.engine) as session:
        queued = session.exec(select(OutboxMail).where(OutboxMail.template == "due_matters")).one()
        [written] = contexts_of(session, [queued]).values()

    mail = dispatched(world, sender)

    assert (mail.state, mail.context) == (MailState.SENT, written)
    assert first in (mail.body_text or "")
    assert second in (mail.body_text or "")


def test_a_mail_that_an_earlier_version_has_written_leaves_out_what_is_settled(
    reminded: tuple[World, str, str], sender: Sender
) -> None:
    world, first, second = reminded
    with transaction(world.engine) as session:  # its sweeps wrote the mails themselves
        queued = session.exec(select(OutboxMail).where(OutboxMail.template == "due_matters")).one()
        [queued.context] = contexts_of(session, [queued]).values()
    world.answer(first)

    mail = dispatched(world, sender)

    assert mail.state is MailState.SENT
    assert second in (mail.body_text or "")
    assert first not in (mail.body_text or "")


def test_a_mail_that_may_have_arrived_goes_out_again_word_for_word(
    reminded: tuple[World, str, str], sender: Sender
) -> None:
    world, first, second = reminded
    with transaction(world.engine) as session:  # a dispatcher takes it, and is killed
        outbox.claim(
            session,
            owner="killed",
            limit=500,
            now=machine_now() + timedelta(days=7),
            lease=timedelta(minutes=5),
            domain="huangshi.example.com",
        )
    world.answer(first)
    world.answer(second)

    mail = dispatched(world, sender)

    assert mail.state is MailState.SENT
    assert first in (mail.body_text or "")
    assert second in (mail.body_text or "")
