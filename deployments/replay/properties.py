"""What must hold at the end of every replay, whatever people did; each breach in words."""

from collections import Counter
from collections.abc import Iterator

from sqlmodel import Session, col, func, select

from models.operations.audit import verify
from models.operations.effects.subsidy import ceiling_of
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.mail import MailOutcome, MailState
from models.rules.stages import CaseStatus
from models.tables.case import Case, WorkItem
from models.tables.mail import MailAttempt, OutboxMail
from models.tables.reach import PhoneCall
from models.tables.records import Award, Payment
from notifications.contexts import DueMatters


def breaches(session: Session, programme: Programme) -> list[str]:
    """Return everything that does not hold; nothing where all is well."""
    return [
        *_money(session, programme),
        *_items(session),
        *(f"{fault.where}：{fault.what}" for fault in verify(session)[1]),
        *_mails(session),
        *_reminders(session),
    ]


def _money(session: Session, programme: Programme) -> Iterator[str]:
    """No case is paid twice, above its ceiling, otherwise than approved, or without its end."""
    paid = Counter[str]()
    for payment, award, case in session.exec(
        select(Payment, Award, Case)
        .join(Award, col(Award.id) == col(Payment.award_id))
        .join(Case, col(Case.case_no) == col(Payment.case_no))
        .order_by(col(Payment.id))
    ):
        paid[payment.case_no] += 1
        ceiling = ceiling_of(session, programme, payment.case_no).amount
        if payment.amount > min(ceiling, programme.subsidy.cap):
            yield f"{payment.case_no}：拨付 {payment.amount} 元，高于上限 {ceiling} 元"
        if payment.amount != award.amount or award.is_void or not award.approved_by:
            yield f"{payment.case_no}：拨付与有效的批准不符"
        if case.status is not CaseStatus.COMPLETED:
            yield f"{payment.case_no}：已拨付而案卷{case.status.label}"
    yield from (f"{case_no}：拨付 {count} 次" for case_no, count in paid.items() if count > 1)
    completed = session.exec(select(Case.case_no).where(Case.status == CaseStatus.COMPLETED))
    yield from (f"{each}：已办结而未拨付" for each in completed if not paid[each])


def _items(session: Session) -> Iterator[str]:
    """A case on its way waits for one thing, a case that has ended for none."""
    for case_no, status, waiting in session.exec(
        select(Case.case_no, Case.status, func.count(col(WorkItem.id)))
        .outerjoin(
            WorkItem,
            (col(WorkItem.case_no) == col(Case.case_no)) & col(WorkItem.closed_at).is_(None),
        )
        .group_by(col(Case.case_no), col(Case.status))
        .order_by(col(Case.case_no))
    ):
        if waiting != (status == CaseStatus.ACTIVE):
            yield f"{case_no}：{CaseStatus.read(status).label}，在办事项 {waiting} 件"


def _mails(session: Session) -> Iterator[str]:
    """Every mail was taken by a server once, or has failed with a reason and somebody to care."""
    accepted = Counter(
        session.exec(select(MailAttempt.mail_id).where(MailAttempt.outcome == MailOutcome.ACCEPTED))
    )
    called = set(session.exec(select(PhoneCall.mail_id)))
    for mail_id, state, error, passed_on_at in session.exec(
        select(
            OutboxMail.id, OutboxMail.state, OutboxMail.last_error, OutboxMail.passed_on_at
        ).order_by(col(OutboxMail.id))
    ):
        taken = accepted[mail_id or 0]
        match state:
            case MailState.SENT if taken == 1:
                continue
            case MailState.FAILED if not taken and error and (passed_on_at or mail_id in called):
                continue
            case MailState.CANCELLED if not taken:  # all that it reminds of was settled meanwhile
                continue
        yield f"邮件 {mail_id}：{MailState.read(state).label}，服务器接收 {taken} 次，无人接手"


def _reminders(session: Session) -> Iterator[str]:
    """Nobody is reminded twice on one day."""
    reminded = Counter(
        (contact_id, day_of(queued_at))
        for contact_id, queued_at in session.exec(
            select(OutboxMail.contact_id, OutboxMail.queued_at).where(
                OutboxMail.template == DueMatters.template
            )
        )
    )
    for (contact_id, day), count in sorted(reminded.items()):
        if count > 1:
            yield f"联系人 {contact_id}：{day} 收到 {count} 封催办"
