"""Hundreds of cases as rows, put in without a single answer: for what only looks at them."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

from sqlalchemy import Engine, insert
from sqlmodel import SQLModel, col, func, select

from models.lifecycle import STEPS
from models.policy import Programme, load_programme
from models.rules.audit_chain import GENESIS
from models.rules.credit_code import check_digit
from models.rules.stages import CaseStatus, Role, Stage
from models.rules.working_days import add_working_days
from models.tables.case import Case
from models.tables.party import Party
from models.tables.programme import Batch
from tasks.database import transaction
from tests.builders import instant

#: The steps of a case that is never sent back, with the outcome that carries it on.
STRAIGHT = tuple(
    (stage, step.key, step.role, next(iter(step.outcomes)))
    for stage, steps in STEPS.items()
    for step in steps
)
_OUTCOMES = {"implement": "completed", "public-notice": "passed"}
_FEN = Decimal("0.01")


@dataclass
class _Rows:
    """What is to be inserted, by table."""

    tables: dict[str, list[dict[str, Any]]]

    def add(self, table: str, **row: Any) -> None:
        self.tables.setdefault(table, []).append(row)


def fill_with_cases(
    engine: Engine, count: int, *, seed: int = 1, starts_on: date = date(2024, 1, 8)
) -> None:
    """Put `count` cases into a filled world, somewhere on the straight way, up to the last.

    Every step takes one to nine working days; sums are odd on purpose, to the fen.
    """
    random = Random(seed)
    programme = load_programme()
    with transaction(engine) as session:
        offices = {
            party.role: party.id
            for party in session.exec(select(Party).where(col(Party.role) != Role.ENTERPRISE))
        }
        batches = {batch.number: batch.id for batch in session.exec(select(Batch))}
        next_id = {
            table: (session.exec(select(func.max(SQLModel.metadata.tables[table].c.id))).one() or 0)
            + 1
            for table in ("party", "work_item", "assessment", "award")
        }
        there = session.exec(select(func.count()).select_from(Case)).one()
        rows = _Rows({})
        for number in range(count):
            _add_case(rows, programme, random, there + number, offices, batches, next_id, starts_on)
        for table in SQLModel.metadata.sorted_tables:
            if rows.tables.get(table.name):
                session.connection().execute(insert(table), rows.tables[table.name])
        if engine.dialect.name == "postgresql":
            for table, free in next_id.items():
                session.connection().exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {free}, false)"
                )


def _add_case(
    rows: _Rows,
    programme: Programme,
    random: Random,
    number: int,
    offices: dict[Role, Any],
    batches: dict[int, Any],
    next_id: dict[str, int],
    starts_on: date,
) -> None:
    def new(table: str) -> int:
        next_id[table] += 1
        return next_id[table] - 1

    case_no, stem = f"HS-9-{number:05}", f"91420281MB{number:07}"
    enterprise = new("party")
    batch = programme.batches[number % len(programme.batches)]
    rows.add(
        "party",
        id=enterprise,
        role=Role.ENTERPRISE,
        name=f"示例企业第{number}号",
        credit_code=stem + check_digit(stem),
        county=random.choice(programme.counties).name,
        industry=random.choice(programme.industries).name,
        is_above_scale=random.random() < 0.4,
        main_business="",
        ownership="",
        address="",
        is_admitted=False,
    )
    days = [starts_on + timedelta(days=365 * (batch.number - 1) + random.randrange(20))]
    reached = random.choice([len(STRAIGHT), *range(1, len(STRAIGHT))])
    for _ in range(reached):
        days.append(add_working_days(days[-1], random.randrange(1, 10)))
    is_done = reached == len(STRAIGHT)
    stage = STRAIGHT[min(reached, len(STRAIGHT) - 1)][0]
    rows.add(
        "case_file",
        case_no=case_no,
        programme_key=programme.key,
        policy_version=programme.version,
        batch_id=batches[batch.number],
        enterprise_id=enterprise,
        stage=stage,
        status=CaseStatus.COMPLETED if is_done else CaseStatus.ACTIVE,
        opened_at=instant(days[0]),
        closed_at=instant(days[-1]) if is_done else None,
        audit_length=0,
        audit_head=GENESIS,
    )
    spend = Decimal(random.randrange(10_000_000, 90_000_000)) * _FEN
    level = random.randrange(5)
    award_id = 0
    for place, (opened_on, closed_on) in enumerate(pairwise(days)):
        at_stage, step, role, outcome = STRAIGHT[place]
        item = _add_item(
            rows, new("work_item"), case_no, place, offices.get(role, enterprise), opened_on
        )
        rows.tables["work_item"][-1].update(
            closed_at=instant(closed_on), outcome=_OUTCOMES.get(step, outcome)
        )
        match at_stage, step:
            case Stage.DIAGNOSIS, "diagnose":
                _add_assessment(rows, new("assessment"), item, case_no, True, level // 2, closed_on)
            case Stage.TRANSFORMATION, "contract":
                rows.add(
                    "contract",
                    case_no=case_no,
                    item_id=item,
                    provider_id=offices[Role.PROVIDER],
                    contract_no=f"HT-{number}",
                    signed_on=closed_on,
                    amount=spend,
                    products="",
                    price_detail="",
                )
            case Stage.TRANSFORMATION, "declare":
                for line, part in enumerate(_parts(random, spend)):
                    rows.add(
                        "expenditure",
                        case_no=case_no,
                        item_id=item,
                        category="软件",
                        contract_no=f"HT-{number}",
                        invoice_no=f"FP-{number}-{line}",
                        contract_sum=part,
                        invoice_sum=part,
                        paid_sum=part,
                        invoiced_on=closed_on,
                        paid_on=closed_on,
                        eligible_sum=part if reached > place + 3 else None,
                        is_replaced=False,
                    )
            case Stage.GRADING, "assess":
                _add_assessment(rows, new("assessment"), item, case_no, False, level, closed_on)
            case Stage.GRADING, "confirm-level":
                rows.add(
                    "grade",
                    case_no=case_no,
                    item_id=item,
                    assessment_id=next_id["assessment"] - 1,
                    level=level,
                    override_reason="",
                )
            case Stage.SUBSIDY, "propose":
                award_id = new("award")
                rows.add(
                    "award",
                    id=award_id,
                    case_no=case_no,
                    item_id=item,
                    level=level,
                    eligible_spend=spend,
                    rate_percent="40",
                    ceiling=_subsidy(spend),
                    amount=_subsidy(spend),
                    explanation="",
                    basis="",
                    proposed_by="甲",
                    approved_by="",
                    approved_at=None,
                    is_void=False,
                )
            case Stage.SUBSIDY, "finance-approve":
                rows.tables["award"][-1].update(approved_by="乙", approved_at=instant(closed_on))
            case Stage.SUBSIDY, "pay":
                rows.add(
                    "payment",
                    case_no=case_no,
                    award_id=award_id,
                    item_id=item,
                    voucher_no=f"PZ-{number}",
                    paid_on=closed_on,
                    amount=_subsidy(spend),
                )
    if not is_done:
        role = STRAIGHT[reached][2]
        party = offices.get(role, enterprise)
        _add_item(rows, new("work_item"), case_no, reached, party, days[-1])


def _add_item(
    rows: _Rows, number: int, case_no: str, place: int, party: int, opened_on: date
) -> int:
    stage, step, _, _ = STRAIGHT[place]
    rows.add(
        "work_item",
        id=number,
        case_no=case_no,
        stage=stage,
        round=1,
        step=step,
        attempt=1,
        party_id=party,
        opened_at=instant(opened_on),
        opened_on=opened_on,
        due_on=add_working_days(opened_on, 5),
        reason="",
        closed_at=None,
        outcome=None,
    )
    return number


def _add_assessment(
    rows: _Rows, number: int, item: int, case_no: str, is_baseline: bool, level: int, on: date
) -> None:
    rows.add(
        "assessment",
        id=number,
        case_no=case_no,
        item_id=item,
        is_baseline=is_baseline,
        edition="2024" if number % 3 else "2022",
        score="50",
        level=level,
        scenarios="{}",
        is_on_site=True,
        assessed_on=on,
    )


def _parts(random: Random, whole: Decimal) -> list[Decimal]:
    first = (whole * random.randrange(1, 99) / 100).quantize(_FEN)
    return [first, whole - first]


def _subsidy(spend: Decimal) -> Decimal:
    return min((spend * Decimal("0.4")).quantize(_FEN, "ROUND_DOWN"), Decimal("200000.00"))
