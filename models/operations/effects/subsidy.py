"""补助: within the ceiling, approved by another person, paid once and to the fen."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session, col

from models.forms.application import NoticeForm, NoticeOutcome
from models.forms.subsidy import (
    FinanceApproveForm,
    FinanceApproveOutcome,
    PayForm,
    ProposeForm,
    ProposeOutcome,
)
from models.operations.case_in_hand import columns_of
from models.operations.context import Answering, require_not_future
from models.operations.effects import notices
from models.operations.new_rows import keep
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.rules.stages import Role
from models.rules.subsidy import SubsidyDue, require_within_ceiling, subsidy_ceiling
from models.tables.party import Contact, Party
from models.tables.records import Award, Expenditure, Grade, Payment

_ELIGIBLE_AND_LEVEL = select(
    select(func.sum(Expenditure.eligible_sum))
    .where(col(Expenditure.case_no) == bindparam("case_no"), ~col(Expenditure.is_replaced))
    .scalar_subquery(),
    # The level confirmed last counts.
    select(col(Grade.level))
    .where(col(Grade.case_no) == bindparam("case_no"))
    .order_by(col(Grade.id).desc())
    .limit(1)
    .scalar_subquery(),
)


@dataclass(frozen=True)
class AwardInForce:
    """What is proposed for a case, or approved: yuan, per cent, the ceiling line by line."""

    id: int
    amount: Decimal
    rate_percent: str
    ceiling: Decimal
    explanation: str
    proposed_by: str
    approved_at: datetime | None


_AWARD = Award.metadata.tables["award"]
_AWARD_IN_FORCE = select(*columns_of(_AWARD, AwardInForce)).where(
    _AWARD.c.case_no == bindparam("case_no"), ~_AWARD.c.is_void
)
_VOID = (
    update(_AWARD)
    .where(_AWARD.c.case_no == bindparam("case"), ~_AWARD.c.is_void)
    .values(is_void=True)
)
_APPROVE = (
    update(_AWARD)
    .where(_AWARD.c.id == bindparam("award"))
    .values(approved_by=bindparam("by"), approved_at=bindparam("at"))
)
_PAYMENTS_LIKE = select(col(Payment.case_no)).where(
    (col(Payment.case_no) == bindparam("case_no"))
    | (col(Payment.voucher_no) == bindparam("voucher_no"))
)

_MAILBOXES = (
    select(col(Contact.name), col(Contact.email))
    .join(Party, col(Party.id) == col(Contact.party_id))
    .where(
        col(Party.role).in_([Role.CITY_BUREAU, Role.FINANCE_BUREAU]),
        col(Contact.name).in_(bindparam("names", expanding=True)),
    )
)


class LevelTooLowError(PilotError):
    """The level does not open the subsidy (plan 三（一）4)."""

    def __init__(self, due: SubsidyDue) -> None:
        """Explain line by line."""
        super().__init__("不能拟予补助：" + "；".join(due.explanation()))


class NothingProposedError(PilotError):
    """A subsidy of nothing."""

    def __init__(self) -> None:
        """Say what to choose instead."""
        super().__init__("补助金额（元）：必须大于 0；不予补助请选择“不予补助”")


class SamePersonError(PilotError):
    """Who proposed may not approve."""

    def __init__(self, name: str) -> None:
        """Name the person."""
        super().__init__(f"{name} 是补助建议的提出人，不能审批同一笔补助；请由其他人审批")


class PaidTwiceError(PilotError):
    """The case or the voucher has its payment already."""

    def __init__(self, what: str) -> None:
        """Name what."""
        super().__init__(f"{what}已登记过拨付，不能重复拨付")


class AmountDiffersError(PilotError):
    """The amount paid is not the amount approved."""

    def __init__(self, given: Decimal, approved: Decimal) -> None:
        """Name both."""
        super().__init__(f"拨付金额 {given:,} 元与批准金额 {approved:,} 元不一致")


class PaidBeforeApprovalError(PilotError):
    """Money that left before it was approved."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("拨付日期早于财政审批日期，请核对")


