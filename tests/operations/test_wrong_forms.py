"""What is wrong in itself, step by step: refused in clear Chinese, and not one row changes."""

import re
from collections.abc import Mapping
from decimal import Decimal

import pytest

from deployments.demonstration.answers import ASSESSOR, invoice
from models.rules.errors import PilotError
from models.rules.stages import Stage
from tests.builders import (
    FIRST_DAY,
    PROVIDER,
    UNADMITTED,
    World,
)


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
