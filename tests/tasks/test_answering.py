"""One transaction a deed: what is queued with it, and what happens when two meet."""

from datetime import UTC, date, datetime
from threading import Event, Thread

import pytest
from sqlalchemy import Engine, text
from sqlmodel import col, select

from models.operations.programmes import NoProgrammeError
from models.rules.stages import Stage
from models.tables.mail import OutboxMail
from models.tables.party import Contact
from notifications.contexts import ItemOpened, Returned, read_context
from tasks import answering
from tasks.answering import CollisionError, present_moment, withdraw_case
from tasks.clock import TodayError, moved_to
from tasks.database import make_engine, reading, transaction
from tests.builders import CLI, FIRST_DAY, World


def _mails(world: World) -> list[OutboxMail]:
    with reading(world.engine) as session:
        return list(session.exec(select(OutboxMail).order_by(col(OutboxMail.id))))


def test_a_case_begins_with_a_mail_that_says_what_to_do_by_when(world: World) -> None:
    case_no = world.open()

    (mail,) = _mails(world)

    assert (mail.dedup_key, mail.to_address, mail.item_id, mail.queued_at) == (
        f"item_opened:{case_no}-0001:{mail.contact_id}",
        "contact11-1@example.com",
        world.item_id(case_no),
        world.moment.at,
    )
    opened = read_context(mail.template, mail.context)
    assert isinstance(opened, ItemOpened)
    assert (opened.enterprise_name, opened.step_name, opened.due_on) == (
        "示例精工装备",
        "提交申报",
        date(2025, 1, 27),
    )
    assert opened.trial_note is None


def test_a_return_gives_its_reason_in_the_words_of_who_returned(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.say(case_no, outcome="退回补正", opinion="缺少营业收入证明")

    returned = read_context("returned", _mails(world)[-1].context)

    assert isinstance(returned, Returned)
    assert (returned.reason, returned.decided_by_party, returned.next_step_name) == (
        "缺少营业收入证明",
        "示例大冶经信局",
        "提交申报",
    )
    assert returned.due_on == world.open_item(case_no).due_on


def test_a_receipt_goes_to_who_answered_and_the_next_item_to_the_primary_contact(
    world: World,
) -> None:
    case_no = world.started(Stage.APPLICATION, "city-review")
    before = world.last_mail()

    world.answer(case_no, handler="吴静")

    assert world.mails(case_no, after=before) == [("receipt", "吴静")]


def test_a_party_without_contacts_is_to_be_called_and_the_case_moves_on(world: World) -> None:
    case_no = world.open()
    with transaction(world.engine) as session:
        for contact in session.exec(select(Contact).where(Contact.name == "陈立")):
            session.delete(contact)
    before = world.last_mail()

    world.answer(case_no)

    # A mail to nobody: the dispatcher puts it on the call list (tests/tasks/test_reach.py).
    assert world.mails(case_no, after=before) == [("receipt", "林峰"), ("item_opened", "")]


def test_a_withdrawal_by_who_is_asked_is_told_once(world: World) -> None:
    case_no = world.open()
    before = world.last_mail()

    withdraw_case(case_no, "转产", world.deed(), moment=world.moment, on=world.engine)

    assert world.mails(case_no, after=before) == [("stage_finished", "林峰")]


def test_mails_and_answer_are_one_transaction(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_no = world.open()
    before = world.dump()

    class PowerCutError(Exception):
        """The power fails just before the end."""

    def fail(*_: object) -> None:
        raise PowerCutError

    monkeypatch.setattr(answering, "mails_for_answer", fail)
    with pytest.raises(PowerCutError):
        world.answer(case_no)

    assert world.dump() == before


def test_without_a_programme_the_database_says_what_to_do(engine: Engine) -> None:
    with pytest.raises(NoProgrammeError, match="请先运行 pilot db upgrade 或 pilot up"):
        present_moment(engine)


def test_the_present_moment_is_the_programmes_own_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOT_TODAY", FIRST_DAY.isoformat())

    moment = present_moment(world.engine)

    assert moment.programme == world.moment.programme
    assert moment.at.date() == FIRST_DAY


def test_the_clock_can_be_held_still_at_an_instant_of_a_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOT_TODAY", "2025-01-06T16:45:10")

    moment = present_moment(world.engine)

    assert moment.at == datetime(2025, 1, 6, 8, 45, 10, tzinfo=UTC)
    assert moved_to(moment.row) == FIRST_DAY


@pytest.mark.parametrize("given", ["soon", "2025-13-01", "2025-01-06 at ten"])
def test_what_is_no_day_is_refused_by_the_name_of_its_variable(
    given: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOT_TODAY", given)

    with pytest.raises(TodayError, match="PILOT_TODAY 应为日期"):
        present_moment(world.engine)


def test_who_meets_a_writer_that_never_ends_is_asked_to_try_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting has an end: on SQLite the busy timeout, on PostgreSQL a lock timeout where set."""
    case_no = world.open()
    item_id, form = world.item_id(case_no), world.typical(case_no)
    impatient = make_engine(world.engine.url)
    if impatient.dialect.name == "sqlite":
        with impatient.connect() as connection:
            connection.execute(text("PRAGMA busy_timeout = 50"))
    else:
        monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=50")
        impatient = make_engine(world.engine.url.set(query={}))
    held, done = Event(), Event()

    def hold() -> None:
        with transaction(world.engine) as session:
            session.execute(text("UPDATE case_file SET audit_length = audit_length"))
            held.set()
            done.wait(30)

    holder = Thread(target=hold)
    holder.start()
    assert held.wait(30)

    with pytest.raises(CollisionError) as refused:
        answering.answer_item(item_id, form, CLI, moment=world.moment, on=impatient)

    done.set()
    holder.join()
    impatient.dispose()
    assert refused.value.try_again
    assert world.answer(case_no).item_id == item_id