def ceiling_of(session: Session, programme: Programme, case_no: str) -> SubsidyDue:
    """Return the ceiling of a case: its recognised spending, its level, the policy."""
    found = session.connection().execute(_ELIGIBLE_AND_LEVEL, {"case_no": case_no})
    eligible, level = found.one()
    return subsidy_ceiling(eligible or Decimal(0), level, programme.subsidy)


def award_in_force(session: Session, case_no: str) -> AwardInForce:
    """Return the award that is neither returned nor objected to."""
    return AwardInForce(*session.connection().execute(_AWARD_IN_FORCE, {"case_no": case_no}).one())


def propose(answering: Answering, form: ProposeForm) -> None:
    """Keep the proposal, if rate and amount lie within the ceilings."""
    if form.outcome is ProposeOutcome.NONE:
        return
    session, case_no = answering.session, answering.case.case_no
    due = ceiling_of(session, answering.programme, case_no)
    if due.level < due.min_level:
        raise LevelTooLowError(due)
    assert form.rate_percent is not None  # noqa: S101 -- needed_for asks for both
    assert form.amount is not None  # noqa: S101
    if form.amount == 0:
        raise NothingProposedError
    require_within_ceiling(
        form.rate_percent.scaleb(-2), form.amount, due, answering.programme.subsidy
    )
    keep(
        session,
        Award(
            case_no=case_no,
            item_id=answering.item.id,
            level=due.level,
            eligible_spend=due.eligible_spend,
            rate_percent=str(form.rate_percent),
            ceiling=due.amount,
            amount=form.amount,
            explanation="\n".join(due.explanation()),
            basis=form.basis,
            proposed_by=answering.handler,
        ),
    )


def _void(session: Session, case_no: str) -> None:
    voided = session.connection().execute(_VOID, {"case": case_no})
    assert voided.rowcount == 1, "a proposal that is decided on is in force"  # noqa: S101


def notice(answering: Answering, form: NoticeForm) -> None:
    """Decide on the notice; an upheld objection voids the proposal."""
    notices.decide(answering, form)
    if form.outcome is NoticeOutcome.UPHELD:
        _void(answering.session, answering.case.case_no)


def _is_same_person(session: Session, proposer: str, approver: str) -> bool:
    """Return whether two people of the bureaus go by one name, or read one mailbox."""
    if proposer == approver:
        return True
    mailboxes: dict[str, set[str]] = {proposer: set(), approver: set()}
    found = session.connection().execute(_MAILBOXES, {"names": list(mailboxes)})
    for name, email in found:
        mailboxes[name].add(email.casefold())
    return not mailboxes[proposer].isdisjoint(mailboxes[approver])


def finance_approve(answering: Answering, form: FinanceApproveForm) -> None:
    """Approve by another person than the proposer, or return and void the proposal."""
    session, case_no = answering.session, answering.case.case_no
    if form.outcome is FinanceApproveOutcome.RETURNED:
        _void(session, case_no)
        return
    award = award_in_force(session, case_no)
    if _is_same_person(session, award.proposed_by, answering.handler):
        raise SamePersonError(answering.handler)
    approved = {"award": award.id, "by": answering.handler, "at": answering.at}
    session.connection().execute(_APPROVE, approved)


def pay(answering: Answering, form: PayForm) -> None:
    """Record the payment: once per case, once per voucher, the approved amount."""
    session, case_no = answering.session, answering.case.case_no
    require_not_future("拨付日期", form.paid_on, answering.today)
    award = award_in_force(session, case_no)
    like = {"case_no": case_no, "voucher_no": form.voucher_no}
    for paid_case in session.connection().execute(_PAYMENTS_LIKE, like).scalars():
        is_this_case = paid_case == case_no
        raise PaidTwiceError(f"案卷 {case_no} " if is_this_case else f"凭证 {form.voucher_no} ")
    if form.amount != award.amount:
        raise AmountDiffersError(form.amount, award.amount)
    assert award.approved_at is not None  # noqa: S101 -- the step before approved it
    if form.paid_on < day_of(award.approved_at):
        raise PaidBeforeApprovalError
    keep(
        session,
        Payment(
            case_no=case_no,
            award_id=award.id,
            item_id=answering.item.id,
            voucher_no=form.voucher_no,
            paid_on=form.paid_on,
            amount=form.amount,
        ),
    )
