"""Each mail filled in with invented data: for previews, for the check at start, for the tests.

A mail has one sample for each way its words differ, so that no line of a template is left out.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from notifications.contexts import (
    ApplicationsOpen,
    DeadlineChange,
    DeadlineMoved,
    Digest,
    DueMatters,
    EventChanged,
    EventInvitation,
    ItemOpened,
    LateMatter,
    MailContext,
    Matter,
    Paid,
    Receipt,
    Returned,
    StageFinished,
    SubsidyDecided,
    SweepMissed,
)

#: What a mail cannot do without. Mails queued before a field was added have only this.
LEAST: Final[dict[str, Any]] = {
    "programme_name": "黄石市中小企业数字化转型试点城市",
    "document_no": "黄政办函〔2024〕12号",
    "office_name": "市经信局",
    "recipient_party": "示例精密机械有限公司",
    "recipient_name": "林晓",
    "case_no": "HS-1-0007",
    "enterprise_name": "示例精密机械有限公司",
}
COMMON: Final[dict[str, Any]] = {
    **LEAST,
    "document_title": "黄石市中小企业数字化转型试点城市实施方案",
    "clause": "三（一）3",
    "written_at": datetime(2024, 3, 25, 1, 5, tzinfo=UTC),
}
ON_TRIAL: Final = {**COMMON, "trial_note": "演示数据 · 系统日期 2024-03-25"}
#: Nobody's telephone and nobody's mailbox.
REACHABLE: Final = {
    **COMMON,
    "office_phone": "0000-0000000（待核）",
    "office_email": "office@example.com（待核）",
}

OPENED = ItemOpened(
    **COMMON,
    item_id=42,
    stage_name="诊断",
    step_name="确认诊断",
    asks="请阅读诊断报告并确认是否认可",
    round=1,
    due_on=date(2024, 4, 1),
    working_days=5,
    how_to_answer=(
        "打开办理页面，搜索案卷号 HS-1-0007，打开“诊断”，点右上角“⋮”中的“Resume”（办理），"
        "填写“确认诊断”表单并提交",
        "也可将内容交工作人员登记，事项编号 42",
    ),
)
OPENED_AGAIN = ItemOpened(
    **{**ON_TRIAL, "clause": "三（一）1"},
    unverified_note="办理时限待核（系统默认值，方案未规定）",
    item_id=43,
    stage_name="申报",
    step_name="提交申报",
    asks="请按退回意见补正申报材料后重新提交。",
    round=2,
    how_to_answer=("打开办理页面填写申报表。",),
    reason="1. 上年度营业收入与所附报表不符；\n2. 承诺书未盖章。",
)
RETURNED = Returned(
    **{**REACHABLE, "clause": "三（一）1"},
    stage_name="申报",
    step_name="县区初审",
    outcome_name="退回补正",
    reason="承诺书未盖章。",
    decided_by_party="大冶市经信局",
    next_step_name="提交申报",
    item_id=44,
    due_on=date(2024, 3, 31),
    working_days=4,
    how_to_answer=(
        "打开办理页面，搜索案卷号 HS-1-0007，打开“申报”，点右上角“⋮”中的“Resume”（办理），"
        "填写“提交申报”表单并提交",
        "也可将内容交工作人员登记，事项编号 44",
    ),
)
EXTENDED = DeadlineMoved(
    **COMMON,
    item_id=42,
    stage_name="诊断",
    step_name="开展诊断",
    change=DeadlineChange.EXTENDED,
    reason="企业停产检修，现场诊断顺延。",
    due_before=date(2024, 3, 25),
    due_on=date(2024, 4, 1),
    working_days=5,
    decided_by_party="市经信局",
)
SUBSIDY = {**COMMON, "written_at": datetime(2024, 11, 5, 1, 5, tzinfo=UTC), "clause": "五（二）"}

#: A mail about several cases names none in its frame.
PERSONAL: Final = {
    name: value for name, value in COMMON.items() if name not in ("case_no", "enterprise_name")
}


def a_matter(case_no: str, item_id: int, enterprise: str, due_on: date, days_left: int) -> Matter:
    """Return a matter that a county bureau has to decide."""
    return Matter(
        case_no=case_no,
        enterprise_name=enterprise,
        item_id=item_id,
        stage_name="申报",
        step_name="县市区初审",
        due_on=due_on,
        days_left=days_left,
    )


OPENING = ApplicationsOpen(
    **{**PERSONAL, "clause": "三（一）1"},
    batch_number=1,
    batch_name="第一批",
    opens_on=date(2024, 1, 1),
    closes_on=date(2024, 3, 31),
    is_to_county=True,
    industries=("高端装备", "电子信息"),
    how_to_apply=("企业向所在县市区经信部门提出申报", "由市经信局立案后在线填写申报表"),
)
INVITATION = EventInvitation(
    **{**PERSONAL, "clause": "三（三）4"},
    event_id=3,
    event_name="工业互联网专题培训",
    kind_name="培训",
    starts_at=datetime(2024, 6, 18, 1, 0, tzinfo=UTC),
    ends_at=datetime(2024, 6, 18, 9, 0, tzinfo=UTC),
    place="示例会议中心",
    note="请企业负责人和信息化负责人参加。\n午餐自理。",
)
MOVED = EventChanged(
    **{**PERSONAL, "clause": "三（三）4"},
    event_id=3,
    event_name="工业互联网专题培训",
    kind_name="培训",
    starts_at=datetime(2024, 6, 20, 1, 0, tzinfo=UTC),
    ends_at=datetime(2024, 6, 20, 9, 0, tzinfo=UTC),
    place="示例会议中心二楼",
    is_cancelled=False,
    reason="授课专家行程有变。\n给您带来不便，敬请谅解。",
)
LATE = LateMatter(
    case_no="HS-1-0003",
    enterprise_name="示例精密机械有限公司",
    item_id=31,
    stage_name="诊断",
    step_name="咨询诊断",
    waits_for="示例云帆数字科技",
    due_on=date(2024, 3, 14),
    days_late=7,
)
DIGEST = Digest(
    **PERSONAL,
    unverified_note="办理时限与催办日程待核（系统默认值，方案未规定）",
    is_weekly=False,
    day=date(2024, 3, 25),
    since=date(2024, 3, 22),
    opened=3,
    ended=("已撤回 1 件",),
    done=("申报 · 县市区初审：推荐 2 件",),
    late_count=3,
    late_by=("服务商 3 件",),
    late=(LATE, LATE.model_copy(update={"days_late": None})),
    listed_count=3,
    stopped=(
        "示例铜材有限公司（HS-1-0007，事项 42）诊断·咨询诊断："
        "自 2024-03-20 起暂停计时，等待企业：检修",
    ),
    is_swept=True,
    last_swept_on=date(2024, 3, 24),
)
QUIET = Digest(
    **PERSONAL, is_weekly=False, day=date(2024, 3, 25), opened=0, late_count=0, is_swept=False
)
WEEKLY = DIGEST.model_copy(
    update={
        "is_weekly": True,
        "is_swept": None,
        "last_swept_on": None,
        "hand_on_to": "市工业互联网创新发展领导小组",
    }
)

SAMPLES: Final[tuple[MailContext, ...]] = (
    OPENED,
    OPENED_AGAIN,
    OPENED.model_copy(update={"due_on": date(2024, 3, 25), "working_days": 0}),
    OPENED.model_copy(update={"written_at": None, "working_days": None}),
    ItemOpened(
        **LEAST,
        item_id=41,
        stage_name="诊断",
        step_name="咨询诊断",
        asks="请开展咨询诊断",
        round=1,
        due_on=date(2024, 4, 1),
        working_days=5,
        how_to_answer=("打开办理页面填写诊断报告",),
    ),
    Receipt(
        **COMMON,
        receipt_no="HS-1-0007-0012",
        stage_name="诊断",
        step_name="确认诊断",
        outcome_name="认可",
        answered_by="林晓（自报）",
        channel_name="Prefect 页面",
        answered_at=datetime(2024, 3, 25, 1, 5, tzinfo=UTC),
    ),
    RETURNED,
    RETURNED.model_copy(update={"working_days": None}),
    RETURNED.model_copy(update={"due_on": None}),
    Returned(
        **{**ON_TRIAL, "clause": "三（一）1"},
        unverified_note="办理时限待核（系统默认值，方案未规定）",
        stage_name="申报",
        step_name="县区初审",
        outcome_name="不予推荐",
        reason="企业规模超出中小企业标准。",
        decided_by_party="大冶市经信局",
    ),
    Returned(
        **LEAST,
        stage_name="申报",
        step_name="县区初审",
        outcome_name="退回补正",
        reason="",
        decided_by_party="大冶市经信局",
        next_step_name="提交申报",
        due_on=date(2024, 3, 29),
        working_days=4,
    ),
    StageFinished(**COMMON, stage_name="诊断", next_stage_name="改造"),
    StageFinished(**{**COMMON, "clause": "三（一）4"}, stage_name="验收", ended_as="验收未通过"),
    StageFinished(**COMMON, stage_name="补助"),
    SubsidyDecided(
        **SUBSIDY,
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
        **{**SUBSIDY, "written_at": datetime(2024, 11, 20, 1, 5, tzinfo=UTC)},
        amount=Decimal("120000.00"),
        voucher_no="CZ-2024-1120-003",
        paid_on=date(2024, 11, 20),
    ),
    EXTENDED,
    EXTENDED.model_copy(update={"written_at": None, "working_days": None, "reason": None}),
    EXTENDED.model_copy(
        update={
            "change": DeadlineChange.STOPPED,
            "waits_for_name": "企业",
            "due_on": None,
            "working_days": None,
        }
    ),
    EXTENDED.model_copy(
        update={"change": DeadlineChange.RESTARTED, "due_before": None, "stopped_days": 3}
    ),
    EXTENDED.model_copy(update={"change": DeadlineChange.RESTARTED, "stopped_days": 0}),
    DueMatters(
        **PERSONAL,
        unverified_note="办理时限与催办日程待核（系统默认值，方案未规定）",
        matters=(
            a_matter("HS-1-0003", 31, "示例精密机械有限公司", date(2024, 3, 21), -2),
            a_matter("HS-1-0007", 42, "示例铜材有限公司", date(2024, 3, 25), 0),
            a_matter("HS-1-0009", 57, "示例光电科技有限公司", date(2024, 4, 1), 5),
        ),
        how_to_answer=(
            "打开办理页面，搜索案卷号，点右上角“⋮”中的“Resume”（办理），填写表单并提交",
        ),
    ),
    DueMatters(
        **PERSONAL,
        matters=(
            a_matter("HS-1-0007", 42, "示例铜材有限公司", date(2024, 3, 25), 0),
            a_matter("HS-1-0003", 31, "示例精密机械有限公司", date(2024, 3, 14), -7).model_copy(
                update={"waits_for": "示例云帆数字科技"}
            ),
        ),
        how_to_answer=("打开办理页面填写表单",),
    ),
    DueMatters(
        **PERSONAL,
        matters=(
            a_matter("HS-1-0003", 31, "示例精密机械有限公司", date(2024, 3, 11), -10).model_copy(
                update={"waits_for": "示例云帆数字科技"}
            ),
        ),
        how_to_answer=("打开办理页面填写表单",),
    ),
    DueMatters(
        **{**PERSONAL, "trial_note": "演示数据 · 系统日期 2024-03-25"},
        matters=(a_matter("HS-1-0007", 42, "示例铜材有限公司", date(2024, 3, 26), 1),),
        how_to_answer=("打开办理页面填写表单",),
    ),
    OPENING,
    OPENING.model_copy(update={"is_to_county": False, "written_at": None}),
    INVITATION,
    INVITATION.model_copy(update={"note": None, "written_at": None}),
    MOVED,
    MOVED.model_copy(update={"is_cancelled": True, "written_at": None}),
    DIGEST,
    DIGEST.model_copy(
        update={"is_weekly": True, "day": date(2024, 3, 25), "is_swept": None, "listed_count": 2}
    ),
    WEEKLY,
    QUIET,
    QUIET.model_copy(update={"last_swept_on": date(2024, 3, 21)}),
    SweepMissed(**PERSONAL, day=date(2024, 3, 25), last_swept_on=date(2024, 3, 24)),
    SweepMissed(**PERSONAL, day=date(2024, 3, 25)),
)
