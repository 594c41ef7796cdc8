"""What would take public money twice, too much or by one hand: refused, and no row changes."""

from decimal import Decimal

import pytest
from sqlmodel import select

from deployments.demonstration.answers import ASSESSOR, invoice
from models.operations.answering import (
    ItemClosedError,
)
from models.operations.cases import (
    CaseEndedError,
)
from models.rules.errors import PilotError
from models.rules.stages import Role, Stage
from models.tables.party import Contact, Party
from tasks.answering import withdraw_case
from tasks.database import transaction
from tests.builders import (
    ENTERPRISE,
    FIRST_DAY,
    OTHER_ENTERPRISE,
    OTHER_PROVIDER,
    PROVIDER,
    World,
)


def _line(**changes: object) -> dict[str, object]:
    return {**invoice("1", Decimal("1000.00"), FIRST_DAY), **changes}


def test_a_provider_that_is_full_takes_no_more_and_a_place_becomes_free_again(
    world: World,
) -> None:
    first = world.started(Stage.DIAGNOSIS, "assign-provider")
    second = world.started(Stage.DIAGNOSIS, "assign-provider", enterprise=OTHER_ENTERPRISE)
    with transaction(world.engine) as session:
        provider = session.exec(select(Party).where(Party.name == PROVIDER)).one()
        provider.capacity = 1
    world.answer(first)
    before = world.dump()

    with pytest.raises(PilotError, match=f"服务商“{PROVIDER}”在办企业已达 1 家上限"):
        world.answer(second)
    assert world.dump() == before

    world.walk(first, Stage.TRANSFORMATION, "contract")
    world.answer(first)  # holds its place already
    withdraw_case(first, "转产", world.deed(), moment=world.moment, on=world.engine)
    world.answer(second)


def test_the_contract_cannot_go_to_a_provider_that_is_full(world: World) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "contract")
    with transaction(world.engine) as session:
        session.exec(select(Party).where(Party.name == OTHER_PROVIDER)).one().capacity = 0
    before = world.dump()

    with pytest.raises(PilotError, match="在办企业已达 0 家上限"):
        world.answer(case_no, provider=OTHER_PROVIDER)

    assert world.dump() == before


def test_nobody_is_paid_for_serving_himself(world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "assign-provider")
    with transaction(world.engine) as session:
        enterprise = session.exec(select(Party).where(Party.name == ENTERPRISE)).one()
        provider = session.exec(select(Party).where(Party.name == PROVIDER)).one()
        provider.credit_code = enterprise.credit_code
    before = world.dump()

    with pytest.raises(PilotError, match=f"“{PROVIDER}”与企业为同一单位"):
        world.answer(case_no)

    assert world.dump() == before


def test_who_asked_for_another_provider_is_not_given_the_same(world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "confirm")
    world.say(case_no, outcome="申请更换服务商", opinion="沟通不畅")
    before = world.dump()

    with pytest.raises(PilotError, match=f"企业已申请更换服务商，不能仍指派“{PROVIDER}”"):
        world.say(case_no, provider=PROVIDER)

    assert world.dump() == before


@pytest.mark.parametrize("judged", [(Role.ENTERPRISE, ENTERPRISE), (Role.PROVIDER, PROVIDER)])
@pytest.mark.parametrize("tie", ["credit code", "contact"])
def test_an_assessor_bound_to_those_it_judges_is_refused(
    world: World, judged: tuple[Role, str], tie: str
) -> None:
    case_no = world.started(Stage.ACCEPTANCE, "assign-assessor")
    role, name = judged
    with transaction(world.engine) as session:
        party = session.exec(select(Party).where(Party.role == role, Party.name == name)).one()
        assessor = session.exec(select(Party).where(Party.name == ASSESSOR)).one()
        if tie == "credit code":
            assessor.credit_code = party.credit_code
        else:
            mine = session.exec(select(Contact).where(Contact.party_id == assessor.id)).one()
            theirs = session.exec(select(Contact).where(Contact.party_id == party.id)).one()
            mine.email = theirs.email.upper()
    before = world.dump()

    with pytest.raises(PilotError, match=f"“{ASSESSOR}”与“{name}”.*存在利害关系"):
        world.answer(case_no)

    assert world.dump() == before


def test_an_invoice_of_one_case_serves_no_other(world: World) -> None:
    first = world.started(Stage.TRANSFORMATION, "declare")
    world.answer(first, lines=[_line()])
    second = world.started(Stage.TRANSFORMATION, "declare", enterprise=OTHER_ENTERPRISE)
    before = world.dump()

    with pytest.raises(PilotError, match=f"发票号码 FP-1 已在案卷 {first} 申报"):
        world.answer(second, lines=[_line(invoice_no="fp-1 ")])

    assert world.dump() == before


def test_a_contract_of_one_case_serves_no_other(world: World) -> None:
    first = world.started(Stage.TRANSFORMATION, "contract")
    world.answer(first)
    second = world.started(Stage.TRANSFORMATION, "contract", enterprise=OTHER_ENTERPRISE)
    before = world.dump()

    with pytest.raises(PilotError, match=f"合同编号 HT-{first} 已在案卷 {first} 登记"):
        world.answer(second, contract_no=f"ht-{first}")

    assert world.dump() == before


def test_below_level_two_nothing_can_be_proposed(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "propose", level=1)
    before = world.dump()

    with pytest.raises(PilotError, match=r"不能拟予补助：.*一级，未达到二级，不予补助"):
        world.answer(case_no, amount="0.01")

    assert world.dump() == before


@pytest.mark.parametrize("same", ["name", "mailbox"])
def test_who_proposed_cannot_approve_from_another_office(world: World, same: str) -> None:
    case_no = world.started(Stage.SUBSIDY, "finance-approve")
    with transaction(world.engine) as session:
        finance = session.exec(select(Party).where(Party.role == Role.FINANCE_BUREAU)).one()
        mayor = session.exec(select(Contact).where(Contact.name == "周明")).one()
        session.add(
            Contact(
                party_id=finance.id or 0,
                name="周明" if same == "name" else "周 明",
                email="elsewhere@example.com" if same == "name" else mayor.email.upper(),
            )
        )
    before = world.dump()

    with pytest.raises(PilotError, match="是补助建议的提出人，不能审批同一笔补助"):
        world.say(case_no, outcome="同意拨付", handler="周明" if same == "name" else "周 明")

    assert world.dump() == before
    world.say(case_no, outcome="同意拨付", handler="冯凯")


def test_a_voucher_pays_once(world: World) -> None:
    first = world.started(Stage.SUBSIDY, "pay")
    second = world.started(Stage.SUBSIDY, "pay", enterprise=OTHER_ENTERPRISE)
    world.answer(first, voucher_no="PZ-7")
    before = world.dump()

    with pytest.raises(PilotError, match="凭证 PZ-7 已登记过拨付，不能重复拨付"):
        world.answer(second, voucher_no="ｐｚ-7")

    assert world.dump() == before


def test_a_case_is_paid_once(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "pay")
    item_id, form = world.item_id(case_no), world.typical(case_no)
    world.give(item_id, form)
    before = world.dump()

    with pytest.raises(ItemClosedError, match=r"已由 郑岚 于 .*办理（已拨付）"):
        world.give(item_id, {**form, "voucher_no": "PZ-8"})
    with pytest.raises(CaseEndedError, match="已办结（补助已拨付），不能撤回"):
        withdraw_case(case_no, "后悔", world.deed(), moment=world.moment, on=world.engine)

    assert world.dump() == before
