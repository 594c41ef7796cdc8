"""One filled-in context of each mail, and more where the words differ."""

from datetime import UTC, date, datetime
from decimal import Decimal

from notifications.contexts import (
    ItemOpened,
    MailContext,
    Paid,
    Receipt,
    Returned,
    StageFinished,
    SubsidyDecided,
)

COMMON = {
    "programme_name": "黄石市中小企业数字化转型试点城市",
    "document_no": "黄政办函〔2024〕12号",
    "office_name": "市经信局",
    "recipient_party": "示例精密机械有限公司",
    "recipient_name": "林晓",
    "case_no": "HS-2024-1-0007",
    "enterprise_name": "示例精密机械有限公司",
}
ON_TRIAL = {**COMMON, "trial_note": "演示数据 · 系统日期 2024-03-25"}

OPENED = ItemOpened(
    **COMMON,
    item_id=42,
    stage_name="诊断",
    step_name="确认诊断报告",
    asks="请阅读服务商提交的诊断报告，并填写是否认可的意见。",
    round=1,
    due_on=date(2024, 4, 1),
    working_days=5,
    how_to_answer=(
        "打开试点管理页面，在“等待我方”中选择本案卷，点“继续”填写；",
        "或在命令行输入 pilot answer 42 --set outcome=认可。",
    ),
)
OPENED_AGAIN = ItemOpened(
    **ON_TRIAL,
    unverified_note="办理期限为系统默认值，尚待市经信局核实。",
    item_id=43,
    stage_name="申报",
    step_name="提交申报",
    asks="请按退回意见补正申报材料后重新提交。",
    round=2,
    how_to_answer=("打开试点管理页面填写申报表。",),
    reason="1. 上年度营业收入与所附报表不符；\n2. 承诺书未盖章。",
)
SAMPLES: tuple[MailContext, ...] = (
    OPENED,
    OPENED_AGAIN,
    Receipt(
        **COMMON,
        receipt_no="R-000042",
        stage_name="诊断",
        step_name="确认诊断报告",
        outcome_name="认可",
        answered_by="林晓（自报）",
        channel_name="Prefect 页面",
        answered_at=datetime(2024, 3, 25, 1, 5, tzinfo=UTC),
    ),
    Returned(
        **COMMON,
        stage_name="申报",
        step_name="县区初审",
        outcome_name="退回补正",
        reason="承诺书未盖章。",
        decided_by_party="大冶市经信局",
        next_step_name="提交申报",
        due_on=date(2024, 3, 29),
    ),
    Returned(
        **COMMON,
        stage_name="申报",
        step_name="县区初审",
        outcome_name="不予推荐",
        reason="企业规模超出中小企业标准。",
        decided_by_party="大冶市经信局",
    ),
    StageFinished(**COMMON, stage_name="诊断", next_stage_name="改造"),
    StageFinished(**COMMON, stage_name="验收", ended_as="验收未通过"),
    SubsidyDecided(
        **COMMON,
        amount=Decimal("120000.00"),
        rate=Decimal("0.4"),
        ceiling=Decimal("120000.00"),
        explanation=(
            "核定支出 300,000.00 元（合同额、不含税发票额、实付额逐项取低）。",
            "补助比例 40%（方案上限 40%）：300,000.00 × 40% = 120,000.00 元。",
            "未超过每家企业 200,000.00 元的上限。",
        ),
        decided_on=date(2024, 11, 5),
    ),
    Paid(
        **COMMON,
        amount=Decimal("120000.00"),
        voucher_no="CZ-2024-1105-003",
        paid_on=date(2024, 11, 20),
    ),
)
