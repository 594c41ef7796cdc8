"""What is known of a case, its history in words, and what a form can start from."""

from decimal import Decimal

import pytest

from deployments.demonstration.answers import invoice
from models.lifecycle import STEPS
from models.operations.answering import UnknownItemError
from models.operations.case_facts import case_facts
from models.operations.case_history import case_history
from models.operations.cases import UnknownCaseError
from models.operations.prefilling import prefill
from models.rules.stages import CaseStatus, Channel, Stage
from tasks.database import reading
from tests.builders import ENTERPRISE, World

_FACTS_OF_APPLICATION = {
    "credit_code": "91420281MA0ENT001U",
    "county": "大冶市",
    "industry": "高端装备",
    "scale": "规上",
    "headcount": 186,
    "revenue": "82000000.00",
    "main_business": "零部件加工与装配",
    "needs": "打通订单、排产、质量与设备数据",
    "planned_spend": "300000.00",
}


def prefilled(world: World, case_no: str) -> dict[str, object]:
    with reading(world.engine) as session:
        return prefill(session, world.item_id(case_no))


def test_a_new_case_is_known_by_its_enterprise_only(world: World) -> None:
    case_no = world.open()

    with reading(world.engine) as session:
        lines = case_facts(session, case_no).lines()

    assert lines == (
        ("企业", ENTERPRISE),
        ("统一社会信用代码", "91420281MA0ENT001U"),
        ("县市区", "大冶市"),
        ("行业", "高端装备"),
        ("批次", "第二批"),
        ("立案", "2025-01-06"),
    )


def test_a_paid_case_tells_its_whole_story(world: World) -> None:
    case_no = world.open()
    world.walk(case_no)

    with reading(world.engine) as session:
        facts = case_facts(session, case_no)

    assert facts.status is CaseStatus.COMPLETED
    known = dict(facts.lines())
    assert {
        title: known[title]
        for title in (
            "计划投入",
            "合同金额",
            "认定支出",
            "确认等级",
            "补助上限",
            "补助金额",
            "已拨付",
        )
    } == {
        "计划投入": "300,000.00 元",
        "合同金额": "600,000.00 元",
        "认定支出": "300,000.00 元",
        "确认等级": "二级",
        "补助上限": "120,000.00 元",
        "补助金额": "120,000.00 元",
        "已拨付": "120,000.00 元",
    }
    assert (known["提出人"], known["审批人"], known["拨付凭证号"]) == (
        "周明",
        "郑岚",
        f"PZ-{case_no}",
    )


def test_the_ceiling_is_known_before_a_subsidy_is_proposed(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "propose", spend="700000.00")

    with reading(world.engine) as session:
        facts = case_facts(session, case_no)

    assert (facts.ceiling, facts.award) == (Decimal("200000.00"), None)
    assert facts.ceiling_explanation[0] == "核定的实际投入：700,000.00 元"


def test_a_returned_proposal_is_no_award_any_more(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "finance-approve")
    world.say(case_no, outcome="退回重报", opinion="依据不足")

    with reading(world.engine) as session:
        facts = case_facts(session, case_no)

    assert (facts.award, facts.ceiling) == (None, Decimal("120000.00"))


def test_an_unknown_case_is_refused(world: World) -> None:
    with reading(world.engine) as session:
        with pytest.raises(UnknownCaseError):
            case_facts(session, "HS-9-0001")
        with pytest.raises(UnknownCaseError):
            case_history(session, "HS-9-0001")
        with pytest.raises(UnknownItemError):
            prefill(session, 999)


