"""Delivery reports: what each says becomes of the mail it tells of, once."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, select

from models.operations.reach import SYSTEM_NAME, pass_on, suppress
from models.rules.bounces import DeliveryNotice, ReportAction
from models.rules.choice import Choice
from models.rules.mail import MailState
from models.tables.mail import OutboxMail
from models.tables.reach import DeliveryReport, ReportCursor

_MAIL = OutboxMail.metadata.tables["outbox_mail"]
_REPORT = DeliveryReport.metadata.tables["delivery_report"]
_CURSOR = ReportCursor.metadata.tables["report_cursor"]

_DIALECTS = {"sqlite": sqlite, "postgresql": postgresql}


class Reading(Choice):
    """What reading one message came to."""

    UNRELATED = "unrelated", "与本系统邮件无关"
    KNOWN = "known", "已处理过"
    NOTED = "noted", "已记录"
    BOUNCED = "bounced", "退信"


def take_notice(session: Session, notice: DeliveryNotice, *, now: datetime) -> Reading:
    """Record a report and draw its consequences: a mail that failed goes to the next contact.

    A report on a mail that is not ours leaves no trace; one that was read already does nothing.
    Only an address that the report calls dead goes onto the suppression list. Who forges a report
    must know the Message-ID, and reaches the addressee's own address only.
    """
    mail = session.exec(
        select(OutboxMail).where(OutboxMail.message_id == notice.message_id).limit(1)
    ).first()
    if mail is None or mail.id is None:
        return Reading.UNRELATED
    connection = session.connection()
    is_new = connection.execute(
        _DIALECTS[connection.dialect.name]
        .insert(_REPORT)
        .on_conflict_do_nothing(index_elements=["report_key"])
        .returning(_REPORT.c.id),
        {
            "report_key": notice.key,
            "mail_id": mail.id,
            "read_at": now,
            "action": notice.action,
            "status": notice.status,
            "code": notice.code,
            "detail": notice.detail,
        },
    ).first()
    if is_new is None:
        return Reading.KNOWN
    if notice.action is not ReportAction.FAILED:
        return Reading.NOTED
    if notice.is_address_dead:
        suppress(
            session,
            mail.to_address,
            reason=notice.reason,
            by=SYSTEM_NAME,
            at=now,
            code=notice.code,
            detail=notice.detail,
            mail_id=mail.id,
        )
    # We may have died after the server's 250: such a mail is sent again, and comes back again.
    came_back = connection.execute(
        update(_MAIL)
        .where(_MAIL.c.id == mail.id, _MAIL.c.state == MailState.SENT, _MAIL.c.bounced_at.is_(None))
        .values(bounced_at=now, last_error=notice.reason)
    )
    if not came_back.rowcount:
        return Reading.NOTED
    pass_on(session, mail.id, why=notice.reason, now=now)
    return Reading.BOUNCED


def position(session: Session, source: str) -> int:
    """Return how far the mailbox has been read; 0 before the first time."""
    row = session.get(ReportCursor, source)
    return 0 if row is None else row.position


def advance(session: Session, source: str, position: int) -> None:
    """Note that the mailbox has been read up to `position`; never goes back."""
    connection = session.connection()
    said = (
        _DIALECTS[connection.dialect.name].insert(_CURSOR).values(source=source, position=position)
    )
    connection.execute(
        said.on_conflict_do_update(
            index_elements=["source"],
            set_={"position": position},
            where=_CURSOR.c.position < position,
        )
    )
