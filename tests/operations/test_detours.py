"""Detours of a case, walked to their end: what they leave behind and what counts at last."""

from decimal import Decimal

from sqlmodel import col, select

from deployments.demonstration.answers import invoice
from models.rules.stages import CaseStatus, Stage
from models.tables.case import StageRun
from models.tables.records import (
    AcceptanceReview,
    Assessment,
    Award,
    Contract,
    Expenditure,
    Grade,
    Objection,
    Payment,
)
from tasks.answering import withdraw_case
from tasks.database import reading
from tests.builders import OTHER_PROVIDER, PROVIDER, World

_CITY = "周明"


_ENTERPRISE, _PROVIDER, _OTHER_PROVIDER = "林峰", "何平", "罗欣"


_OBJECTION = {
    "outcome": "登记异议",
    "objector": "石坚",
    "reach": "shijian@example.com",
    "content": "该企业申报人数不实",
}


_REVIEW = {
    "visited_on": "2025-01-06",
    "effect": "不符合",
    "data_connection": "基本符合",
    "return_on_input": "基本符合",
    "management": "基本符合",
}


def test_an_application_returned_twice_is_asked_in_a_third_round_and_may_still_succeed(
    world: World,
) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")

    world.say(case_no, outcome="退回补正", opinion="一")
    world.answer(case_no)
    world.answer(case_no)
    world.say(case_no, outcome="退回补正", opinion="二")

    item = world.open_item(case_no)
    assert (item.step, item.round, item.attempt, item.reason) == ("submit", 3, 3, "二")
    world.walk(case_no)
    assert world.case(case_no).status is CaseStatus.COMPLETED


def test_what_was_corrected_counts(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.say(case_no, outcome="退回补正", opinion="属地不对")

    receipt = world.answer(case_no, county="阳新县", headcount=90)

    assert receipt.next_party == "示例阳新经信局"


def test_a_withdrawal_from_outside_ends_the_case_and_tells_enterprise_and_who_was_asked(
    world: World,
) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "diagnose")
    before = world.last_mail()

    withdraw_case(case_no, "转产", world.deed("撤回"), moment=world.moment, on=world.engine)

    case = world.case(case_no)
    assert (case.status, case.closed_at) == (CaseStatus.WITHDRAWN, world.moment.at)
    assert world.mails(case_no, after=before) == [
        ("stage_finished", _ENTERPRISE),
        ("stage_finished", _PROVIDER),
    ]
    assert world.verify() == []


def test_who_withdrew_or_was_rejected_may_apply_again(world: World) -> None:
    first = world.started(Stage.APPLICATION, "county-review")
    world.say(first, outcome="不予推荐", opinion="材料不实")
    second = world.open()
    world.say(second, outcome="撤回申报", reason="再想想")

    third = world.open()

    assert [first, second, third] == ["HS-2-0001", "HS-2-0002", "HS-2-0003"]


def test_a_diagnosis_done_again_keeps_both_ratings(world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "confirm")

    world.say(case_no, outcome="要求重新诊断", opinion="未看第二车间")
    world.answer(case_no, baseline={"edition": "2022", "total_score": "45"})

    assert world.at(case_no) == (Stage.DIAGNOSIS, "confirm", 2)
    with reading(world.engine) as session:
        ratings = session.exec(select(Assessment).order_by(col(Assessment.id))).all()
    assert [(rating.score, rating.level, rating.is_baseline) for rating in ratings] == [
        ("32.5", 1, True),
        ("45", 2, True),
    ]


def test_another_provider_takes_over(world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "confirm")

    world.say(case_no, outcome="申请更换服务商", opinion="沟通不畅")
    receipt = world.say(case_no, provider=OTHER_PROVIDER)

    assert receipt.next_party == OTHER_PROVIDER
    assert world.at(case_no) == (Stage.DIAGNOSIS, "diagnose", 2)
    assert world.mails(case_no)[-2:] == [("receipt", _CITY), ("item_opened", _OTHER_PROVIDER)]


def test_the_contract_may_name_another_provider_than_the_one_that_diagnosed(world: World) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "contract")

    world.answer(case_no, provider=OTHER_PROVIDER)

    with reading(world.engine) as session:
        contract = session.exec(select(Contract)).one()
    assert contract.provider_id == world.case(case_no).provider_id
    assert world.party_name(contract.provider_id) == OTHER_PROVIDER != PROVIDER


def test_rectifying_goes_through_work_declaration_and_review_again(world: World) -> None:
    case_no = world.started(Stage.ACCEPTANCE, "review")
    world.say(case_no, outcome="限期整改", opinion="数据未贯通", **_REVIEW)
    assert world.at(case_no) == (Stage.TRANSFORMATION, "implement", 2)

    world.say(case_no, outcome="改造完成", progress=100)
    # The same invoice once more, and another beside it: both count from here on.
    world.say(
        case_no,
        lines=[
            invoice(case_no, Decimal("300000.00"), world.today),
            invoice(f"{case_no}B", Decimal("50000.00"), world.today),
        ],
    )
    assert world.at(case_no) == (Stage.ACCEPTANCE, "dossier", 2)
    world.walk(case_no, Stage.SUBSIDY, "propose")
    world.answer(case_no, amount="140000.00")
    world.walk(case_no, Stage.SUBSIDY, "pay")
    world.answer(case_no, amount="140000.00")

    with reading(world.engine) as session:
        lines = session.exec(select(Expenditure).order_by(col(Expenditure.id))).all()
        assert [(line.is_replaced, line.eligible_sum) for line in lines] == [
            (True, None),
            (False, Decimal("300000.00")),
            (False, Decimal("50000.00")),
        ]
        assert session.exec(select(Payment)).one().amount == Decimal("140000.00")
        reviews = session.exec(select(AcceptanceReview).order_by(col(AcceptanceReview.id))).all()
        assert [review.outcome for review in reviews] == ["rectify", "passed"]
        stays = session.exec(select(StageRun).order_by(col(StageRun.id))).all()
    assert [(stay.stage.value, stay.entry) for stay in stays] == [
        ("application", 1),
        ("diagnosis", 1),
        ("transformation", 1),
        ("acceptance", 1),
        ("transformation", 2),
        ("acceptance", 2),
        ("grading", 1),
        ("subsidy", 1),
    ]
    assert world.verify() == []


