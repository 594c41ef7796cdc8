"""Delivery reports from a folder and from a real IMAP server, and what follows; both databases."""

import shutil
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from ssl import SSLCertVerificationError

import pytest
from sqlmodel import select

from models.operations import reach
from models.rules.mail import MailState
from models.rules.stages import Role
from models.tables.mail import OutboxMail
from models.tables.party import Contact
from models.tables.reach import DeliveryReport, PhoneCall, ReportCursor
from notifications.report_sources import FolderReports, ImapReports, ReportSettings
from notifications.samples import OPENED
from notifications.settings import MailSettingError
from tasks.database import transaction
from tasks.reports import read_reports
from tests.builders import CITY, FIRST_DAY, instant
from tests.imap_server import PASSWORD, USER, deliver, imap_server, mailbox
from tests.notifications.reports import EXCHANGE, OTHERS, OURS, postfix

needs_dovecot = pytest.mark.skipif(shutil.which("dovecot") is None, reason="no dovecot-imapd here")


@pytest.fixture(scope="module")
def server():
    with imap_server() as port:
        yield port


@pytest.fixture
def imap(server):
    with mailbox(server) as box:
        box.delete(box.uids())
    return ReportSettings(
        imap_host="127.0.0.1",
        imap_port=server,
        imap_security="none",
        imap_user=USER,
        imap_password=PASSWORD,
    )


@pytest.fixture
def outside(world):
    return partial(transaction, world.engine)


@pytest.fixture
def people(world, outside):
    """The primary contact of the lead bureau, who has been written to, and the next one."""
    party = world.party(Role.CITY_BUREAU, CITY)
    with outside() as session:
        first = session.exec(
            select(Contact).where(Contact.party_id == party.id, Contact.is_primary)
        ).one()
        sent(session, first, OURS)
        return first


def sent(session, contact, message_id, number=1):
    session.add(
        OutboxMail(
            dedup_key=f"item_opened:{number}:{contact.id}",
            template=OPENED.template,
            context=OPENED.model_dump_json(),
            contact_id=contact.id,
            to_party=CITY,
            to_name=contact.name,
            to_address=contact.email,
            queued_at=instant(FIRST_DAY),
            state=MailState.SENT,
            message_id=message_id,
            sent_at=datetime.now(UTC),
            subject="主题",
            body_text="正文",
            body_html="<p>正文</p>",
        )
    )


def a_folder(tmp_path, *messages):
    for number, message in enumerate(messages):
        (tmp_path / f"{number}.eml").write_bytes(message)
    return FolderReports(tmp_path)


def mails(outside):
    with outside() as session:
        return session.exec(select(OutboxMail).order_by(OutboxMail.id)).all()


def suppressed(outside):
    with outside() as session:
        return [each.address for each in reach.suppressions(session)]


def rows(outside, table):
    with outside() as session:
        return session.exec(select(table)).all()


def read(outside, *sources):
    return {outcome.value: count for outcome, count in read_reports(outside, sources).items()}


def test_a_mail_that_came_back_goes_to_the_next_contact(outside, people, tmp_path):
    assert read(outside, a_folder(tmp_path, postfix())) == {"bounced": 1}

    back, onward = mails(outside)
    assert (back.state, back.sent_at is None) == (MailState.SENT, False)
    assert back.bounced_at is not None
    assert back.last_error == "被退回：收件地址不存在或已停用（5.1.1）"
    assert onward.state is MailState.QUEUED
    assert onward.dedup_key == f"{back.dedup_key}:next:{onward.contact_id}"
    assert onward.to_address != back.to_address
    assert suppressed(outside) == [people.email]


def test_a_full_mailbox_passes_the_mail_on_and_keeps_the_address(outside, people, tmp_path):
    full = postfix(status="5.2.2", diagnostic="smtp; 552 5.2.2 mailbox full")

    assert read(outside, a_folder(tmp_path, full)) == {"bounced": 1}

    assert (len(mails(outside)), suppressed(outside)) == (2, [])


def test_a_delay_is_only_put_on_record(outside, people, tmp_path):
    late = postfix(action="delayed", status="4.4.1", diagnostic="smtp; timed out")

    assert read(outside, a_folder(tmp_path, late)) == {"noted": 1}

    [mail] = mails(outside)
    [report] = rows(outside, DeliveryReport)
    assert (mail.bounced_at, suppressed(outside)) == (None, [])
    assert (report.mail_id, report.status, report.code) == (mail.id, "4.4.1", None)


def test_the_same_report_read_again_and_a_second_one_do_nothing_more(outside, people, tmp_path):
    read(outside, a_folder(tmp_path, postfix()))
    # As after a restart: the folder is read from its beginning.
    again = read(outside, a_folder(tmp_path, postfix(), EXCHANGE))

    assert again == {"known": 1, "noted": 1}
    assert len(mails(outside)) == 2


def test_what_is_read_once_is_not_opened_again_while_the_process_lives(outside, people, tmp_path):
    folder = a_folder(tmp_path, *OTHERS.values())

    assert read(outside, folder) == {"unrelated": len(OTHERS)}
    assert read(outside, folder) == {}


