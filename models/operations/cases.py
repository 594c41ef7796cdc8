"""Cases from outside the lifecycle's questions: opening one, withdrawing one."""

from datetime import datetime

from sqlmodel import Session, col, func, select

from models.lifecycle import first_step
from models.operations.audit import Deed, record
from models.operations.case_in_hand import CaseInHand, OpenedItem
from models.operations.moving import close_item, end_case, enter_stage, open_item
from models.operations.new_rows import keep
from models.operations.parties import HOLD_PARTY
from models.operations.windows import require_open_for_applications
from models.policy import Programme
from models.rules.audit_chain import GENESIS
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.rules.stages import MAY_APPLY_AGAIN, CaseStatus, Role, Stage
from models.tables.case import Case, WorkItem
from models.tables.party import Party
from models.tables.programme import Batch
from models.tables.records import Payment


class UnknownCaseError(PilotError):
    """There is no such case."""

    def __init__(self, case_no: str) -> None:
        """Name the number asked for."""
        self.case_no = case_no
        super().__init__(f"没有编号为 {case_no} 的案卷；可用 pilot case list 查看")


class UnknownBatchError(PilotError):
    """There is no such batch."""

    def __init__(self, number: int) -> None:
        """Name the number asked for."""
        super().__init__(f"没有第 {number} 批")


class ProjectExistsError(PilotError):
    """One project per enterprise."""

    def __init__(self, enterprise: str, case_no: str) -> None:
        """Name the enterprise and its case."""
        super().__init__(f"“{enterprise}”已有案卷 {case_no}，每家企业只能申报一个项目")


class CaseEndedError(PilotError):
    """A case that has ended cannot be withdrawn."""

    def __init__(self, case_no: str, status: CaseStatus) -> None:
        """Name the case and how it ended."""
        super().__init__(f"案卷 {case_no} {status.label}，不能撤回")


class ReasonMissingError(PilotError):
    """A deed that needs a reason."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("必须写明理由（--reason）")


def case_numbered(session: Session, case_no: str, *, for_update: bool = False) -> Case:
    """Return the case, or raise `UnknownCaseError`."""
    wanted = select(Case).where(Case.case_no == case_no)
    if for_update:
        wanted = wanted.with_for_update(key_share=True)
    case = session.exec(wanted).first()
    if case is None:
        raise UnknownCaseError(case_no)
    return case


def open_case(
    session: Session,
    programme: Programme,
    batch_number: int,
    enterprise: Party,
    deed: Deed,
    *,
    at: datetime,
) -> tuple[CaseInHand, OpenedItem]:
    """Open a case for `enterprise` and ask it for its application."""
    # Held so that an enterprise does not get two cases at once, one in each batch …
    session.exec(HOLD_PARTY, params={"party": enterprise.id}).one()
    batch = session.exec(
        select(Batch)
        .where(Batch.programme_key == programme.key, Batch.number == batch_number)
        # … and two enterprises at once not one number.
        .with_for_update(key_share=True)
    ).first()
    if batch is None:
        raise UnknownBatchError(batch_number)
    require_open_for_applications(programme, batch, day_of(at))
    other = session.exec(
        select(Case.case_no).where(
            Case.programme_key == programme.key,
            Case.enterprise_id == enterprise.id,
            col(Case.status).not_in(MAY_APPLY_AGAIN),
        )
    ).first()
    if other is not None:
        raise ProjectExistsError(enterprise.name, other)
    assert batch.id is not None  # noqa: S101 -- both are read from the database
    assert enterprise.id is not None  # noqa: S101
    number = session.exec(
        select(func.count()).select_from(Case).where(Case.batch_id == batch.id)
    ).one()
    row = Case(
        case_no=f"{programme.case_prefix}-{batch.number}-{number + 1:04}",
        programme_key=programme.key,
        policy_version=programme.version,
        batch_id=batch.id,
        enterprise_id=enterprise.id,
        stage=Stage.APPLICATION,
        status=CaseStatus.ACTIVE,
        opened_at=at,
        audit_head=GENESIS,
    )
    keep(session, row)
    case = CaseInHand.of(row)
    round_no = enter_stage(session, case, Stage.APPLICATION)
    step = first_step(Stage.APPLICATION)
    item = open_item(
        session,
        programme,
        case,
        enterprise,
        Stage.APPLICATION,
        step,
        round_no=round_no,
        reason="",
        at=at,
    ).item
    after = {"stage": case.stage.value, "item": item.id, "step": step.key, "batch": batch_number}
    record(session, case, deed, before={}, after=after, at=at)
    return case, item


def withdraw(
    session: Session, case_no: str, deed: Deed, reason: str, *, at: datetime
) -> CaseInHand:
    """End a case at its enterprise's wish; what it waited for is closed as withdrawn.

    A case whose subsidy has been paid cannot be withdrawn; nor one that has ended.
    """
    case = CaseInHand.of(case_numbered(session, case_no, for_update=True))
    if not reason.strip():
        raise ReasonMissingError
    if case.status is not CaseStatus.ACTIVE:
        raise CaseEndedError(case_no, case.status)
    assert session.exec(select(Payment.id).where(Payment.case_no == case_no)).first() is None  # noqa: S101 -- a paid case has ended
    item_id = session.exec(
        select(WorkItem.id).where(WorkItem.case_no == case_no, col(WorkItem.closed_at).is_(None))
    ).one()
    assert item_id is not None  # noqa: S101 -- read from the database
    close_item(session, item_id, CaseStatus.WITHDRAWN.value, at)
    before = {"stage": case.stage.value, "status": case.status.value, "item": item_id}
    end_case(session, case, CaseStatus.WITHDRAWN, at)
    after = {"stage": case.stage.value, "status": case.status.value, "reason": reason}
    record(session, case, deed, before=before, after=after, at=at)
    return case


def enterprise_by_code(session: Session, credit_code: str) -> Party | None:
    """Return the enterprise with that credit code, if it is registered."""
    return session.exec(
        select(Party).where(Party.role == Role.ENTERPRISE, Party.credit_code == credit_code)
    ).first()
