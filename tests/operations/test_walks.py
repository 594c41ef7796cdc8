"""Random walks through the lifecycle: whatever people answer, the invariants hold."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlmodel import col, func, select

from deployments.demonstration.answers import invoice
from models.lifecycle import step_of
from models.rules.money import to_fen
from models.rules.stages import CaseStatus, Stage
from models.tables.case import Answer, StageRun, WorkItem
from models.tables.records import Award, Expenditure, Payment
from tasks.database import reading
from tests.builders import OTHER_PROVIDER, PROVIDER, World, fill_world, make_world
from tests.databases import Copies
from tests.lifecycle.moves import target

#: What each outcome that is not the straight way needs to be said besides.
_WORDS = {
    "opinion": "意见",
    "reason": "理由",
    "decision": "处理意见",
    "basis": "依据",
}
_REVIEW = {
    "effect": "符合",
    "data_connection": "符合",
    "return_on_input": "符合",
    "management": "符合",
}


def _form(world: World, case_no: str, outcome: str, count: int) -> dict[str, object]:
    """Return a form that says `outcome` and is right in everything else."""
    item = world.open_item(case_no)
    step = step_of(item.stage, item.step)
    if item.step == "public-notice":
        objection = {"objector": "石坚", "reach": "电话", "content": f"第 {count} 条"}
        words: dict[str, object] = objection if outcome == "objection" else {"decision": "依据"}
        return {"outcome": outcome, **words}
    form = {**world.typical(case_no), "outcome": outcome}
    for name, words_for_it in _WORDS.items():
        if name in step.form.model_fields and not form.get(name):
            form[name] = words_for_it
    match item.step:
        case "assign-provider":
            held = world.case(case_no).provider_id
            name = world.party_name(held) if held else ""
            form["provider"] = OTHER_PROVIDER if name == PROVIDER else PROVIDER
        case "contract":
            form["contract_no"] = f"HT-{case_no}"
        case "implement" if outcome == "progress":
            form["progress"] = count % 101
        case "declare":
            # Any mixture of old and new invoices.
            form["lines"] = [
                invoice(f"{case_no}-{number}", Decimal(100_000 + count), world.today)
                for number in range(count % 3 + 1)
            ]
        case "review":
            form |= _REVIEW
        case "propose" if outcome == "proposed":
            most = min(_spend(world, case_no) * 40 / 100, Decimal(200_000))
            form["amount"] = str(to_fen(most))
        case "pay":
            with reading(world.engine) as session:
                award = session.exec(
                    select(Award).where(Award.case_no == case_no, ~col(Award.is_void))
                ).one()
            form["amount"] = str(award.amount)
    return form


def _spend(world: World, case_no: str) -> Decimal:
    with reading(world.engine) as session:
        lines = session.exec(
            select(Expenditure).where(Expenditure.case_no == case_no, ~col(Expenditure.is_replaced))
        )
        return sum((line.eligible_sum or Decimal(0) for line in lines), Decimal(0))


def _require_invariants(world: World, case_no: str) -> None:
    case = world.case(case_no)
    with reading(world.engine) as session:
        open_items = session.exec(
            select(WorkItem).where(WorkItem.case_no == case_no, col(WorkItem.closed_at).is_(None))
        ).all()
        stays = session.exec(
            select(StageRun).where(StageRun.case_no == case_no, col(StageRun.left_at).is_(None))
        ).all()
        awards = session.exec(select(Award).where(Award.case_no == case_no)).all()
        payments = session.exec(select(Payment).where(Payment.case_no == case_no)).all()
        answers = session.exec(
            select(func.count())
            .select_from(Answer)
            .join(WorkItem, col(WorkItem.id) == col(Answer.item_id))
            .where(WorkItem.case_no == case_no)
        ).one()
    is_active = case.status is CaseStatus.ACTIVE
    assert len(open_items) == len(stays) == int(is_active)
    for item, stay in zip(open_items, stays, strict=True):
        assert item.stage == stay.stage == case.stage
        step_of(item.stage, item.step)
    assert all(award.amount <= award.ceiling <= Decimal("200000.00") for award in awards)
    assert sum(not award.is_void for award in awards) <= 1
    assert len(payments) == (case.status is CaseStatus.COMPLETED)
    for payment in payments:
        award = next(award for award in awards if not award.is_void)
        assert (payment.award_id, payment.amount) == (award.id, award.amount)
        assert award.approved_by not in ("", award.proposed_by)
    # One line for the opening, one for each answer, and one for each notice published.
    assert case.audit_length >= answers + 1
    assert world.verify() == []


@pytest.fixture(scope="session")
def shared_world(copies: Copies) -> Iterator[World]:
    """One world for all walks: each takes a case of its own."""
    for engine in copies.fresh(fill_world):
        yield make_world(engine)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a failing walk is replayed by its seed; shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(choices=st.lists(st.integers(0, 23), min_size=30, max_size=30))
def test_a_random_walk_keeps_the_case_whole(shared_world: World, choices: list[int]) -> None:
    world = make_world(shared_world.engine)
    # The enterprise's project of an earlier walk must not stand in the way of this one.
    enterprise = world.register_enterprise()
    case_no = world.open(enterprise)

    for count, choice in enumerate(choices):
        if world.case(case_no).closed_at is not None:
            break
        item = world.open_item(case_no)
        place = (item.stage, item.step)
        outcomes = list(step_of(*place).outcomes)
        if item.step == "public-notice":
            # Objections and their decision in turn, or the end of the notice.
            pending = world.is_objected(case_no)
            outcomes = ["dismissed", "upheld"] if pending else ["passed", "passed", "objection"]
        # Three times in four the straight way, so that walks come far enough.
        outcome = outcomes[choice % len(outcomes)] if choice < 6 else outcomes[_straight(place)]
        if item.step == "public-notice" and outcome == "passed":
            world.end_notice(case_no)
            expected = target(place, "passed")
        else:
            form = _form(world, case_no, outcome, count)
            receipt = world.give(world.item_id(case_no), form, key=f"{case_no} {count}")
            assert receipt.outcome == outcome
            expected = target(place, outcome)
        case = world.case(case_no)
        if isinstance(expected, CaseStatus):
            assert case.status is expected
        else:
            now = world.open_item(case_no)
            assert (now.stage, now.step) == expected
    _require_invariants(world, case_no)


def _straight(place: tuple[Stage, str]) -> int:
    """Return which outcome of a step leads on; it stands first, but for work still going on."""
    return 1 if place == (Stage.TRANSFORMATION, "implement") else 0
