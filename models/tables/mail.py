"""The outbox: mails queued together with the change they tell of, and each try to send them."""

from datetime import UTC, datetime

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlmodel import Field

from models.rules.mail import MailOutcome, MailState
from models.tables.base import Table, one_of
from models.tables.columns import ChoiceText, UTCDateTime

#: Mails that a dispatcher may have to take. Said the same way in the index and in the claim: SQLite
#: uses a partial index only for a query that repeats its condition word for word.
WAITING = text("state IN ('queued', 'sending')")


def machine_now() -> datetime:
    """Return the machine's time.

    Leases and retries run on it, never on programme time: a system that stands still on
    `PILOT_TODAY` would neither wait between two tries nor see a lease end.
    """
    return datetime.now(UTC)


class OutboxMail(Table, table=True):
    """One mail to one person, sent at least once; `dedup_key` makes queueing it idempotent.

    No foreign keys: a mail is proof of what was written to whom, and outlives what it tells of.
    """

    __tablename__ = "outbox_mail"
    __table_args__ = (
        one_of("state", MailState),
        CheckConstraint("attempts >= 0", name="attempts_counted"),
        CheckConstraint("(state = 'sending') = (lease_owner IS NOT NULL)", name="leased"),
        # What was sent is kept word for word.
        CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL) AND (state <> 'sent' OR"
            " (message_id IS NOT NULL AND subject IS NOT NULL AND body_text IS NOT NULL"
            " AND body_html IS NOT NULL))",
            name="sent_with_proof",
        ),
        CheckConstraint("state <> 'failed' OR last_error <> ''", name="failed_with_reason"),
        CheckConstraint("state <> 'cancelled' OR last_error <> ''", name="cancelled_with_reason"),
        # The claim reads this one index, whatever has been sent in years before.
        Index(
            "ix_outbox_mail_waiting",
            "next_try_at",
            "id",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
        # The daily figures read days of it.
        Index("ix_outbox_mail_entered_at", "entered_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    dedup_key: str = Field(unique=True)
    template: str
    #: JSON of the typed context; the words are made from it when the mail is sent.
    context: str
    case_no: str | None = Field(default=None, index=True)
    item_id: int | None = Field(default=None, index=True)
    contact_id: int | None = None
    to_party: str
    to_name: str
    to_address: str
    state: MailState = Field(
        sa_column=Column(ChoiceText(MailState), nullable=False, default=MailState.QUEUED)
    )
    message_id: str | None = Field(default=None, index=True)
    #: Programme time; `entered_at` is the machine's, to measure how long a mail waited.
    queued_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    entered_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False, default=machine_now))
    attempts: int = Field(default=0, sa_column_kwargs={"default": 0})
    #: Machine time from which a dispatcher may take the mail: its next try or, while it is being
    #: sent, the end of the lease.
    next_try_at: datetime = Field(
        sa_column=Column(UTCDateTime, nullable=False, default=machine_now)
    )
    lease_owner: str | None = None
    #: Machine time before which it was not to be sent; None for at once.
    held_until: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    #: Machine time of the server's 250.
    sent_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    subject: str | None = None
    body_text: str | None = None
    body_html: str | None = None
    #: When a delivery report said that it did not arrive after all; the 250 remains a fact.
    bounced_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    #: When the next contact, or the call list, took the place of this mail.
    passed_on_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    #: In plain Chinese, with the server's code; empty while all is well.
    last_error: str = Field(default="", sa_column_kwargs={"default": ""})


class MailAttempt(Table, table=True):
    """One try to send a mail, and what the server said. Rows are added, never changed."""

    __tablename__ = "mail_attempt"
    __table_args__ = (one_of("outcome", MailOutcome),)

    id: int | None = Field(default=None, primary_key=True)
    mail_id: int = Field(foreign_key="outbox_mail.id", index=True)
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    outcome: MailOutcome = Field(sa_column=Column(ChoiceText(MailOutcome), nullable=False))
    #: The server's three digits; None where no answer came.
    code: int | None = None
    #: host:port
    server: str
    detail: str
    #: Whether that server was this machine's mailbox: then no person has got the mail.
    is_caught: bool


class MailRetry(Table, table=True):
    """Somebody had a failed mail tried anew. Rows are added, never changed."""

    __tablename__ = "mail_retry"

    id: int | None = Field(default=None, primary_key=True)
    mail_id: int = Field(foreign_key="outbox_mail.id", index=True)
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    asked_by: str
    #: Why it had failed.
    last_error: str


class MailServerCheck(Table, table=True):
    """`pilot doctor --smtp` found a server willing; without that no mail goes out in mode live."""

    __tablename__ = "mail_server_check"

    #: Of host, port, encryption, login name and sender: other settings need a check of their own.
    fingerprint: str = Field(primary_key=True)
    #: host:port
    server: str
    checked_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    checked_by: str
