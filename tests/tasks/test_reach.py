"""A mail that reaches nobody goes to the next contact, then onto the call list; both databases."""

from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import count

import pytest
from sqlmodel import col, select, update

from models.operations import outbox, reach
from models.operations.answer_refusals import UnknownHandlerError
from models.operations.outbox import NewMail
from models.rules.mail import MOST_ATTEMPTS, MailState
from models.rules.stages import Role
from models.tables.mail import OutboxMail
from models.tables.party import Contact
from models.tables.reach import PhoneCall, Suppression
from notifications.samples import OPENED
from notifications.settings import MailSettings
from notifications.smtp import Sender
from tasks.database import reading, transaction
from tasks.mail import LEASE, DispatchReport, dispatch_once
from tests.builders import CITY, FIRST_DAY, instant
from tests.smtp_server import Reply

UNKNOWN = Reply("550 5.1.1 user unknown")


class Killed(BaseException):
    """The process is gone: nothing below runs any more."""


@pytest.fixture
def outside(world):
    return partial(transaction, world.engine)


@pytest.fixture
def people(world, outside):
    """Three people of the lead bureau, the primary one first."""
    party = world.party(Role.CITY_BUREAU, CITY)
    with outside() as session:
        first = session.exec(
            select(Contact).where(Contact.party_id == party.id, Contact.is_primary)
        ).one()
        for other in session.exec(
            select(Contact).where(Contact.party_id == party.id, ~col(Contact.is_primary))
        ).all():
            session.delete(other)
        session.flush()
        # Entered before the second: the order is by number, not by name or address.
        second = Contact(party_id=party.id, name="辛二", email="Second@example.com")
        third = Contact(party_id=party.id, name="安三", email="a-third@example.com")
        session.add_all([second])
        session.flush()
        session.add(third)
        session.flush()
        return first, second, third


def write(outside, *contacts, root="item_opened:7"):
    with outside() as session:
        outbox.queue_mails(
            session,
            [
                NewMail(
                    dedup_key=f"{root}:{contact.id}",
                    template=OPENED.template,
                    context=OPENED.model_copy(
                        update={"recipient_name": contact.name}
                    ).model_dump_json(),
                    to_party=CITY,
                    to_name=contact.name,
                    to_address=contact.email,
                    queued_at=instant(FIRST_DAY),
                    case_no="HS-2-0001",
                    item_id=7,
                    contact_id=contact.id,
                )
                for contact in contacts
            ],
        )


def everything(outside, sender):
    while dispatch_once(outside, sender) != DispatchReport():
        pass


def mails(outside):
    with outside() as session:
        return session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()


def states(outside):
    return [(mail.to_name, mail.state) for mail in mails(outside)]


def calls(outside):
    with outside() as session:
        return session.exec(select(PhoneCall)).all()


def suppressed(outside):
    with outside() as session:
        return [each.address for each in reach.suppressions(session)]


def stop(outside, *contacts):
    with outside() as session:
        for contact in contacts:
            reach.suppress(session, contact.email, reason="离职", by="周明", at=datetime.now(UTC))


def test_a_dead_address_sends_the_mail_on_to_the_next_contact_by_name(
    outside, sender, mail_server, people
):
    first, second, _ = people
    mail_server.at_recipient[first.email].append(UNKNOWN)
    write(outside, first)

    everything(outside, sender)

    assert states(outside) == [
        (first.name, MailState.FAILED),
        (second.name, MailState.SENT),
    ]
    failed, sent = mails(outside)
    assert sent.dedup_key == f"{failed.dedup_key}:next:{second.id}"
    assert (sent.case_no, sent.item_id, sent.contact_id) == ("HS-2-0001", 7, second.id)
    assert sent.queued_at == failed.queued_at
    lines = (sent.body_text or "").splitlines()
    assert f"{OPENED.recipient_party}　{second.name}：" in lines
    assert [line.strip("　") for line in lines if first.name in line] == [
        f"本邮件原发送给{first.name}，未能送达，现转送给您。"
    ]
    assert [mail.to_address for mail in mail_server.received] == [second.email]
    assert suppressed(outside) == [first.email]
    assert calls(outside) == []


