"""The forecast of mail, by party: no person and no address goes into Prefect."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from models.operations.reminders import Reminded
from tasks.pages.words import cell


def mail_page(ahead: Sequence[Reminded], until: date, waiting: int, notes: Sequence[str]) -> str:
    """Return what will be sent to which party on which day, if nobody answers until then."""
    rows = sorted(ahead, key=lambda each: (each.day, each.party))
    mails = len({(each.day, each.contact_id) for each in rows})
    parts = ["# 邮件预告", *(f"**{note}**" for note in notes)]
    queued = f"，另有 {waiting} 封正在排队发送" if waiting else ""
    parts.append(
        f"至 {until}：催办 {len(rows)} 项，合并为 {mails} 封邮件{queued}。"
        "假定各事项一直无人办理。"
        "这里不写人名和邮箱，由系统管理员用命令 `pilot mail forecast` 查看。"
    )
    if rows:
        lines = ["| 日期 | 单位 | 封数 | 事项 | 已逾期 | 涉及案卷 |", "|---" * 6 + "|"]
        for (day, party), group in groupby(rows, key=lambda each: (each.day, each.party)):
            theirs = list(group)
            late = sum(each.days_left < 0 for each in theirs)
            cases = sorted({each.case_no for each in theirs})
            named = "、".join(cases[:3]) + (f" 等 {len(cases)} 件" if len(cases) > 3 else "")
            people = len({each.contact_id for each in theirs})
            lines.append(
                f"| {day} | {cell(party)} | {people} | {len(theirs)} "
                f"| {f'**{late}**' if late else ''} | {named} |"
            )
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
