"""What must not be: each is refused in clear Chinese, and not one row of any table changes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlmodel import select

from deployments.demonstration.answers import ASSESSOR, invoice
from models.operations.answering import (
    Caller,
    ItemClosedError,
    KeyReusedError,
    RefusedBeforeError,
    SystemOnlyError,
    UnknownHandlerError,
    UnknownItemError,
    WrongPartyError,
    refuse,
)
from models.operations.cases import (
    CaseEndedError,
    LapsedError,
    ProjectExistsError,
    ReasonMissingError,
    UnknownBatchError,
    UnknownCaseError,
)
from models.rules.errors import PilotError
from models.rules.stages import Channel, Role, Stage
from models.rules.working_days import HolidaysUnknownError
from models.tables.party import Contact, Party
from tasks.answering import withdraw_case
from tasks.database import reading, transaction
from tests.builders import (
    CITY,
    CLI,
    COUNTY,
    ENTERPRISE,
    FIRST_DAY,
    OTHER_ENTERPRISE,
    OTHER_PROVIDER,
    PROVIDER,
    UNADMITTED,
    World,
)

_DAY = timedelta(days=1)
_TOMORROW = FIRST_DAY + _DAY


def _line(**changes: object) -> dict[str, object]:
    return {**invoice("1", Decimal("1000.00"), FIRST_DAY), **changes}


#: (stage, step) -> the typical answer with these changes, and the words of the refusal.
_WRONG: Mapping[tuple[Stage, str], list[tuple[dict[str, object], str]]] = {
    (Stage.APPLICATION, "submit"): [
        ({"outcome": ""}, "办理结果：应为下列之一：提交申报、撤回申报"),
        ({"outcome": "推荐"}, "办理结果：应为下列之一：提交申报、撤回申报"),
        ({"outcome": "撤回申报", "reason": ""}, "说明：选择“撤回申报”时必须填写"),
        ({"revenue": ""}, "上年度营业收入（元）：选择“提交申报”时必须填写"),
        ({"revenue": "一千万"}, "上年度营业收入（元）：应为数字，例如 120000.00"),
        ({"revenue": "-1"}, "上年度营业收入（元）：金额应在 0 至 9999999999.99 元之间"),
        ({"revenue": "0.001"}, "上年度营业收入（元）：金额最多两位小数（精确到分）"),
        ({"revenue": "1e99"}, "上年度营业收入（元）：金额应在 0 至 9999999999.99 元之间"),
        ({"revenue": "NaN"}, "上年度营业收入（元）：应为数字，例如 120000.00"),
        ({"revenue": "Infinity"}, "上年度营业收入（元）：应为数字，例如 120000.00"),
        ({"headcount": 0}, "从业人数：不能小于 1"),
        ({"headcount": -3}, "从业人数：不能小于 0"),
        ({"headcount": 10**9}, "从业人数：不能大于 1000000"),
        ({"headcount": "很多"}, "从业人数：应为整数"),
        (
            {"headcount": 1000, "revenue": "400000000.00"},
            "从业人数 1000 人、营业收入 400,000,000.00 元均超过中小企业划型标准（待核），不能申报",
        ),
        ({"county": "武汉市"}, "所属县市区“武汉市”不在试点范围内"),
        ({"industry": "房地产"}, "所属行业“房地产”不在试点范围内"),
        ({"is_committed": False}, "承诺：提交申报须勾选真实性承诺"),
        ({"credit_code": "91420281MA0ENT0010"}, "统一社会信用代码"),
        ({"main_business": "好\x00"}, "主营业务：不能含控制字符"),
        ({"main_business": "长" * 4001}, "主营业务：最多 4000 个字"),
        ({"handler": "林\n峰"}, "经办人：应为一行文字，不能含换行或控制字符"),
        ({"unknown": 1}, "unknown：没有这一项，请检查名称"),
    ],
    (Stage.APPLICATION, "county-review"): [
        ({"is_sme": False}, "推荐须逐项确认申报条件，尚未确认：符合中小企业划型标准"),
        ({"outcome": "退回补正", "opinion": " "}, "审核意见：选择“退回补正”时必须填写"),
        ({"outcome": "不予推荐", "opinion": ""}, "审核意见：选择“不予推荐”时必须填写"),
    ],
    (Stage.APPLICATION, "city-review"): [
        ({"outcome": "退回补正", "opinion": ""}, "审核意见：选择“退回补正”时必须填写"),
    ],
    (Stage.DIAGNOSIS, "assign-provider"): [
        ({"provider": "没有的公司"}, "没有登记名为“没有的公司”的服务商"),
        ({"provider": UNADMITTED}, f"服务商“{UNADMITTED}”不在资源池内，不能承接"),
        ({"provider": ASSESSOR}, f"没有登记名为“{ASSESSOR}”的服务商"),
    ],
    (Stage.DIAGNOSIS, "diagnose"): [
        ({"visited_on": "明天"}, "现场诊断日期：应为日期，例如 2024-03-25"),
        ({"visited_on": "2025-02-30"}, "现场诊断日期：应为日期，例如 2024-03-25"),
        ({"visited_on": "2025-12-31"}, "现场诊断日期 2025-12-31 晚于今天"),
        ({"estimate": ""}, "改造费用估算（元）：应为数字"),
        ({"baseline": {"edition": "2022"}}, "评测：2022年版须填写 0 至 100 的总分"),
        (
            {"baseline": {"edition": "2022", "total_score": "101"}},
            "评测：2022年版须填写 0 至 100 的总分",
        ),
        (
            {"baseline": {"edition": "2024", "answers": "A B"}},
            "评测：2024年版须依次填写 15 题的答案，现有 2 个",
        ),
        ({"baseline": {"edition": "1999"}}, "改造前评测 评测指标版本：应为下列之一"),
    ],
    (Stage.DIAGNOSIS, "confirm"): [
        ({"outcome": "要求重新诊断"}, "意见：选择“要求重新诊断”时必须填写"),
        ({"outcome": "申请更换服务商"}, "意见：选择“申请更换服务商”时必须填写"),
    ],
    (Stage.TRANSFORMATION, "contract"): [
        ({"amount": "0"}, "合同金额（元）：必须大于 0"),
        ({"signed_on": "2025-12-31"}, "签订日期 2025-12-31 晚于今天"),
        ({"provider": UNADMITTED}, f"服务商“{UNADMITTED}”不在资源池内，不能承接"),
    ],
    (Stage.TRANSFORMATION, "implement"): [
        ({"progress": 99}, "选择“改造完成”时完成进度应为 100%，现为 99%"),
        ({"progress": 101}, "完成进度（%）：不能大于 100"),
        ({"progress": -1}, "完成进度（%）：不能小于 0"),
    ],
    (Stage.TRANSFORMATION, "declare"): [
        ({"lines": []}, "支出明细：至少要有 1 项"),
        ({"lines": [_line(paid_sum="0")]}, "支出明细 第1项 实付金额（元）：必须大于 0"),
        ({"lines": [_line(invoiced_on="2025-12-31")]}, "开票日期 2025-12-31 晚于今天"),
        ({"lines": [_line(paid_on="2025-12-31")]}, "付款日期 2025-12-31 晚于今天"),
        ({"lines": [_line(), _line()]}, "发票号码 FP-1 在本次申报中出现多次"),
        (
            {"lines": [_line(), _line(invoice_no="ｆｐ－ 1\u200b")]},
            "发票号码 FP-1 在本次申报中出现多次",
        ),
        ({"lines": [_line(invoice_no=" ")]}, "支出明细 第1项 发票号码：不能为空"),
    ],
    (Stage.ACCEPTANCE, "dossier"): [
        (
            {"has_contract": False, "has_invoices": False},
            "验收材料不齐，缺少：合同、发票及付款凭证",
        ),
    ],
    (Stage.ACCEPTANCE, "assign-assessor"): [
        ({"assessor": PROVIDER}, f"没有登记名为“{PROVIDER}”的第三方验收机构"),
    ],
    (Stage.ACCEPTANCE, "review"): [
        ({"visited_on": "2025-12-31"}, "现场验收日期 2025-12-31 晚于今天"),
        ({"effect": "不符合"}, "企业应用成效不符合，不能验收通过"),
        (
            {"lines": [{"invoice_no": "FP-9", "eligible_sum": "1"}]},
            "认定支出：发票号码 FP-9 不在企业申报的支出明细中",
        ),
        (
            {"lines": [{"invoice_no": "FP-HS-2-0001", "eligible_sum": "300000.01"}]},
            "认定支出：发票 FP-HS-2-0001 认定 300,000.01 元，"
            "高于合同额、不含税发票额、实付额三者最低 300,000.00 元",
        ),
        (
            {
                "lines": [
                    {"invoice_no": "FP-HS-2-0001", "eligible_sum": "1"},
                    {"invoice_no": "fp-hs-2-0001", "eligible_sum": "300000"},
                ]
            },
            "认定支出：发票号码 FP-HS-2-0001 出现多次",
        ),
    ],
    (Stage.GRADING, "assess"): [
        ({"is_on_site": False}, "试点企业的数字化水平须现场评定"),
        ({"assessed_on": "2025-12-31"}, "评定日期 2025-12-31 晚于今天"),
        (
            {"assessment": {"edition": "2022", "total_score": "80"}},
            "应按最新的 2024 年版评测指标评定，不能使用 2022 年版",
        ),
    ],
    (Stage.GRADING, "confirm-level"): [
        ({"level": "5"}, "确认等级应为 0 至 4，现为“5”"),
        ({"level": "3"}, "评定结果为二级，改为三级须写明理由"),
        ({"outcome": "要求重新评定"}, "理由：选择“要求重新评定”时必须填写"),
    ],
    (Stage.SUBSIDY, "propose"): [
        ({"amount": "120000.01"}, "拟定的补助金额 120,000.01 元超过可补助上限 120,000.00 元"),
        ({"rate_percent": "40.01"}, "拟定的补助比例 40.01% 超过上限 40%"),
        # The amount must fit the rate that is proposed, not only the ceiling.
        ({"rate_percent": "30"}, "拟定的补助金额 120,000.00 元超过可补助上限 90,000.00 元"),
        ({"amount": "0"}, "补助金额（元）：必须大于 0"),
        ({"amount": "-1"}, "补助金额（元）：金额应在 0 至 9999999999.99 元之间"),
        ({"amount": ""}, "补助金额（元）：选择“拟予补助”时必须填写"),
        ({"rate_percent": ""}, "补助比例（%）：选择“拟予补助”时必须填写"),
        ({"basis": ""}, "依据：不能为空"),
    ],
    (Stage.SUBSIDY, "finance-approve"): [
        ({"outcome": "退回重报"}, "意见：选择“退回重报”时必须填写"),
    ],
    (Stage.SUBSIDY, "pay"): [
        ({"amount": "120000.01"}, "拨付金额 120,000.01 元与批准金额 120,000.00 元不一致"),
        ({"amount": "119999.99"}, "拨付金额 119,999.99 元与批准金额 120,000.00 元不一致"),
        ({"paid_on": "2025-12-31"}, "拨付日期 2025-12-31 晚于今天"),
        ({"paid_on": "2025-01-06"}, "拨付日期早于财政审批日期，请核对"),
        ({"voucher_no": ""}, "拨付凭证号：不能为空"),
    ],
}


def test_wrong_forms_are_refused_in_clear_words_and_change_nothing(world: World) -> None:
    case_no = world.open()

    for (stage, step), wrong in _WRONG.items():
        world.walk(case_no, stage, step)
        before = world.dump()
        for changes, words in wrong:
            with pytest.raises(PilotError, match=re.escape(words)):
                world.answer(case_no, **changes)
        assert world.dump() == before, step

    world.walk(case_no)


def test_an_unknown_item_is_refused(world: World) -> None:
    world.open()
    before = world.dump()

    for number in (0, -1, 2, 10**30):
        with pytest.raises(UnknownItemError, match=f"没有编号为 {number} 的待办事项"):
            world.give(number, {})

    assert world.dump() == before


def test_a_closed_item_says_who_did_what_when_and_by_which_channel(world: World) -> None:
    case_no = world.open()
    item_id = world.item_id(case_no)
    world.answer(case_no)
    before = world.dump()

    with pytest.raises(ItemClosedError) as refused:
        world.give(item_id, {"outcome": "撤回申报", "reason": "不申报了"})

    assert str(refused.value) == (
        f"事项 {item_id} 已由 林峰 于 2025-01-06 10:00 通过命令行办理（提交申报），"
        "本次提交未改变任何内容"
    )
    assert world.dump() == before


def test_an_item_closed_by_a_withdrawal_says_so_too(world: World) -> None:
    case_no = world.started(Stage.TRANSFORMATION, "implement")
    item_id = world.item_id(case_no)
    world.say(case_no, outcome="上报进度", progress=5)
    withdraw_case(case_no, "转产", world.deed("撤回"), moment=world.moment, on=world.engine)
    before = world.dump()

    with pytest.raises(ItemClosedError) as refused:
        world.give(item_id, {"outcome": "上报进度", "progress": 10})

    assert f"已由 {CITY} 周明 于 {world.today} 10:00 通过命令行办理（撤回）" in str(refused.value)
    assert world.dump() == before


def test_another_party_than_the_one_asked_is_refused(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    before = world.dump()

    for party in (ENTERPRISE, CITY, "企业", "示例阳新经信局"):
        with pytest.raises(WrongPartyError, match=f"应由“{COUNTY}”办理，不是“{party}”"):
            world.give(
                world.item_id(case_no), world.typical(case_no), caller=replace(CLI, party=party)
            )

    assert world.dump() == before
    world.give(world.item_id(case_no), world.typical(case_no), caller=replace(CLI, party=COUNTY))
    world.give(
        world.item_id(case_no), world.typical(case_no), caller=replace(CLI, party="市经信局")
    )


def test_objections_are_the_lead_bureaus_business(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "public-notice")
    item_id = world.item_id(case_no)
    objection = {"outcome": "登记异议", "objector": "石坚", "reach": "电话", "content": "不实"}

    with pytest.raises(WrongPartyError):
        world.give(item_id, objection, caller=replace(CLI, party=ENTERPRISE))
    receipt = world.give(item_id, objection, caller=replace(CLI, party=CITY))

    assert (receipt.party, receipt.handler) == (CITY, "周明")


def test_a_handler_who_is_no_contact_of_the_party_is_refused(world: World) -> None:
    case_no = world.open()
    before = world.dump()

    for name in ("路人甲", "周明"):
        with pytest.raises(UnknownHandlerError, match=f"“{name}”不是“{ENTERPRISE}”登记的联系人"):
            world.answer(case_no, handler=name)

    assert world.dump() == before


def test_nobody_ends_a_notice_by_hand(world: World) -> None:
    case_no = world.started(Stage.SUBSIDY, "public-notice")
    before = world.dump()

    with pytest.raises(SystemOnlyError, match="由系统在期满后自动办理"):
        world.say(case_no, outcome="公示期满无异议")
    # Nor by pretending to be the system.
    with pytest.raises(PilotError):
        world.give(
            world.item_id(case_no),
            {"outcome": "公示期满无异议"},
            caller=Caller(channel=Channel.SYSTEM, identity="系统自动"),
        )

    assert world.dump() == before


def test_the_same_key_gives_the_same_receipt_and_changes_nothing(world: World) -> None:
    case_no = world.open()
    item_id, form = world.item_id(case_no), world.typical(case_no)
    first = world.give(item_id, form, key="k1")
    before = world.dump()
    world.go_to(_TOMORROW)

    assert world.give(item_id, form, key="k1") == first
    assert world.give(item_id, {"outcome": "撤回申报"}, key="k1") == first

    assert world.dump() == before
    with pytest.raises(KeyReusedError, match=f"提交编号 k1 已用于事项 {item_id}"):
        world.give(world.item_id(case_no), world.typical(case_no), key="k1")
    assert world.dump() == before


def test_the_same_words_on_the_same_day_are_the_same_answer(world: World) -> None:
    case_no = world.open()
    item_id, form = world.item_id(case_no), world.typical(case_no)
    first = world.give(item_id, form)
    before = world.dump()

    assert world.give(item_id, form) == first
    assert world.dump() == before


def test_a_form_once_refused_is_not_accepted_behind_the_persons_back(world: World) -> None:
    case_no = world.open()
    item_id, form = world.item_id(case_no), world.typical(case_no)
    with transaction(world.engine) as session:
        refuse(session, item_id, form, CLI, "承诺：须勾选", key="k1", at=world.moment.at)
        refuse(session, item_id, form, CLI, "另一种说法", key="k1", at=world.moment.at)
    before = world.dump()

    with pytest.raises(RefusedBeforeError, match="承诺：须勾选"):
        world.give(item_id, form, key="k1")

    assert world.dump() == before
    world.give(item_id, form, key="k2")


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


def test_a_deadline_in_a_year_whose_holidays_are_not_known_is_refused(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.go_to(date(2026, 12, 28))
    before = world.dump()

    with pytest.raises(HolidaysUnknownError, match="尚不知道 2027 年的节假日安排"):
        world.answer(case_no)

    assert world.dump() == before


def test_a_day_beyond_the_calendar_is_refused(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.go_to(date(2027, 1, 4))
    before = world.dump()

    with pytest.raises(PilotError, match="日历表没有载入到那一天"):
        world.answer(case_no)

    assert world.dump() == before


def test_a_case_is_opened_once_in_time_and_in_a_batch_that_exists(world: World) -> None:
    first = world.open()
    before = world.dump()

    with pytest.raises(ProjectExistsError, match=f"已有案卷 {first}，每家企业只能申报一个项目"):
        world.open(batch=1)
    with pytest.raises(UnknownBatchError, match="没有第 3 批"):
        world.open(OTHER_ENTERPRISE, batch=3)
    world.go_to(date(2026, 1, 1))
    with pytest.raises(LapsedError, match="已于 2025-12-31 期满失效"):
        world.open(OTHER_ENTERPRISE)

    assert world.dump() == before


def test_a_withdrawal_needs_a_case_that_stands_and_a_reason(world: World) -> None:
    case_no = world.open()
    before = world.dump()

    with pytest.raises(ReasonMissingError):
        withdraw_case(case_no, " ", world.deed(), moment=world.moment, on=world.engine)
    with pytest.raises(UnknownCaseError, match="没有编号为 HS-9-9999 的案卷"):
        withdraw_case("HS-9-9999", "转产", world.deed(), moment=world.moment, on=world.engine)

    assert world.dump() == before


def test_nobody_to_ask_is_refused_before_anything_is_written(world: World) -> None:
    case_no = world.open()
    with transaction(world.engine) as session:
        bureau = session.exec(select(Party).where(Party.name == COUNTY)).one()
        bureau.county = "别处"
    before = world.dump()

    with pytest.raises(PilotError, match=r"没有登记县市区经信部门（大冶市），无法转交下一步"):
        world.answer(case_no)

    assert world.dump() == before


def test_what_a_session_for_reading_changes_is_undone(world: World) -> None:
    before = world.dump()

    with reading(world.engine) as session:
        session.exec(select(Party).where(Party.name == PROVIDER)).one().capacity = 999
        session.flush()

    assert world.dump() == before