def test_what_stands_on_the_list_says_why_since_when_and_which_mail(
    outside, sender, mail_server, people
):
    mail_server.at_recipient[people[0].email].append(UNKNOWN)
    write(outside, people[0])

    everything(outside, sender)

    with outside() as session:
        [kept] = session.exec(select(Suppression)).all()
    assert (kept.by, kept.code, kept.detail) == ("系统", 550, "5.1.1 user unknown")
    assert "收件地址不存在或拒收" in kept.reason
    assert kept.mail_id == mails(outside)[0].id
    assert kept.since >= mails(outside)[0].entered_at


def test_when_nobody_is_left_the_mail_is_to_be_telephoned(outside, sender, mail_server, people):
    for person in people:
        mail_server.at_recipient[person.email].append(UNKNOWN)
    write(outside, people[0])

    everything(outside, sender)

    assert states(outside) == [(person.name, MailState.FAILED) for person in people]
    [call] = calls(outside)
    assert (call.mail_id, call.party_id) == (mails(outside)[2].id, people[0].party_id)
    assert "收件地址不存在或拒收" in call.why
    assert mail_server.received == []


@pytest.mark.parametrize("place", ["at_recipient", "at_data"])
@pytest.mark.parametrize("words", ["554 5.7.1 spam", "550 5.7.1 blocked", "552 5.2.2 mailbox full"])
def test_a_refused_mail_goes_on_and_stops_no_address(
    outside, sender, mail_server, people, words, place
):
    first, second, _ = people
    getattr(mail_server, place)[first.email].append(Reply(words))
    write(outside, first)

    everything(outside, sender)

    assert states(outside) == [(first.name, MailState.FAILED), (second.name, MailState.SENT)]
    assert (suppressed(outside), calls(outside)) == ([], [])


def test_a_mail_that_is_refused_for_everybody_is_to_be_telephoned(
    outside, sender, mail_server, people
):
    for person in people:
        mail_server.at_data[person.email].append(Reply("554 5.7.1 spam"))
    write(outside, people[0])

    everything(outside, sender)

    assert states(outside) == [(person.name, MailState.FAILED) for person in people]
    [call] = calls(outside)
    assert "邮件被服务器拒绝" in call.why
    assert suppressed(outside) == []


def test_a_mail_that_cannot_be_written_goes_to_nobody_else(outside, sender, people):
    write(outside, people[0])
    with outside() as session:
        session.exec(update(OutboxMail).values(context="{}"))

    everything(outside, sender)

    assert states(outside) == [(people[0].name, MailState.FAILED)]
    assert (suppressed(outside), calls(outside)) == ([], [])


def test_an_unknown_user_after_data_is_about_the_mail(outside, sender, mail_server, people):
    mail_server.at_data[people[0].email].append(UNKNOWN)
    write(outside, people[0])

    everything(outside, sender)

    assert states(outside)[1] == (people[1].name, MailState.SENT)
    assert suppressed(outside) == []


def test_an_address_that_no_server_would_take_goes_on_too(outside, sender, mail_server, people):
    with outside() as session:
        session.get_one(Contact, people[0].id).email = "林@nowhere"
    write(outside, Contact(**{**people[0].model_dump(), "email": "林@nowhere"}))

    everything(outside, sender)

    assert states(outside)[1] == (people[1].name, MailState.SENT)


def test_a_mailbox_that_stays_full_for_hours_sends_the_mail_on(
    outside, sender, mail_server, people
):
    first, second, _ = people
    write(outside, first)
    used_up(outside)
    mail_server.at_recipient[first.email].append(Reply("452 4.2.2 mailbox full"))

    everything(outside, sender)

    assert states(outside) == [(first.name, MailState.FAILED), (second.name, MailState.SENT)]
    [received] = mail_server.received
    text = received.message.get_body(("plain",)).get_content()
    assert f"本邮件原发送给{first.name}，未能送达，现转送给您。" in text
    assert suppressed(outside) == []


def test_a_server_that_is_down_for_hours_sends_no_mail_on(outside, people):
    first, *_ = people
    write(outside, first)
    used_up(outside)
    nowhere = Sender(MailSettings(catch_port=1))

    everything(outside, nowhere)

    assert states(outside) == [(first.name, MailState.FAILED)]
    assert calls(outside) == []


def used_up(outside):
    """Leave every mail its last try."""
    with outside() as session:
        for mail in session.exec(select(OutboxMail)):
            mail.attempts = MOST_ATTEMPTS - 1


def test_a_queued_mail_whose_address_has_died_since_goes_on_untried(
    outside, sender, mail_server, people
):
    write(outside, people[0])
    stop(outside, people[0])

    everything(outside, sender)

    assert [mail.to_address for mail in mail_server.received] == [people[1].email]
    assert mails(outside)[0].last_error == "收件地址已列入停发名单（离职）"


