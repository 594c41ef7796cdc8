"""From the application to the recorded payment, to the fen, with every mail."""

from decimal import Decimal

import pytest
from sqlmodel import select

from models.rules.stages import CaseStatus, Channel, Stage
from models.tables.audit import AuditEntry
from models.tables.case import Answer, StageRun, WorkItem
from models.tables.records import Award, Payment
from tasks.database import reading
from tests.builders import COUNTY, ENTERPRISE, World

_CITY, _COUNTY, _FINANCE = "周明", "陈立", "郑岚"
_ENTERPRISE, _PROVIDER, _ASSESSOR = "林峰", "何平", "严正"


def test_a_case_travels_from_application_to_payment(world: World) -> None:
    case_no = world.open()

    world.walk(case_no)

    case = world.case(case_no)
    assert (case.case_no, case.stage, case.status) == (
        "HS-2-0001",
        Stage.SUBSIDY,
        CaseStatus.COMPLETED,
    )
    with reading(world.engine) as session:
        items = session.exec(select(WorkItem).order_by(WorkItem.id)).all()  # type: ignore[arg-type]
        assert [(item.stage.value, item.step, item.outcome) for item in items] == [
            ("application", "submit", "submitted"),
            ("application", "county-review", "recommend"),
            ("application", "city-review", "select"),
            ("application", "public-notice", "passed"),
            ("diagnosis", "assign-provider", "assigned"),
            ("diagnosis", "diagnose", "reported"),
            ("diagnosis", "confirm", "accepted"),
            ("transformation", "contract", "signed"),
            ("transformation", "implement", "completed"),
            ("transformation", "declare", "declared"),
            ("acceptance", "dossier", "submitted"),
            ("acceptance", "assign-assessor", "assigned"),
            ("acceptance", "review", "passed"),
            ("grading", "assess", "assessed"),
            ("grading", "confirm-level", "confirmed"),
            ("subsidy", "propose", "proposed"),
            ("subsidy", "public-notice", "passed"),
            ("subsidy", "finance-approve", "approved"),
            ("subsidy", "pay", "paid"),
        ]
        assert {(item.round, item.attempt) for item in items} == {(1, 1)}
        assert all(item.due_on is not None and item.due_on >= item.opened_on for item in items)
        runs = session.exec(select(StageRun).order_by(StageRun.id)).all()  # type: ignore[arg-type]
        assert [(run.stage, run.entry, run.left_at is None) for run in runs] == [
            (stage, 1, False) for stage in Stage
        ]
        payment = session.exec(select(Payment)).one()
        assert (payment.amount, payment.voucher_no) == (Decimal("120000.00"), f"PZ-{case_no}")
        assert len(session.exec(select(Answer)).all()) == 19
        entries = session.exec(select(AuditEntry).order_by(AuditEntry.number)).all()  # type: ignore[arg-type]
        assert [entry.number for entry in entries] == list(range(1, case.audit_length + 1))
        assert {entry.channel for entry in entries} == {Channel.COMMAND_LINE, Channel.SYSTEM}
    assert world.verify() == []


@pytest.mark.parametrize(
    ("spend", "subsidy"),
    [
        ("300000.00", "120000.00"),
        ("500000.00", "200000.00"),
        ("800000.00", "200000.00"),
        # 133332.34 × 40 % is 53332.936: the part of a fen is dropped.
        ("133332.34", "53332.93"),
    ],
)
def test_the_subsidy_is_the_plans_to_the_fen(world: World, spend: str, subsidy: str) -> None:
    case_no = world.started(Stage.SUBSIDY, "propose", spend=spend)

    world.answer(case_no, rate_percent="40", amount=subsidy)
    world.end_notice(case_no)
    world.say(case_no, outcome="同意拨付")
    world.say(case_no, voucher_no="PZ-1", paid_on=str(world.today), amount=subsidy)

    with reading(world.engine) as session:
        award = session.exec(select(Award)).one()
        payment = session.exec(select(Payment)).one()
    assert (award.amount, award.ceiling, payment.amount) == (Decimal(subsidy),) * 3
    assert award.eligible_spend == Decimal(spend)
    assert (award.proposed_by, award.approved_by) == (_CITY, _FINANCE)


def test_a_lower_rate_than_the_ceiling_is_an_input(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "propose")

    world.answer(case_no, rate_percent="33.33", amount="99990.00")
    world.walk(case_no, Stage.SUBSIDY, "pay")
    world.answer(case_no, amount="99990.00")

    with reading(world.engine) as session:
        assert session.exec(select(Payment.amount)).one() == Decimal("99990.00")


def test_below_level_two_there_is_no_subsidy(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "propose", level=1)

    receipt = world.say(case_no, outcome="不予补助", basis="等级为一级，未达到二级")

    assert receipt.case_status is CaseStatus.NO_SUBSIDY
    with reading(world.engine) as session:
        assert session.exec(select(Award)).all() == []


def test_each_answer_gives_a_receipt_that_says_what_comes_next(world: World) -> None:
    case_no = world.open()

    receipt = world.answer(case_no)

    assert (receipt.number, receipt.case_no) == (f"{case_no}-0002", case_no)
    assert (receipt.enterprise, receipt.party, receipt.handler) == (
        ENTERPRISE,
        ENTERPRISE,
        _ENTERPRISE,
    )
    assert (receipt.step_label, receipt.outcome_label) == ("提交申报", "提交申报")
    assert (receipt.next_step_label, receipt.next_party) == ("县市区初审", COUNTY)
    assert receipt.next_item_id == world.item_id(case_no)
    assert receipt.next_due_on == world.open_item(case_no).due_on
    assert type(receipt).from_json(receipt.to_json()) == receipt


def test_every_mail_of_the_whole_way_is_queued_once_for_the_right_person(world: World) -> None:
    case_no = world.open()
    world.walk(case_no)

    opened, receipt, finished = "item_opened", "receipt", "stage_finished"
    assert sorted(world.mails(case_no)) == sorted(
        [
            # 申报
            (opened, _ENTERPRISE), (receipt, _ENTERPRISE),
            (opened, _COUNTY), (receipt, _COUNTY),
            (opened, _CITY), (receipt, _CITY),
            (finished, _ENTERPRISE),
            # 诊断
            (opened, _CITY), (receipt, _CITY),
            (opened, _PROVIDER), (receipt, _PROVIDER),
            (opened, _ENTERPRISE), (receipt, _ENTERPRISE),
            (finished, _ENTERPRISE),
            # 改造
            (opened, _ENTERPRISE), (receipt, _ENTERPRISE),
            (opened, _ENTERPRISE), (receipt, _ENTERPRISE),
            (opened, _ENTERPRISE), (receipt, _ENTERPRISE),
            (finished, _ENTERPRISE),
            # 验收
            (opened, _ENTERPRISE), (receipt, _ENTERPRISE),
            (opened, _CITY), (receipt, _CITY),
            (opened, _ASSESSOR), (receipt, _ASSESSOR),
            (finished, _ENTERPRISE),
            # 评级
            (opened, _ASSESSOR), (receipt, _ASSESSOR),
            (opened, _CITY), (receipt, _CITY),
            (finished, _ENTERPRISE),
            # 补助
            (opened, _CITY), (receipt, _CITY),
            (opened, _FINANCE), (receipt, _FINANCE),
            ("subsidy_decided", _ENTERPRISE),
            (opened, _FINANCE), (receipt, _FINANCE),
            ("paid", _ENTERPRISE),
        ]
    )  # fmt: skip