def test_the_history_tells_who_said_what_and_where_it_led(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.say(case_no, outcome="退回补正", opinion="缺少营业收入证明")

    with reading(world.engine) as session:
        entries = case_history(session, case_no)

    assert [(e.number, e.party, e.actor, e.action, e.then) for e in entries] == [
        (1, "示例市经信局", "周明", "立案", "申报 · 提交申报"),
        (2, ENTERPRISE, "林峰", "申报 · 提交申报：提交申报", "申报 · 县市区初审"),
        (3, "示例大冶经信局", "陈立", "申报 · 县市区初审：退回补正", "申报 · 提交申报"),
    ]
    assert entries[2].channel is Channel.COMMAND_LINE
    assert dict(entries[1].said)["计划投入（元）"] == "300000.00"
    assert dict(entries[2].said)["审核意见"] == "缺少营业收入证明"


def test_the_history_of_every_step_can_be_told(world: World) -> None:
    case_no = world.open()
    world.walk(case_no)

    with reading(world.engine) as session:
        entries = case_history(session, case_no)

    labels = [f"{stage.label} · {step.label}" for stage, steps in STEPS.items() for step in steps]
    moves = [entry.then for entry in entries if entry.then]
    assert moves == [*labels, "已办结（补助已拨付）"]
    notice, declared = entries[4], entries[11]
    assert (notice.action, notice.said) == (
        "申报 · 名单公示：开始公示",
        (("公示", "公示〔20250106〕申报2（2025-01-06 至 2025-01-13）"),),
    )
    assert dict(declared.said)["支出明细 第1项"].startswith("类别 软件，合同编号 HT-")


def test_an_application_starts_from_what_is_known_of_the_enterprise(world: World) -> None:
    case_no = world.open()

    assert prefilled(world, case_no) == {
        "credit_code": "91420281MA0ENT001U",
        "county": "大冶市",
        "industry": "高端装备",
    }


def test_a_corrected_application_starts_from_the_last_one_but_not_from_its_commitment(
    world: World,
) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.say(case_no, outcome="退回补正", opinion="缺少营业收入证明")

    assert prefilled(world, case_no) == _FACTS_OF_APPLICATION


def test_a_diagnosis_done_anew_starts_from_the_last_report(world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "diagnose")
    report = world.typical(case_no)
    world.answer(case_no)
    world.say(case_no, outcome="要求重新诊断", opinion="遗漏了质检环节")

    known = prefilled(world, case_no)

    assert known["estimate"] == report["estimate"]
    assert known["findings"] == report["findings"]
    assert known["baseline"]["edition"] == "2022年版"  # type: ignore[index]
    assert not {"handler", "outcome", "visited_on"} & known.keys()


@pytest.mark.parametrize("step", ["county-review", "city-review"])
def test_a_judgement_is_never_filled_in(world: World, step: str) -> None:
    case_no = world.started(Stage.APPLICATION, step)
    world.say(case_no, outcome="退回补正", opinion="补充材料")
    world.walk(case_no, Stage.APPLICATION, step)

    assert prefilled(world, case_no) == {}


def test_another_provider_has_to_be_named(world: World) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "confirm")
    world.say(case_no, outcome="申请更换服务商", opinion="沟通不畅")

    assert prefilled(world, case_no) == {}


def test_a_contract_starts_from_the_provider_that_diagnosed(world: World) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "contract")

    assert prefilled(world, case_no) == {"provider": "示例云帆数字科技"}


def test_progress_starts_from_the_last_word_without_its_note(world: World) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "implement")
    world.say(case_no, outcome="上报进度", progress=55, note="正在联调")

    assert prefilled(world, case_no) == {"progress": 55}


def test_a_review_starts_from_the_declared_invoices_at_the_least_of_their_sums(
    world: World,
) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "declare")
    line = invoice("1", Decimal("300000.00"), world.today)
    world.answer(case_no, lines=[{**line, "paid_sum": "250000.00"}])
    world.walk(case_no, Stage.ACCEPTANCE, "review")

    assert prefilled(world, case_no) == {
        "lines": [{"invoice_no": "FP-1", "eligible_sum": "250000.00"}]
    }


def test_what_is_filled_in_can_be_handed_in(world: World) -> None:
    """Whatever step is asked a second time, its form reads what it is filled in with."""
    case_no = world.started(Stage.ACCEPTANCE, "review")
    world.answer(case_no, outcome="限期整改", opinion="数据未贯通")
    asked = []
    while world.at(case_no)[:2] != (Stage.GRADING, "assess"):
        _, step, _ = world.at(case_no)
        world.give(world.item_id(case_no), {**world.typical(case_no), **prefilled(world, case_no)})
        asked.append(step)

    assert asked == ["implement", "declare", "dossier", "assign-assessor", "review"]
