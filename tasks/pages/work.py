"""The board of open work and the worklist of each party."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from models.lifecycle import step_of
from models.operations.calls import CallForBoard
from models.operations.worklists import BoardRow, OpenItem
from models.rules.clock import SHANGHAI
from models.rules.stages import Role, Stage
from tasks.pages.words import cell
from tasks.prefect_runs import TAG

#: What the list of overdue items is called among the other boards.
OVERDUE = "逾期事项"
#: So many are named, and then counted.
_NAMED = 3
#: Heads narrow enough for the whole board to fit its page.
_SHORT = {
    Role.ENTERPRISE: "企业",
    Role.PROVIDER: "服务商",
    Role.ASSESSOR: "验收机构",
    Role.COUNTY_BUREAU: "县市区",
    Role.CITY_BUREAU: "市经信局",
    Role.FINANCE_BUREAU: "市财政局",
    Role.SYSTEM: "公示期",
}


def board_page(
    rows: Sequence[BoardRow],
    items: Sequence[OpenItem],
    notes: Sequence[str],
    run_ids: Mapping[str, str],
    worklists: Mapping[int, str],
    calls: Sequence[CallForBoard] = (),
    *,
    mail_mode: str | None = None,
    has_lapsed: bool = False,
    others: Mapping[str, str] | None = None,
) -> str:
    """Return the board: each stage, how many, how many overdue, waiting for whom; each party.

    `worklists` are the addresses of the parties' own pages, `others` those of the other boards by
    their title.
    """
    heads = " | ".join(_SHORT[role] for role in Role)
    lines = [f"| 阶段 | 在办 | 逾期 | {heads} |", "|---" * (len(Role) + 3) + "|"]
    overdue_page = (others or {}).get(OVERDUE)
    for row in rows:
        lines.append(
            _board_line(
                row.label,
                _runs(row.open_items, row.stage),
                _late(row.overdue, overdue_page),
                [_runs(row.waiting.get(role, 0), row.stage, role) for role in Role],
            )
        )
    lines.append(
        _board_line(
            "**合计**",
            _runs(sum(row.open_items for row in rows), None),
            _late(sum(row.overdue for row in rows), overdue_page),
            [_runs(sum(row.waiting.get(role, 0) for row in rows), None, role) for role in Role],
        )
    )
    parts = ["# 试点进展看板", *(f"**{note}**" for note in notes)]
    if mail_mode:
        parts.append(f"邮件方式：{mail_mode}")
    if others:
        parts.append("另见：" + " · ".join(f"[{name}]({where})" for name, where in others.items()))
    parts.append("各阶段在办几件、逾期几件、在等谁办理。点数字列出这些案卷，点单位打开它的待办。")
    parts.append("\n".join(lines))
    if has_lapsed and items:
        parts.append(f"## 待收尾案卷（{len(items)} 件）")
        parts.append(items_table(items, run_ids, with_party=True))
    elif overdue := [item for item in items if item.is_overdue]:
        parts.append("## 已逾期事项")
        parts.append(items_table(overdue, run_ids, with_party=True))
    if stopped := [item for item in items if item.stop]:
        parts.append("## 暂停计时")
        parts.append(_stopped(stopped))
    if calls:
        parts.append("## 待电话通知")
        parts.append(_calls(calls))
    if items:
        parts.append("## 各单位待办")
        parts.append(_parties(items, worklists))
    return "\n\n".join(parts)


def _stopped(items: Sequence[OpenItem]) -> str:
    """Return the items whose clock stands still, with the reason."""
    lines = ["| 案卷 | 企业 | 步骤 | 办理单位 | 暂停计时 |", "|---" * 5 + "|"]
    for item in items:
        assert item.stop is not None  # noqa: S101 -- those alone are given
        lines.append(
            f"| {item.case_no} | {cell(item.enterprise)} "
            f"| {item.stage.label} · {item.step_label}（事项 {item.item_id}） "
            f"| {cell(item.party)} | {cell(item.stop.words)} |"
        )
    return "\n".join(lines)


def _calls(calls: Sequence[CallForBoard]) -> str:
    """Return whom to telephone: no person, number or address goes into Prefect.

    One line a party, however many mails have not reached it: one call tells it of all.
    """
    theirs: dict[str, list[CallForBoard]] = {}
    for call in calls:
        theirs.setdefault(call.party, []).append(call)
    lines = ["| 单位 | 邮件 | 涉及案卷 | 自 | 编号 |", "|---" * 5 + "|"]
    for party, group in theirs.items():
        # What it is about where it is one mail; Prefect's page is too narrow for more.
        cases = _some([call.case_no for call in group if call.case_no], "件")
        about = _about(group[0]) if len(group) == 1 else cases
        since = min(call.since for call in group).astimezone(SHANGHAI)
        numbers = _some([str(call.number) for call in group], "个")
        lines.append(f"| {cell(party)} | {len(group)} | {about} | {since:%Y-%m-%d} | {numbers} |")
    hint = (
        "邮件无人可收，请打电话，打完请系统管理员登记结果。"
        "（管理员：号码见 `pilot mail calls list`，登记用 `pilot mail calls done`。）"
    )
    return f"{hint}\n\n" + "\n".join(lines)


def _about(call: CallForBoard) -> str:
    if call.item is None:
        return call.case_no
    step = step_of(call.item.stage, call.item.step).label
    return f"{call.case_no}（{call.item.stage.label} · {step}）"


def _some(words: Sequence[str], unit: str) -> str:
    """Return the first few of the different `words`, and how many there are."""
    different = list(dict.fromkeys(words))
    more = f" 等 {len(different)} {unit}" if len(different) > _NAMED else ""
    return "、".join(different[:_NAMED]) + more


def _board_line(label: str, items: str, overdue: str, waiting: Sequence[str]) -> str:
    return f"| {label} | {items} | {overdue} | {' | '.join(waiting)} |"


def _late(count: int, page: str | None) -> str:
    """Return how many are overdue, which leads to the list of them where there is one."""
    if not count:
        return ""
    return f"[**{count}**]({page})" if page else f"**{count}**"


def _runs(count: int, stage: Stage | None, role: Role | None = None) -> str:
    """Return a number that leads to the runs in `stage` that wait for `role`.

    Prefect's list shows the runs with any of the tags given: a stage and a role are looked for in
    two ways, by the beginning of the name and by the tag.
    """
    if not count:
        return ""
    query = {"state": "Suspended", "tags": f"等待:{role.label}" if role else TAG}
    if stage:
        query["flow-run-search"] = f"{stage.label} · "
    return f"[{count}](/v2/runs?{urlencode(query)})"


def _parties(items: Sequence[OpenItem], worklists: Mapping[int, str]) -> str:
    """Return the parties that are asked for something, offices first, the most urgent first."""
    theirs: dict[int, list[OpenItem]] = {}
    for item in items:
        theirs.setdefault(item.party_id, []).append(item)
    lines = ["| 单位 | 角色 | 待办 | 逾期 | 最早截止 |", "|---" * 5 + "|"]
    office_first = [role for role in Role if role is not Role.ENTERPRISE] + [Role.ENTERPRISE]
    for party_id, group in sorted(
        theirs.items(), key=lambda each: office_first.index(each[1][0].role)
    ):
        first = group[0]
        late = sum(item.is_overdue for item in group)
        due = min((str(item.due_on) for item in group if item.due_on), default="")
        lines.append(
            f"| [{cell(first.party)}]({worklists[party_id]}) | {first.role.label} "
            f"| {len(group)} | {f'**{late}**' if late else ''} | {due} |"
        )
    return "\n".join(lines)


def worklist_page(items: Sequence[OpenItem], note: str | None, run_ids: Mapping[str, str]) -> str:
    """Return one party's worklist, the most urgent first."""
    parts = [f"# 待办事项 · {items[0].party}"]
    if note:
        parts.append(f"**{note}**")
    todo = "点案卷号打开办理页面，再点右上角“⋮”中的“Resume”（办理），填好后提交。"
    if items[0].role is Role.SYSTEM:
        todo = f"公示期满由系统自动办结，无需办理；收到实名异议时，{todo}"
    parts.append(f"共 {len(items)} 项，“剩余”为工作日。{todo}")
    parts.append(items_table(items, run_ids, with_party=False))
    return "\n\n".join(parts)


def items_table(items: Sequence[OpenItem], run_ids: Mapping[str, str], *, with_party: bool) -> str:
    """Return the items, a line each; few columns, for Prefect's pages are narrow."""
    whose = "办理单位" if with_party else "县区"
    lines = [f"| 案卷 | 企业 | {whose} | 步骤 | 截止 | 剩余 |", "|---" * 6 + "|"]
    for item in items:
        run_id = run_ids.get(item.case_no)
        where = cell(item.party) if with_party else item.county
        case = f"[{item.case_no}](/v2/runs/flow-run/{run_id})" if run_id else item.case_no
        due = "" if item.due_on is None else str(item.due_on)
        left = "" if item.days_left is None else f"{item.days_left} 天"
        if item.stop:
            left = f"暂停计时（等待{item.stop.waits_for.label}）"
        if item.is_overdue:
            left = f"**逾期 {-item.days_left} 天**" if item.days_left else "**逾期**"
        lines.append(
            f"| {case} | {cell(item.enterprise)} | {where} "
            f"| {item.stage.label} · {item.step_label}（事项 {item.item_id}） | {due} | {left} |"
        )
    return "\n".join(lines)
