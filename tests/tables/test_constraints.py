"""What the database itself refuses, whoever writes to it and however."""

import re
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, StatementError
from sqlmodel import col, select

from models.rules.stages import Stage
from models.tables.records import Award
from tasks.database import reading
from tests.builders import OTHER_ENTERPRISE, World

_COPY = {
    # table -> its columns but the key, to write a second row like the first
    "work_item": "case_no, stage, round, step, attempt, party_id, opened_at, opened_on, due_on,"
    " reason, closed_at, outcome",
    "payment": "case_no, award_id, item_id, voucher_no, paid_on, amount",
    "award": "case_no, item_id, level, eligible_spend, rate_percent, ceiling, amount, explanation,"
    " basis, proposed_by, approved_by, approved_at, is_void",
    "stage_run": "case_no, stage, entry, generation, flow_run_id, asked_item_id, asked_count,"
    " woken_count, left_at, finished_at",
    "expenditure": "case_no, item_id, category, contract_no, invoice_no, contract_sum,"
    " invoice_sum, paid_sum, invoiced_on, paid_on, eligible_sum, is_replaced",
    "answer": "item_id, idempotency_key, outcome, form, handler, identity, channel, at,"
    " is_accepted, refusal, receipt",
    "audit_entry": "case_no, number, at, party, actor, identity, channel, action, before, after,"
    " clause, previous_hash, hash",
    "contact": "party_id, name, email, phone, is_primary",
}


def _copied(table: str, where: str, **changes: str) -> str:
    columns = _COPY[table].split(", ")
    values = [changes.get(column, column) for column in columns]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"SELECT {', '.join(values)} FROM {table} WHERE {where}"
    )


@pytest.fixture
def paid(world: World) -> World:
    """One case that has been paid, and a second one that stands at its review."""
    world.walk(world.open())
    world.started(Stage.ACCEPTANCE, "review", enterprise=OTHER_ENTERPRISE)
    return world


_FIRST, _SECOND = "case_no = 'HS-2-0001'", "case_no = 'HS-2-0002'"
_OPEN = f"{_SECOND} AND closed_at IS NULL"

_FORBIDDEN = {
    "a second open item of a case": (
        _copied("work_item", _OPEN, attempt="99"),
        "uq_work_item_open|work_item.case_no",
    ),
    "a closed item without an outcome": (
        f"UPDATE work_item SET closed_at = opened_at WHERE {_OPEN}",
        "closed_with_outcome",
    ),
    "a second payment of a case": (
        _copied("payment", _FIRST, voucher_no="'PZ-x'", item_id="1"),
        "uq_payment_(case_no|award_id)|payment.(case_no|award_id)",
    ),
    "a second payment by one voucher": (
        _copied("payment", _FIRST, case_no="'HS-2-0002'", award_id="award_id", item_id="1"),
        "uq_payment_(voucher_no|award_id)|payment.(voucher_no|award_id)",
    ),
    "a payment of nothing": ("UPDATE payment SET amount = 0", "ck_payment_amount"),
    "a second award in force": (
        _copied("award", _FIRST, item_id="1", approved_by="''"),
        "uq_award_in_force|award.case_no",
    ),
    "an award a fen above its ceiling": (
        "UPDATE award SET amount = ceiling + 1",
        "within_ceiling",
    ),
    "an award approved by who proposed it": (
        "UPDATE award SET approved_by = proposed_by",
        "two_persons",
    ),
    "an approved award taken back": ("UPDATE award SET is_void = TRUE", "approved_stays"),
    "an unknown stage": ("UPDATE case_file SET stage = 'holiday'", "stage_known"),
    "an unknown status": (
        f"UPDATE case_file SET status = 'lost' WHERE {_FIRST}",
        "status_known",
    ),
    "an unknown channel": ("UPDATE answer SET channel = 'rumour'", "channel_known"),
    "an unknown role": ("UPDATE party SET role = 'mayor'", "role_known"),
    "an active case that has ended": (
        f"UPDATE case_file SET status = 'active' WHERE {_FIRST}",
        "closed_when_ended",
    ),
    "an assessor that is the provider": (
        "UPDATE case_file SET assessor_id = provider_id",
        "ck_case_file_assessor",
    ),
    "a second case of an enterprise": (
        "UPDATE case_file SET enterprise_id = (SELECT enterprise_id FROM case_file"
        f" WHERE {_FIRST})",
        "uq_case_file_enterprise|case_file.enterprise_id",
    ),
    "a second stay with one number": (
        _copied("stage_run", f"{_FIRST} AND stage = 'subsidy'"),
        "uq_stage_run|stage_run",
    ),
    "an invoice that serves two cases": (
        _copied("expenditure", _FIRST, case_no="'HS-2-0002'"),
        "uq_expenditure_invoice|expenditure.invoice_no",
    ),
    "more recognised than was paid": (
        "UPDATE expenditure SET eligible_sum = paid_sum + 1",
        "eligible_sum",
    ),
    "an answer under a key used before": (
        _copied("answer", "item_id = 1"),
        "uq_answer|answer.idempotency_key",
    ),
    "a refused answer without a reason": (
        "UPDATE answer SET is_accepted = FALSE",
        "refused_with_reason",
    ),
    "an entry of the trail with a number used before": (
        _copied("audit_entry", f"{_FIRST} AND number = 1"),
        "uq_audit_entry|audit_entry",
    ),
    "an item of a case that does not exist": (
        _copied("work_item", _OPEN, case_no="'HS-9-9999'"),
        "fk_work_item|FOREIGN KEY",
    ),
    "a case deleted under its items": (f"DELETE FROM case_file WHERE {_FIRST}", "FOREIGN KEY|fk_"),
    "a level that does not exist": ("UPDATE grade SET level = 5", "ck_grade_level"),
    "an enterprise without a credit code": (
        "UPDATE party SET credit_code = '' WHERE role = 'enterprise'",
        "enterprise_has_code",
    ),
    "two parties of a role with one credit code": (
        "UPDATE party SET credit_code = '91420281MA0ENT0017' WHERE role = 'enterprise'",
        "uq_party_role_credit_code|party.credit_code",
    ),
    "a second primary contact": (
        _copied("contact", "id = 1", name="'又一人'"),
        "uq_contact_primary|contact.party_id",
    ),
    "a contact without a mailbox": ("UPDATE contact SET email = 'nobody'", "ck_contact_email"),
    "a notice that ends before it begins": (
        "UPDATE public_notice SET ends_on = '2000-01-01'",
        "ck_public_notice_window",
    ),
    "a contract over nothing": ("UPDATE contract SET amount = 0", "ck_contract_amount"),
}


def test_the_database_refuses(paid: World) -> None:
    before = paid.dump()

    for what, (statement, name) in _FORBIDDEN.items():
        with pytest.raises(DBAPIError) as refused, paid.engine.begin() as connection:
            connection.execute(text(statement))
        assert re.search(name, str(refused.value.orig)), (what, refused.value.orig)

    assert paid.dump() == before


def test_a_sum_with_parts_of_a_fen_never_reaches_the_database(paid: World) -> None:
    with reading(paid.engine) as session:
        award = session.exec(select(Award).where(col(Award.case_no) == "HS-2-0001")).one()
        award.amount = Decimal("0.001")
        with pytest.raises(StatementError, match=r"0\.001 yuan is not a whole number of fen"):
            session.flush()
