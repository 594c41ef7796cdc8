"""Have mails that failed for good tried anew, on record."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col
from sqlmodel import select as sqlmodel_select

from models.operations.mail_lists import UnknownMailNumberError
from models.rules.errors import PilotError
from models.rules.mail import MailState
from models.tables.mail import MailRetry, OutboxMail
from models.tables.reach import IN_FORCE, Suppression

_MAIL = OutboxMail.metadata.tables["outbox_mail"]
_SUPPRESSION = Suppression.metadata.tables["suppression"]
_RETRY = MailRetry.metadata.tables["mail_retry"]


class SentAlreadyError(PilotError):
    """A mail that its server took is not sent a second time."""

    def __init__(self, mail_ids: Sequence[int]) -> None:
        """Name the mails."""
        self.mail_ids = tuple(mail_ids)
        numbers = "、".join(map(str, mail_ids))
        super().__init__(f"邮件 {numbers} 已送达服务器，不能重发；需要时请另行通知收件人")


class CancelledMailError(PilotError):
    """A mail that there was no reason left to send."""

    def __init__(self, mail_ids: Sequence[int]) -> None:
        """Name the mails."""
        self.mail_ids = tuple(mail_ids)
        numbers = "、".join(map(str, mail_ids))
        super().__init__(f"邮件 {numbers} 所提醒的事项均已处理，已取消，不必重发")


class SuppressedAddressError(PilotError):
    """A mail whose address is not written to would only fail again."""

    def __init__(self, mail_ids: Sequence[int]) -> None:
        """Name the mails."""
        self.mail_ids = tuple(mail_ids)
        numbers = "、".join(map(str, mail_ids))
        super().__init__(
            f"邮件 {numbers} 的收件地址在停发名单上，重试也不会发出；"
            "确认地址可用后先运行 pilot mail suppressed lift"
        )


@dataclass(frozen=True, kw_only=True)
class Retried:
    """What became of a request: the mails that wait anew, and those that were waiting already."""

    queued: tuple[int, ...]
    waiting: tuple[int, ...]


def retry(session: Session, mail_ids: Sequence[int], *, asked_by: str, now: datetime) -> Retried:
    """Queue those of `mail_ids` that have failed, with all their tries before them again.

    Mails that wait to be sent are left as they are, so that asking twice does nothing more. Raises
    `UnknownMailNumberError`, `SentAlreadyError`, `CancelledMailError` or `SuppressedAddressError`,
    having changed nothing, where one is at fault.
    """
    wanted = sorted(set(mail_ids))
    rows = session.execute(
        select(_MAIL.c.id, _MAIL.c.state, _MAIL.c.last_error)
        .where(_MAIL.c.id.in_(wanted))
        .order_by(_MAIL.c.id)
        .with_for_update()  # of two who ask at once, the second finds them queued
    ).all()
    for missing in [each for each in wanted if each not in {row.id for row in rows}]:
        raise UnknownMailNumberError(missing)
    if sent := [row.id for row in rows if row.state is MailState.SENT]:
        raise SentAlreadyError(sent)
    if cancelled := [row.id for row in rows if row.state is MailState.CANCELLED]:
        raise CancelledMailError(cancelled)
    failed = {row.id: row.last_error for row in rows if row.state is MailState.FAILED}
    if hopeless := sorted(_suppressed(session, failed)):
        raise SuppressedAddressError(hopeless)
    if failed:
        session.execute(
            update(_MAIL)
            .where(_MAIL.c.id.in_(failed))
            .values(state=MailState.QUEUED, attempts=0, next_try_at=now, last_error="")
        )
        session.connection().execute(
            insert(_RETRY),
            [
                {"mail_id": mail_id, "at": now, "asked_by": asked_by, "last_error": last_error}
                for mail_id, last_error in failed.items()
            ],
        )
    return Retried(
        queued=tuple(failed), waiting=tuple(row.id for row in rows if row.id not in failed)
    )


def failed_mails(session: Session) -> list[int]:
    """Return the numbers of all mails that have failed and whose address is written to."""
    wanted = select(_MAIL.c.id).where(_MAIL.c.state == MailState.FAILED).order_by(_MAIL.c.id)
    failed = list(session.execute(wanted).scalars())
    hopeless = _suppressed(session)
    return [mail_id for mail_id in failed if mail_id not in hopeless]


def _suppressed(session: Session, among: Collection[int] | None = None) -> set[int]:
    """Return the failed mails, all or `among` those given, whose address is on the list."""
    wanted = (
        select(_MAIL.c.id)
        .join(_SUPPRESSION, _SUPPRESSION.c.address == func.lower(_MAIL.c.to_address))
        .where(IN_FORCE, _MAIL.c.state == MailState.FAILED)
    )
    if among is not None:
        wanted = wanted.where(_MAIL.c.id.in_(among))
    return set(session.execute(wanted).scalars())


def retries_of(session: Session, mail_id: int) -> list[MailRetry]:
    """Return who had the mail tried anew, the first first."""
    wanted = sqlmodel_select(MailRetry).where(MailRetry.mail_id == mail_id)
    return list(session.exec(wanted.order_by(col(MailRetry.id))))
