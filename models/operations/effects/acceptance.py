"""验收: a complete dossier, an assessor without an interest, what of the spending is recognised."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from decimal import Decimal

from sqlalchemy import bindparam, select, update

from models.forms.acceptance import (
    AssignAssessorForm,
    DossierForm,
    EligiblePart,
    Finding,
    ReviewForm,
    ReviewOutcome,
)
from models.operations.context import Answering, require_not_future
from models.operations.new_rows import keep
from models.operations.parties import Applicant, Body, body_named, body_numbered, people_of
from models.rules.errors import PilotError
from models.rules.stages import Role
from models.rules.subsidy import eligible_sum
from models.tables.records import AcceptanceReview, Expenditure

_LINES = Expenditure.metadata.tables["expenditure"]
_DECLARED_LINES = select(
    _LINES.c.id,
    _LINES.c.invoice_no,
    _LINES.c.contract_sum,
    _LINES.c.invoice_sum,
    _LINES.c.paid_sum,
).where(_LINES.c.case_no == bindparam("case_no"), ~_LINES.c.is_replaced)
_RECOGNISE = (
    update(_LINES).where(_LINES.c.id == bindparam("line")).values(eligible_sum=bindparam("sum"))
)


class DossierIncompleteError(PilotError):
    """Documents are missing."""

    def __init__(self, missing: Sequence[str]) -> None:
        """Name them."""
        self.missing = tuple(missing)
        super().__init__(f"验收材料不齐，缺少：{'、'.join(missing)}")


class ConflictOfInterestError(PilotError):
    """The assessor is bound to one of those whom it is to judge."""

    def __init__(self, assessor: str, other: str, why: str) -> None:
        """Name both, and the tie."""
        super().__init__(f"“{assessor}”与“{other}”{why}，存在利害关系，不能承担本案验收")


class PassedInSpiteError(PilotError):
    """A pass although an aspect was found wanting."""

    def __init__(self, aspects: Sequence[str]) -> None:
        """Name the aspects."""
        self.aspects = tuple(aspects)
        super().__init__(f"{'、'.join(aspects)}不符合，不能验收通过；请选择限期整改或验收不通过")


class UnknownInvoiceError(PilotError):
    """An invoice that was not declared."""

    def __init__(self, invoice_no: str) -> None:
        """Name it."""
        super().__init__(f"认定支出：发票号码 {invoice_no} 不在企业申报的支出明细中")


class InvoiceTwiceError(PilotError):
    """An invoice is recognised twice in one review; which of the two sums would count?"""

    def __init__(self, invoice_no: str) -> None:
        """Name it."""
        super().__init__(f"认定支出：发票号码 {invoice_no} 出现多次")


class EligibleAboveLeastError(PilotError):
    """More is recognised of an invoice than the least of its three sums."""

    def __init__(self, invoice_no: str, given: Decimal, least: Decimal) -> None:
        """Name the invoice and both sums."""
        super().__init__(
            f"认定支出：发票 {invoice_no} 认定 {given:,} 元，"
            f"高于合同额、不含税发票额、实付额三者最低 {least:,} 元"
        )


def dossier(answering: Answering, form: DossierForm) -> None:
    """Refuse a dossier that lacks a document."""
    missing = [
        field.title or name
        for name, field in DossierForm.model_fields.items()
        if field.annotation is bool and not getattr(form, name)
    ]
    if missing:
        raise DossierIncompleteError(missing)


def _tie(one: Body, other: Applicant, mailboxes: Mapping[int, Set[str]]) -> str | None:
    """Return what binds two parties, if anything does."""
    if one.credit_code and one.credit_code == other.credit_code:
        return "为同一单位"
    if mailboxes[one.id] & mailboxes[other.id]:
        return "使用同一联系人"
    return None


def assign_assessor(answering: Answering, form: AssignAssessorForm) -> None:
    """Give the case its assessor, unless it is bound to the enterprise or the provider."""
    session, case = answering.session, answering.case
    assessor = body_named(session, Role.ASSESSOR, form.assessor)
    judged = [answering.enterprise]
    if case.provider_id is not None:
        judged.append(body_numbered(session, case.provider_id))
    people = people_of(session, {party.id for party in (assessor, *judged)})
    mailboxes = {
        party_id: {contact.email.casefold() for contact in contacts}
        for party_id, contacts in people.items()
    }
    for party in judged:
        if why := _tie(assessor, party, mailboxes):
            raise ConflictOfInterestError(assessor.name, party.name, why)
    answering.give_assessor(assessor.id)


def review(answering: Answering, form: ReviewForm) -> None:
    """Keep the finding; on a pass, recognise the spending line by line."""
    session, case = answering.session, answering.case
    require_not_future("现场验收日期", form.visited_on, answering.today)
    if form.outcome is ReviewOutcome.PASSED:
        aspects = [
            field.title or name
            for name, field in ReviewForm.model_fields.items()
            if field.annotation is Finding and getattr(form, name) is Finding.POOR
        ]
        if aspects:
            raise PassedInSpiteError(aspects)
        _recognise(answering, form.lines)
    assert case.assessor_id is not None  # noqa: S101 -- the step asks the assessor
    keep(
        session,
        AcceptanceReview(
            case_no=case.case_no,
            item_id=answering.item.id,
            assessor_id=case.assessor_id,
            visited_on=form.visited_on,
            outcome=form.outcome.value,
            opinion=form.opinion,
        ),
    )


def _recognise(answering: Answering, parts: Sequence[EligiblePart]) -> None:
    given = {part.invoice_no: part.eligible_sum for part in parts}
    for invoice_no, count in Counter(part.invoice_no for part in parts).items():
        if count > 1:
            raise InvoiceTwiceError(invoice_no)
    connection = answering.session.connection()
    lines = connection.execute(_DECLARED_LINES, {"case_no": answering.case.case_no}).all()
    for unknown in given.keys() - {line.invoice_no for line in lines}:
        raise UnknownInvoiceError(unknown)
    recognised = []
    for line in lines:
        least = eligible_sum(line.contract_sum, line.invoice_sum, line.paid_sum)
        eligible = given.get(line.invoice_no, least)
        if eligible > least:
            raise EligibleAboveLeastError(line.invoice_no, eligible, least)
        recognised.append({"line": line.id, "sum": eligible})
    connection.execute(_RECOGNISE, recognised)
