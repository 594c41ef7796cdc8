"""The boards in Prefect's UI: where everything stands, and what each party has to do."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate

from models.operations.runs import unfinished_runs
from models.operations.worklists import BoardRow, OpenItem, board, open_items
from models.rules.clock import SHANGHAI, day_of
from models.rules.stages import Role
from tasks.answering import Moment
from tasks.clock import trial_note
from tasks.database import reading

BOARD_KEY = "board"
_WORKLIST = "worklist-"
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
_PAGE = 200


class Boards:
    """Puts the boards up as artifacts; one whose words have not changed is left alone."""

    def __init__(self) -> None:
        """Know of nothing put up yet."""
        self._shown: dict[str, str] = {}
        self._ids: dict[str, UUID] = {}

    def refresh(self, client: SyncPrefectClient, moment: Moment) -> int:
        """Put up what has changed since the last time; return how many artifacts that were."""
        today = day_of(moment.at)
        with reading() as session:
            rows = board(session, today)
            items = open_items(session, today=today)
            run_ids = {
                run.case_no: run.flow_run_id
                for run in unfinished_runs(session)
                if run.flow_run_id and run.left_at is None
            }
        note = trial_note(moment.row)
        pages = {BOARD_KEY: ("看板", board_page(rows, items, note, run_ids))}
        worklists: dict[int, list[OpenItem]] = {}
        for item in items:
            worklists.setdefault(item.party_id, []).append(item)
        for party_id, theirs in worklists.items():
            title = f"待办 · {theirs[0].party}"
            pages[f"{_WORKLIST}{party_id}"] = (title, worklist_page(theirs, note, run_ids))
        if not self._ids:
            self._ids = board_ids(client)
        # Who has nothing left to do is told so.
        for key in self._ids.keys() - pages.keys():
            if key.startswith(_WORKLIST):
                pages[key] = ("待办（已清空）", "目前没有待办事项。")
        shown = 0
        for key, (title, page) in pages.items():
            digest = sha256(page.encode()).hexdigest()
            if self._shown.get(key) == digest:
                continue
            stamp = f"\n\n更新于 {moment.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
            self._put_up(client, key, title, page + stamp)
            self._shown[key] = digest
            shown += 1
        return shown

    def _put_up(self, client: SyncPrefectClient, key: str, title: str, page: str) -> None:
        """Show `page` under `key`, in the place of what was there: its address stays the same."""
        if key in self._ids:
            update = ArtifactUpdate(description=title, data=page)
            client.update_artifact(self._ids[key], update)
            return
        artifact = client.create_artifact(
            ArtifactCreate(key=key, type="markdown", description=title, data=page)
        )
        self._ids[key] = artifact.id


def board_ids(client: SyncPrefectClient) -> dict[str, UUID]:
    """Return the boards that are up, by key; the page of one is `/artifacts/artifact/<id>`."""
    found: dict[str, UUID] = {}
    while True:
        page = client.request(
            "POST",
            "/artifacts/latest/filter",
            json={
                "artifacts": {"key": {"exists_": True}},
                "sort": "KEY_ASC",
                "limit": _PAGE,
                "offset": len(found),
            },
        ).json()
        found.update({row["key"]: UUID(row["latest_id"]) for row in page})
        if len(page) < _PAGE:
            return found


def board_page(
    rows: Sequence[BoardRow],
    items: Sequence[OpenItem],
    note: str | None,
    run_ids: Mapping[str, str],
) -> str:
    """Return the board: each stage, how many, how many overdue, waiting for whom."""
    heads = " | ".join(_SHORT[role] for role in Role)
    lines = [f"| 阶段 | 在办 | 超期 | {heads} |", "|---" * (len(Role) + 3) + "|"]
    for row in rows:
        lines.append(
            _board_line(row.label, row.open_items, row.overdue, [row.waiting.get(r) for r in Role])
        )
    lines.append(
        _board_line(
            "**合计**",
            sum(row.open_items for row in rows),
            sum(row.overdue for row in rows),
            [sum(row.waiting.get(role, 0) for row in rows) for role in Role],
        )
    )
    parts = ["# 试点进展看板"]
    if note:
        parts.append(f"> **{note}**")
    parts.append("各阶段在办案卷数，其中已超期数，以及分别在等待谁办理：")
    parts.append("\n".join(lines))
    if overdue := [item for item in items if item.is_overdue]:
        parts.append("## 已超期事项")
        parts.append(_table(overdue, run_ids, with_party=True))
    return "\n\n".join(parts)


def _board_line(label: str, items: int, overdue: int, waiting: Sequence[int | None]) -> str:
    late = f"**{overdue}**" if overdue else ""
    return f"| {label} | {items or ''} | {late} | {' | '.join(str(n or '') for n in waiting)} |"


def worklist_page(items: Sequence[OpenItem], note: str | None, run_ids: Mapping[str, str]) -> str:
    """Return one party's worklist, the most urgent first."""
    parts = [f"# 待办事项 · {items[0].party}"]
    if note:
        parts.append(f"> **{note}**")
    parts.append(f"共 {len(items)} 项。点案卷号打开办理页面，再点右上角“Resume”填写并提交。")
    parts.append(_table(items, run_ids, with_party=False))
    return "\n\n".join(parts)


def _table(items: Sequence[OpenItem], run_ids: Mapping[str, str], *, with_party: bool) -> str:
    party = "办理单位 | " if with_party else ""
    lines = [
        f"| 事项 | 案卷 | 企业 | 县区 | 阶段 | 步骤 | {party}截止 | 剩余工作日 |",
        "|---" * (9 if with_party else 8) + "|",
    ]
    for item in items:
        run_id = run_ids.get(item.case_no)
        case = f"[{item.case_no}](/runs/flow-run/{run_id})" if run_id else item.case_no
        party = f"{cell(item.party)} | " if with_party else ""
        due = "" if item.due_on is None else str(item.due_on)
        left = "" if item.days_left is None else str(item.days_left)
        if item.is_overdue:
            left = f"**超期**（{left}）"
        lines.append(
            f"| {item.item_id} | {case} | {cell(item.enterprise)} | {item.county} "
            f"| {item.stage.label} | {item.step_label} | {party}{due} | {left} |"
        )
    return "\n".join(lines)


def cell(text: str) -> str:
    """Return `text` so that it stays in its cell and is no markup."""
    escaped = "".join(f"\\{sign}" if sign in r"\`*_[]<>|#" else sign for sign in text)
    return " ".join(escaped.split())
