"""What a form can be filled in with before a person sees it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session, col, select

from models.forms.application import Scale
from models.operations.answering import UnknownItemError
from models.operations.case_facts import last_form
from models.rules.choice import Choice
from models.rules.subsidy import eligible_sum
from models.tables.case import Case, WorkItem
from models.tables.party import Party
from models.tables.records import Expenditure

#: What a person says for this one occasion, and never by having said it before.
_SAID_ANEW = frozenset(
    {
        *("handler", "outcome", "opinion", "reason", "decision", "note"),
        *("is_committed", "is_on_site", "visited_on", "assessed_on"),
    }
)
#: Steps whose whole form is a judgement, an objection or a record of this one occasion.
_JUDGED_ANEW = frozenset(
    {"county-review", "city-review", "public-notice", "assign-provider", "review", "pay"}
)


def prefill(session: Session, item_id: int) -> dict[str, object]:
    """Return what the item's form can be filled in with: facts, as people write them.

    What was said to the same step before, the enterprise's facts, the lines declared. Never what
    has to be said anew: a person's name, a decision with its reason, a commitment, the day of a
    visit. Raises `UnknownItemError`.
    """
    item = session.get(WorkItem, item_id)
    if item is None:
        raise UnknownItemError(item_id)
    known: dict[str, object] = {}
    if item.step not in _JUDGED_ANEW:
        before = last_form(session, item.case_no, item.stage, item.step)
        if before is not None:
            known = {k: v for k, v in as_written(before).items() if k not in _SAID_ANEW}
    case = session.get_one(Case, item.case_no)
    match item.step:
        case "submit":
            known |= _enterprise_facts(session.get_one(Party, case.enterprise_id))
        case "contract" if case.provider_id is not None:
            known.setdefault("provider", session.get_one(Party, case.provider_id).name)
        case "review":
            known["lines"] = _declared_lines(session, item.case_no)
    return {name: value for name, value in known.items() if value not in ("", None, [])}


def as_written(form: BaseModel) -> dict[str, Any]:
    """Return a form's values as people write them: choices by label, money and days as text."""
    return {name: _as_written(getattr(form, name)) for name in type(form).model_fields}


def _as_written(value: Any) -> Any:
    match value:
        case BaseModel():
            return as_written(value)
        case Choice():
            return value.label
        case list() | tuple():
            return [_as_written(each) for each in value]
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
    return value


def _enterprise_facts(enterprise: Party) -> dict[str, object]:
    facts: Mapping[str, object] = {
        "credit_code": enterprise.credit_code,
        "county": enterprise.county,
        "industry": enterprise.industry,
        "main_business": enterprise.main_business,
    }
    known = {name: value for name, value in facts.items() if value}
    if enterprise.headcount is not None:
        known["headcount"] = enterprise.headcount
        known["scale"] = (Scale.ABOVE if enterprise.is_above_scale else Scale.BELOW).label
    if enterprise.revenue is not None:
        known["revenue"] = format(enterprise.revenue, "f")
    return known


def _declared_lines(session: Session, case_no: str) -> list[dict[str, str]]:
    """Return the declared invoices, each with the most that can be recognised of it."""
    lines = session.exec(
        select(Expenditure)
        .where(Expenditure.case_no == case_no, ~col(Expenditure.is_replaced))
        .order_by(col(Expenditure.id))
    )
    return [
        {
            "invoice_no": line.invoice_no,
            "eligible_sum": format(
                eligible_sum(line.contract_sum, line.invoice_sum, line.paid_sum), "f"
            ),
        }
        for line in lines
    ]