def test_who_has_left_meanwhile_is_passed_over(outside, sender, mail_server, people):
    write(outside, people[0])
    with outside() as session:
        for person in people[:2]:
            session.get_one(Contact, person.id).has_left = True

    everything(outside, sender)

    assert states(outside) == [
        (people[0].name, MailState.FAILED),
        (people[2].name, MailState.SENT),
    ]


def test_nobody_gets_the_same_matter_twice_when_an_address_is_lifted(
    outside, sender, mail_server, people
):
    first, second, third = people
    stop(outside, third)
    mail_server.at_recipient[first.email].append(UNKNOWN)
    mail_server.at_recipient[second.email].append(UNKNOWN)
    write(outside, first)
    dispatch_once(outside, sender)
    with outside() as session:
        reach.lift(session, first.email, reason="已更正", by="周明", at=datetime.now(UTC))

    everything(outside, sender)

    assert [mail.to_name for mail in mails(outside)] == [first.name, second.name]
    assert len(calls(outside)) == 1


def test_passing_on_twice_is_passing_on_once(outside, people):
    write(outside, people[0])
    [mail] = mails(outside)

    for _ in range(2):
        with outside() as session:
            reach.pass_on(session, mail.id, why="被退回", now=datetime.now(UTC))

    assert len(mails(outside)) == 2


def test_a_kill_while_passing_on_leaves_nothing_half_done(outside, sender, mail_server, people):
    mail_server.at_recipient[people[0].email].extend([UNKNOWN, UNKNOWN])
    write(outside, people[0])
    calls_so_far = count(1)

    @contextmanager
    def killed_before_the_second_commit():
        with outside() as session:
            yield session
            if next(calls_so_far) == 2:
                raise Killed

    with pytest.raises(Killed):
        dispatch_once(killed_before_the_second_commit, sender)

    assert (states(outside), suppressed(outside)) == ([(people[0].name, MailState.SENDING)], [])
    later = datetime.now(UTC) + LEASE
    dispatch_once(outside, sender, now=lambda: later)
    assert suppressed(outside) == [people[0].email]
    assert [mail.to_name for mail in mails(outside)] == [people[0].name, people[1].name]


def test_a_new_address_makes_a_person_reachable_again(world, outside, people):
    stop(outside, people[0])
    with reading(world.engine) as session:
        contact = session.get_one(Contact, people[0].id)
        assert not contact.is_reachable

    with outside() as session:
        session.get_one(Contact, people[0].id).email = "new@example.com"

    with reading(world.engine) as session:
        assert session.get_one(Contact, people[0].id).is_reachable


def test_an_answer_writes_to_the_first_whom_mail_reaches(world, outside, people):
    first, second, _ = people
    stop(outside, first)
    case_no = world.open()
    world.walk(case_no)

    asked = {name for template, name in world.mails(case_no) if template == "item_opened"}
    assert second.name in asked
    assert first.name not in asked


def test_what_concerns_a_party_that_nobody_reaches_comes_to_the_call_list(
    world, outside, sender, mail_server, people
):
    stop(outside, *people)
    case_no = world.open()
    world.answer(case_no)
    world.answer(case_no)

    everything(outside, sender)

    [call] = calls(outside)
    with outside() as session:
        mail = session.get_one(OutboxMail, call.mail_id)
    assert (mail.template, mail.to_party, mail.to_name) == ("item_opened", CITY, people[0].name)


def test_what_concerns_a_party_without_anybody_comes_to_the_call_list(
    world, outside, sender, mail_server, people
):
    with outside() as session:
        for person in people:
            session.delete(session.get_one(Contact, person.id))
    case_no = world.open()
    world.answer(case_no)
    world.answer(case_no)

    everything(outside, sender)

    [call] = calls(outside)
    with outside() as session:
        mail = session.get_one(OutboxMail, call.mail_id)
    assert (mail.template, mail.to_party, mail.to_address) == ("item_opened", CITY, "")
    assert call.why == "该单位没有可用的联系人"


def test_who_has_left_can_no_longer_answer(world, outside):
    case_no = world.open()
    item = world.open_item(case_no)
    with outside() as session:
        people = session.exec(select(Contact).where(Contact.party_id == item.party_id)).all()
        people[0].has_left = True
        name = people[0].name

    with pytest.raises(UnknownHandlerError):
        world.answer(case_no, handler=name)
