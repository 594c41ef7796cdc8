"""Queue mails, lease them to a dispatcher, record how each try ended.

Every `now` here is machine time (UTC), not programme time: see `models.tables.mail.machine_now`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Update, bindparam, func, insert, select, update
from sqlmodel import Session

from models.operations.new_rows import insert_new
from models.rules.mail import MOST_ATTEMPTS, Attempt, MailState, message_id, retry_delay
from models.tables.mail import WAITING, MailAttempt, OutboxMail, machine_now

#: Neither ORM identity nor refreshing is wanted here, only rows.
_MAIL = OutboxMail.metadata.tables["outbox_mail"]
_ATTEMPT = MailAttempt.metadata.tables["mail_attempt"]

#: Queues a mail unless one with its `dedup_key` is queued already.
_QUEUE = insert_new(_MAIL)

# Built once: a mail a millisecond is held up by the building of its statements.
_SENT = (
    update(_MAIL)
    .where(_MAIL.c.id == bindparam("mail"), _MAIL.c.state != MailState.SENT)
    .values(
        state=MailState.SENT,
        lease_owner=None,
        sent_at=bindparam("taken_at"),
        subject=bindparam("words"),
        body_text=bindparam("text"),
        body_html=bindparam("html"),
        last_error="",
    )
)
_RECORD = insert(_ATTEMPT).inline()
#: Both as one, which PostgreSQL can do.
_SENT_AND_RECORDED = _RECORD.values(
    mail_id=bindparam("mail"),
    at=bindparam("taken_at"),
    outcome=bindparam("how"),
    code=bindparam("said"),
    server=bindparam("by"),
    detail=bindparam("in_words"),
    is_caught=bindparam("kept_here"),
).add_cte(_SENT.cte("sent"))
_LEASE = (
    update(_MAIL)
    .where(_MAIL.c.id == bindparam("mail"))
    .values(
        state=MailState.SENDING,
        lease_owner=bindparam("owner"),
        next_try_at=bindparam("until"),
        attempts=bindparam("tries"),
        message_id=bindparam("named"),
    )
)


_MINUTE = timedelta(minutes=1)
#: Under a limit a lease is of a few mails: those of a dispatcher that died count until it is over.
_FEW = 10
#: The number by which PostgreSQL knows the lock on counting.
_COUNTING = 20240312


@dataclass(frozen=True, kw_only=True)
class NewMail:
    """A mail to be queued."""

    dedup_key: str
    template: str
    context: str
    to_party: str
    to_name: str
    to_address: str
    queued_at: datetime
    case_no: str | None = None
    item_id: int | None = None
    contact_id: int | None = None
    #: Machine time before which it is not sent; None for at once.
    not_before: datetime | None = None

    def row(self) -> dict[str, object]:
        """Return what the outbox keeps."""
        held_until = self.not_before
        kept = vars(self) | {
            "next_try_at": held_until or machine_now(),
            "held_until": held_until,
        }
        del kept["not_before"]
        return kept


@dataclass(frozen=True, kw_only=True)
class ClaimedMail:
    """A mail leased to `lease_owner` until `next_try_at`; `attempts` counts this try."""

    id: int
    dedup_key: str
    message_id: str
    template: str
    context: str
    to_name: str
    to_address: str
    attempts: int
    next_try_at: datetime
    lease_owner: str


@dataclass(frozen=True, kw_only=True)
class TakenMail:
    """A mail that the server took at `at`: what it said, and the words as proof."""

    mail: ClaimedMail
    attempt: Attempt
    subject: str
    text: str
    html: str
    at: datetime


def queue_mails(session: Session, mails: Sequence[NewMail]) -> None:
    """Queue `mails` by one statement; those whose `dedup_key` is known already are left out."""
    if not mails:
        return
    session.connection().execute(_QUEUE, [mail.row() for mail in mails])


def queue_mail(session: Session, mail: NewMail) -> None:
    """Queue one mail; does nothing when its `dedup_key` is known already."""
    queue_mails(session, [mail])


def claim(
    session: Session,
    *,
    owner: str,
    limit: int,
    now: datetime,
    lease: timedelta,
    domain: str,
    per_minute: int | None = None,
) -> list[ClaimedMail]:
    """Lease up to `limit` mails to `owner`: those due, and those whose sender died holding them.

    Several dispatchers get different mails: PostgreSQL skips the rows another one has locked,
    SQLite (which knows no row locks and compiles the clause away) has one writer at a time. Each
    mail gets its Message-ID, at the sender's `domain`, with its first lease and keeps it.

    With `per_minute` set, no more are leased than all dispatchers together may try in a minute.
    """
    if per_minute is not None:
        limit = min(limit, _FEW, _allowance(session, per_minute, now))
        if not limit:
            return []
    due = session.execute(
        select(
            _MAIL.c.id,
            _MAIL.c.dedup_key,
            _MAIL.c.message_id,
            _MAIL.c.template,
            _MAIL.c.context,
            _MAIL.c.to_name,
            _MAIL.c.to_address,
            _MAIL.c.attempts,
        )
        .where(WAITING, _MAIL.c.next_try_at <= now)
        .order_by(_MAIL.c.next_try_at, _MAIL.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    mails = [
        ClaimedMail(
            id=row.id,
            dedup_key=row.dedup_key,
            message_id=row.message_id or message_id(row.dedup_key, domain),
            template=row.template,
            context=row.context,
            to_name=row.to_name,
            to_address=row.to_address,
            # Counted before the try: a mail that kills its dispatcher each time comes to an end.
            attempts=row.attempts + 1,
            next_try_at=now + lease,
            lease_owner=owner,
        )
        for row in sorted(due, key=lambda row: row.id)
    ]
    if mails:
        session.connection().execute(
            _LEASE,
            [
                {
                    "mail": mail.id,
                    "named": mail.message_id,
                    "tries": mail.attempts,
                    "owner": owner,
                    "until": mail.next_try_at,
                }
                for mail in mails
            ],
        )
    return mails


def _allowance(session: Session, per_minute: int, now: datetime) -> int:
    """Return how many mails may be leased now.

    What was tried in the last minute counts, and what is leased to somebody who may yet try it: so
    there is no minute with more tries, wherever it begins.
    """
    if session.connection().dialect.name == "postgresql":
        # Two that count at the same moment would both find room; SQLite has one writer anyway.
        session.execute(select(func.pg_advisory_xact_lock(_COUNTING)))
    # By number, which needs no index on the time; twice as many, should two have come in askew.
    last = select(_ATTEMPT.c.at).order_by(_ATTEMPT.c.id.desc()).limit(2 * per_minute).subquery()
    tried = select(func.count()).select_from(last).where(last.c.at > now - _MINUTE)
    leased = (
        select(func.count())
        .select_from(_MAIL)
        .where(WAITING, _MAIL.c.state == MailState.SENDING, _MAIL.c.next_try_at > now)
    )
    counted = sum(int(session.execute(count).scalar_one()) for count in (tried, leased))
    return max(0, per_minute - counted)


def release(session: Session, mails: Iterable[ClaimedMail], *, now: datetime) -> None:
    """Give back `mails` that were not tried after all; the claim does not count as a try."""
    for mail in mails:
        session.execute(
            _held(mail).values(
                state=MailState.QUEUED,
                lease_owner=None,
                next_try_at=now,
                attempts=_MAIL.c.attempts - 1,
            )
        )


def mark_sent(connection: Connection, taken: TakenMail) -> None:
    """Record that the server took a mail, what it said, and the words; PostgreSQL: one statement.

    Holds even when a lease has run out meanwhile: the server's 250 is a fact.
    """
    sent = {
        "mail": taken.mail.id,
        "taken_at": taken.at,
        "words": taken.subject,
        "text": taken.text,
        "html": taken.html,
    }
    attempt = taken.attempt
    if connection.dialect.name == "postgresql":
        recorded = {
            "how": attempt.outcome,
            "said": attempt.code,
            "by": attempt.server,
            "in_words": attempt.detail,
            "kept_here": attempt.is_caught,
        }
        connection.execute(_SENT_AND_RECORDED, sent | recorded)
    else:
        connection.execute(_SENT, sent)
        _record(connection, taken.mail, attempt, taken.at)


def mark_retry(session: Session, mail: ClaimedMail, attempt: Attempt, *, now: datetime) -> bool:
    """Put `mail` back for its next try; False when that was the last one and it has failed."""
    if mail.attempts >= MOST_ATTEMPTS:
        mark_failed(session, mail, attempt, now=now)
        return False
    session.execute(
        _held(mail).values(
            state=MailState.QUEUED,
            lease_owner=None,
            next_try_at=now + retry_delay(mail.dedup_key, mail.attempts),
            last_error=attempt.reason,
        )
    )
    _record(session.connection(), mail, attempt, now)
    return True


def mark_failed(session: Session, mail: ClaimedMail, attempt: Attempt, *, now: datetime) -> bool:
    """End `mail` for good, with the reason in plain words; False when it was no longer ours."""
    ended = session.connection().execute(
        _held(mail).values(state=MailState.FAILED, lease_owner=None, last_error=attempt.reason)
    )
    _record(session.connection(), mail, attempt, now)
    return ended.rowcount > 0


def _held(mail: ClaimedMail) -> Update:
    """Return an update of `mail` that does nothing when its lease has gone to another."""
    return update(_MAIL).where(
        _MAIL.c.id == mail.id,
        _MAIL.c.state == MailState.SENDING,
        _MAIL.c.lease_owner == mail.lease_owner,
    )


def _record(connection: Connection, mail: ClaimedMail, attempt: Attempt, now: datetime) -> None:
    connection.execute(
        _RECORD,
        {
            "mail_id": mail.id,
            "at": now,
            "outcome": attempt.outcome,
            "code": attempt.code,
            "server": attempt.server,
            "detail": attempt.detail,
            "is_caught": attempt.is_caught,
        },
    )


def is_due(session: Session, *, now: datetime) -> bool:
    """Return whether a claim would find anything: a look that takes no lock."""
    due = select(_MAIL.c.id).where(WAITING, _MAIL.c.next_try_at <= now).limit(1)
    return session.execute(due).first() is not None