def test_strange_letters_hold_up_no_report_and_stay_as_they_were(outside, people, tmp_path):
    folder = a_folder(tmp_path, *OTHERS.values(), postfix())
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    assert read(outside, folder) == {"unrelated": len(OTHERS), "bounced": 1}

    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_maildir_is_read_in_new_and_cur_but_not_what_is_still_being_written(
    outside, people, tmp_path
):
    for part, message in (
        ("tmp", postfix()),
        ("new", EXCHANGE),
        ("cur", postfix(own="2@mail.example.com", action="delayed")),
    ):
        (tmp_path / part).mkdir()
        (tmp_path / part / "1736130600.M1.host").write_bytes(message)

    read(outside, FolderReports(tmp_path))

    assert {report.report_key for report in rows(outside, DeliveryReport)} == {
        "<8e0c@exchange.example.com>",
        "<2@mail.example.com>",
    }


def test_a_report_on_a_mail_that_is_about_to_be_sent_again_loses_nothing(outside, people, tmp_path):
    with outside() as session:
        mail = session.exec(select(OutboxMail)).one()
        mail.state, mail.sent_at = MailState.QUEUED, None

    assert read(outside, a_folder(tmp_path, postfix())) == {"noted": 1}

    # The dispatcher will find the address on the list, and pass the mail on.
    assert (suppressed(outside), len(mails(outside))) == ([people.email], 1)


def test_nobody_left_is_a_call(outside, people, tmp_path):
    with outside() as session:
        for other in session.exec(select(Contact).where(Contact.party_id == people.party_id)):
            other.has_left = not other.is_primary

    read(outside, a_folder(tmp_path, postfix()))

    [call] = rows(outside, PhoneCall)
    assert (call.mail_id, call.why) == (
        mails(outside)[0].id,
        "被退回：收件地址不存在或已停用（5.1.1）",
    )


def test_a_source_that_cannot_be_read_holds_up_no_other(outside, people, tmp_path, caplog):
    nowhere = ReportSettings(imap_host="127.0.0.1", imap_port=1, imap_security="none")
    gone = FolderReports(tmp_path / "gone")

    found = read(outside, ImapReports(nowhere), gone, a_folder(tmp_path, postfix()))

    assert found == {"bounced": 1}
    assert [record.args for record in caplog.records] == [
        ("ImapReports", "ConnectionRefusedError"),
        ("FolderReports", "FileNotFoundError"),
    ]


def test_a_database_that_is_away_for_a_moment_loses_no_report(outside, people, tmp_path):
    folder = a_folder(tmp_path, postfix())

    @contextmanager
    def away():
        with outside() as session:
            yield session
            raise ConnectionError

    assert read(away, folder) == {}
    assert read(outside, folder) == {"bounced": 1}


@needs_dovecot
def test_a_mailbox_is_read_and_left_as_it_was(outside, people, server, imap):
    others = [each for each in OTHERS.values() if each]  # no server keeps an empty message
    deliver(server, *others, postfix(), EXCHANGE)

    first = read(outside, ImapReports(imap))
    second = read(outside, ImapReports(imap))

    assert first == {"unrelated": len(others), "bounced": 1, "noted": 1}
    assert second == {}
    assert len(mails(outside)) == 2
    with mailbox(server) as box:
        found = list(box.fetch(mark_seen=False))
    assert len(found) == len(others) + 2
    assert {flag for message in found for flag in message.flags} <= {"\\Recent"}


@needs_dovecot
def test_only_what_came_in_since_is_looked_at(outside, people, server, imap):
    deliver(server, OTHERS["letter"])
    read(outside, ImapReports(imap))
    deliver(server, postfix())

    assert read(outside, ImapReports(imap)) == {"bounced": 1}
    assert read(outside, ImapReports(imap)) == {}


@needs_dovecot
def test_a_mailbox_that_numbers_anew_is_read_again_and_nothing_happens_twice(
    outside, people, server, imap
):
    deliver(server, postfix())
    read(outside, ImapReports(imap))
    with outside() as session:
        for cursor in session.exec(select(ReportCursor)):
            session.delete(cursor)

    assert read(outside, ImapReports(imap)) == {"known": 1}
    assert len(mails(outside)) == 2


@needs_dovecot
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_encrypted_mailbox_is_opened_where_its_certificate_is_trusted(
    imap, certificate, security
):
    with imap_server(certificate=certificate, is_tls_at_once=security == "tls") as port:
        encrypted = imap.model_copy(
            update={"imap_port": port, "imap_security": security, "ca_file": certificate[0]}
        )
        stranger = encrypted.model_copy(update={"ca_file": None})

        with ImapReports(encrypted) as opened:
            assert opened.cursor.startswith("imap:")
        with pytest.raises(SSLCertVerificationError), ImapReports(stranger):
            pytest.fail("a stranger's certificate was taken")


@needs_dovecot
def test_a_wrong_password_is_tried_again_later_and_not_written_down(outside, imap, caplog):
    wrong = imap.model_copy(update={"imap_password": type(imap.imap_password)("falsch")})

    assert read(outside, ImapReports(wrong)) == {}

    assert "falsch" not in caplog.text
    assert USER not in caplog.text


def test_without_settings_there_is_nothing_to_read(monkeypatch):
    for name in ("BOUNCE_DIR", "IMAP_HOST"):
        monkeypatch.delenv(f"PILOT_MAIL_{name}", raising=False)

    assert ReportSettings.read().sources() == []


def test_settings_name_what_is_wrong_and_keep_the_password(monkeypatch):
    monkeypatch.setenv("PILOT_MAIL_IMAP_PASSWORD", "geheim")
    assert "geheim" not in repr(ReportSettings.read())
    monkeypatch.setenv("PILOT_MAIL_IMAP_PORT", "99999")

    with pytest.raises(MailSettingError, match="PILOT_MAIL_IMAP_PORT 的值 '99999'"):
        ReportSettings.read()
