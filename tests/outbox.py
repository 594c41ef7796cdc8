"""Mails for the outbox of a test, and what has become of them."""

from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from models.operations import outbox
from models.operations.outbox import NewMail
from models.tables.mail import MailAttempt, OutboxMail
from notifications.samples import OPENED

DOMAIN = "huangshi.example.com"


class Clock:
    """A machine clock that stands still until it is moved."""

    def __init__(self):
        """Begin in a minute."""
        self.at = datetime.now(UTC) + timedelta(minutes=1)

    def __call__(self):
        """Return the time."""
        return self.at

    def pass_by(self, **length):
        """Move on."""
        self.at += timedelta(**length)


def address(number):
    """Return the address of person number `number`."""
    return f"p{number}@example.com"


def a_mail(number, about=OPENED, **changes):
    """Return a mail to that person, with `changes`."""
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
    """Queue `mails`."""
    with outside() as session:
        outbox.queue_mails(session, mails)


def mails(outside):
    """Return what is in the outbox."""
    with outside() as session:
        return session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()


def states(outside):
    """Return their states."""
    return [mail.state for mail in mails(outside)]


def outcomes(outside):
    """Return how the tries ended."""
    with outside() as session:
        return session.exec(select(MailAttempt.outcome).order_by(col(MailAttempt.id))).all()


def attempts(outside):
    """Return the tries."""
    with outside() as session:
        return session.exec(select(MailAttempt).order_by(col(MailAttempt.id))).all()
