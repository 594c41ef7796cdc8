"""改造: the contract, the progress, the spending invoice by invoice."""

from collections import Counter

from sqlalchemy import bindparam, select, update
from sqlmodel import col

from models.forms.transformation import ContractForm, DeclareForm, ImplementForm, ImplementOutcome
from models.operations.context import Answering, require_not_future
from models.operations.new_rows import keep
from models.operations.parties import body_named, require_can_take
from models.rules.errors import PilotError
from models.rules.stages import Role
from models.tables.records import Contract, Expenditure

_LINES = Expenditure.metadata.tables["expenditure"]
_REPLACE_LINES = (
    update(_LINES)
    .where(_LINES.c.case_no == bindparam("case"), ~_LINES.c.is_replaced)
    .values(is_replaced=True)
)
_USED_INVOICES = (
    select(col(Expenditure.invoice_no), col(Expenditure.case_no))
    .where(
        col(Expenditure.invoice_no).in_(bindparam("numbers", expanding=True)),
        ~col(Expenditure.is_replaced),
    )
    .limit(1)
)
_CASE_OF_CONTRACT = select(col(Contract.case_no)).where(
    col(Contract.provider_id) == bindparam("provider"),
    col(Contract.contract_no) == bindparam("contract_no"),
)


class ContractAmountError(PilotError):
    """A contract over nothing."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("合同金额（元）：必须大于 0")


class ContractReusedError(PilotError):
    """The same contract of the same provider is registered already."""

    def __init__(self, contract_no: str, case_no: str) -> None:
        """Name the contract and the case that has it."""
        super().__init__(f"合同编号 {contract_no} 已在案卷 {case_no} 登记，不能重复使用")


class NotFinishedError(PilotError):
    """The change is said to be complete at less than 100 %."""

    def __init__(self, progress: int) -> None:
        """Name the progress given."""
        self.progress = progress
        super().__init__(f"选择“改造完成”时完成进度应为 100%，现为 {progress}%")


class InvoiceReusedError(PilotError):
    """An invoice stands twice in one declaration, or in that of another case."""

    def __init__(self, invoice_no: str, case_no: str | None) -> None:
        """Name the invoice and, where it is another's, the case."""
        self.invoice_no = invoice_no
        where = f"已在案卷 {case_no} 申报" if case_no else "在本次申报中出现多次"
        super().__init__(f"发票号码 {invoice_no} {where}，同一发票只能申报一次")


def contract(answering: Answering, form: ContractForm) -> None:
    """Register the contract; its provider is the case's from here on."""
    session, case = answering.session, answering.case
    require_not_future("签订日期", form.signed_on, answering.today)
    if form.amount == 0:
        raise ContractAmountError
    provider = body_named(session, Role.PROVIDER, form.provider)
    require_can_take(
        session, provider, answering.enterprise, holds_already=case.provider_id == provider.id
    )
    other = (
        session.connection()
        .execute(_CASE_OF_CONTRACT, {"provider": provider.id, "contract_no": form.contract_no})
        .scalar()
    )
    if other is not None:
        raise ContractReusedError(form.contract_no, other)
    answering.give_provider(provider.id)
    keep(
        session,
        Contract(
            case_no=case.case_no,
            item_id=answering.item.id,
            provider_id=provider.id,
            contract_no=form.contract_no,
            signed_on=form.signed_on,
            amount=form.amount,
            products=form.products,
            price_detail=form.price_detail,
        ),
    )


def implement(answering: Answering, form: ImplementForm) -> None:
    """Refuse an end that is none."""
    if form.outcome is ImplementOutcome.COMPLETED and form.progress != 100:
        raise NotFinishedError(form.progress)


def declare(answering: Answering, form: DeclareForm) -> None:
    """Register the spending; lines of an earlier declaration of this case are replaced."""
    session, case_no = answering.session, answering.case.case_no
    numbers = [line.invoice_no for line in form.lines]
    for number, count in Counter(numbers).items():
        if count > 1:
            raise InvoiceReusedError(number, None)
    for line in form.lines:
        require_not_future("开票日期", line.invoiced_on, answering.today)
        require_not_future("付款日期", line.paid_on, answering.today)
    connection = session.connection()
    connection.execute(_REPLACE_LINES, {"case": case_no})
    used = connection.execute(_USED_INVOICES, {"numbers": numbers}).first()
    if used is not None:
        raise InvoiceReusedError(*used)
    keep(
        session,
        *(
            Expenditure(
                case_no=case_no,
                item_id=answering.item.id,
                category=line.category.value,
                contract_no=line.contract_no,
                invoice_no=line.invoice_no,
                contract_sum=line.contract_sum,
                invoice_sum=line.invoice_sum,
                paid_sum=line.paid_sum,
                invoiced_on=line.invoiced_on,
                paid_on=line.paid_on,
            )
            for line in form.lines
        ),
    )