def test_of_an_invoice_less_than_the_least_of_its_sums_may_be_recognised(world: World) -> None:
    case_no = world.started(Stage.ACCEPTANCE, "review")

    world.answer(case_no, lines=[{"invoice_no": f"FP-{case_no}", "eligible_sum": "250000.00"}])
    world.walk(case_no, Stage.SUBSIDY, "propose")
    world.answer(case_no, amount="100000.00")

    with reading(world.engine) as session:
        assert session.exec(select(Award)).one().ceiling == Decimal("100000.00")


def test_progress_is_kept_month_by_month_even_in_the_same_words(world: World) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "implement")
    item_id = world.item_id(case_no)
    report = {"outcome": "上报进度", "progress": 40, "note": "按计划进行"}

    first = world.give(item_id, report)
    world.go_to(world.today.replace(month=world.today.month + 1))
    second = world.give(item_id, report)

    assert first.number != second.number
    assert second.answered_at == world.moment.at
    assert second.next_item_id == item_id
    world.walk(case_no, Stage.TRANSFORMATION, "declare")


def test_a_second_rating_after_doubts_is_the_one_that_counts(world: World) -> None:
    case_no = world.started(Stage.GRADING, "confirm-level", level=3)
    world.say(case_no, outcome="要求重新评定", reason="场景 3 依据不足")

    world.walk(case_no, Stage.SUBSIDY, "propose", level=2)

    with reading(world.engine) as session:
        grade = session.exec(select(Grade)).one()
        ratings = session.exec(
            select(Assessment.level).where(~col(Assessment.is_baseline)).order_by("id")
        ).all()
    assert (grade.level, list(ratings), grade.override_reason) == (2, [3, 2], "")


def test_a_level_is_overridden_with_its_reason(world: World) -> None:
    case_no = world.started(Stage.GRADING, "confirm-level", level=2)

    world.say(case_no, outcome="确认等级", level="1", reason="关键场景未达标")

    with reading(world.engine) as session:
        grade = session.exec(select(Grade)).one()
    assert (grade.level, grade.override_reason) == (1, "关键场景未达标")


def test_an_objection_upheld_sends_an_application_back_to_the_city(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    world.say(case_no, **_OBJECTION)
    before = world.last_mail()

    world.say(case_no, outcome="异议成立", decision="人数确实不符")

    item = world.open_item(case_no)
    assert (item.step, item.round, item.reason) == ("city-review", 2, "人数确实不符")
    assert world.mails(case_no, after=before) == [("receipt", _CITY), ("returned", _CITY)]
    with reading(world.engine) as session:
        objection = session.exec(select(Objection)).one()
    assert (objection.is_upheld, objection.decision) == (True, "人数确实不符")
    world.walk(case_no)
    assert world.case(case_no).status is CaseStatus.COMPLETED


def test_an_objection_upheld_voids_the_award_and_a_new_one_is_proposed(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "public-notice")
    world.say(case_no, **_OBJECTION)

    world.say(case_no, outcome="异议成立", decision="一张发票不实")
    assert world.at(case_no) == (Stage.SUBSIDY, "propose", 2)
    world.answer(case_no, rate_percent="30", amount="90000.00")
    world.walk(case_no, Stage.SUBSIDY, "pay")
    world.answer(case_no, amount="90000.00")

    with reading(world.engine) as session:
        awards = session.exec(select(Award).order_by(col(Award.id))).all()
        payment = session.exec(select(Payment)).one()
    assert [(award.amount, award.is_void) for award in awards] == [
        (Decimal("120000.00"), True),
        (Decimal("90000.00"), False),
    ]
    assert (payment.award_id, payment.amount) == (awards[1].id, Decimal("90000.00"))


def test_an_objection_dismissed_leaves_the_notice_running(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "public-notice")
    item_id = world.item_id(case_no)
    world.say(case_no, **_OBJECTION)

    world.say(case_no, outcome="异议不成立", decision="经核实无误")

    assert world.item_id(case_no) == item_id
    world.walk(case_no)
    assert world.case(case_no).status is CaseStatus.COMPLETED


def test_a_second_objection_is_dismissed_in_the_words_of_the_first(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    dismissed = {"outcome": "异议不成立", "decision": "经核实无误"}
    world.say(case_no, **_OBJECTION)
    first = world.say(case_no, **dismissed)
    world.say(case_no, **{**_OBJECTION, "content": "另一件事"})

    second = world.say(case_no, **dismissed)

    assert first.number != second.number
    with reading(world.engine) as session:
        assert session.exec(select(Objection.is_upheld)).all() == [False, False]


def test_what_finance_returns_is_void_and_proposed_anew(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "finance-approve")

    world.say(case_no, outcome="退回重报", opinion="缺少付款凭证")
    world.walk(case_no)

    with reading(world.engine) as session:
        awards = session.exec(select(Award).order_by(col(Award.id))).all()
    assert [award.is_void for award in awards] == [True, False]
    assert world.case(case_no).status is CaseStatus.COMPLETED
