"""The boards in Prefect's UI: where everything stands, and what each party has to do."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate

from models.operations.worklists import BoardRow, OpenItem, board, open_items
from models.rules.clock import SHANGHAI, day_of
from models.rules.stages import Role
from tasks.answering import Moment
from tasks.clock import trial_note
from tasks.database import reading

BOARD_KEY = "board"
_WORKLIST = "worklist-"
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
        note = trial_note(moment.row)
        pages = {BOARD_KEY: ("看板", board_page(rows, items, note))}
        worklists: dict[int, list[OpenItem]] = {}
        for item in items:
            worklists.setdefault(item.party_id, []).append(item)
        for party_id, theirs in worklists.items():
            title = f"待办 · {theirs[0].party}"
            pages[f"{_WORKLIST}{party_id}"] = (title, worklist_page(theirs, note))
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


def board_page(rows: Sequence[BoardRow], items: Sequence[OpenItem], note: str | None) -> str:
    """Return the board: each stage, how many, waiting for whom, how many overdue."""
    roles = list(Role)
    head = "| 阶段 | 在办 | " + " | ".join(f"等待{role.label}" for role in roles) + " | 已超期 |"
    lines = [head, "|---" * (len(roles) + 3) + "|"]
    for row in rows:
        waiting = " | ".join(str(row.waiting.get(role, 0) or "") for role in roles)
        overdue = f"**{row.overdue}**" if row.overdue else ""
        lines.append(f"| {row.label} | {row.open_items or ''} | {waiting} | {overdue} |")
    total = " | ".join(str(sum(row.waiting.get(role, 0) for row in rows) or "") for role in roles)
    lines.append(
        f"| **合计** | **{sum(row.open_items for row in rows)}** | {total} "
        f"| **{sum(row.overdue for row in rows)}** |"
    )
    parts = ["# 试点进展看板"]
    if note:
        parts.append(f"> **{note}**")
    parts.append("\n".join(lines))
    overdue_items = [item for item in items if item.is_overdue]
    if overdue_items:
        parts.append("## 已超期事项")
        parts.append(_table(overdue_items, with_party=True))
    return "\n\n".join(parts)


def worklist_page(items: Sequence[OpenItem], note: str | None) -> str:
    """Return one party's worklist, the most urgent first."""
    parts = [f"# 待办事项 · {items[0].party}"]
    if note:
        parts.append(f"> **{note}**")
    parts.append(f"共 {len(items)} 项。在“运行”页搜索案卷号，打开对应运行，点“Resume”办理。")
    parts.append(_table(items, with_party=False))
    return "\n\n".join(parts)


def _table(items: Sequence[OpenItem], *, with_party: bool) -> str:
    party = "办理单位 | " if with_party else ""
    lines = [
        f"| 事项 | 案卷 | 企业 | 县区 | 阶段 | 步骤 | {party}截止 | 剩余工作日 |",
        "|---" * (9 if with_party else 8) + "|",
    ]
    for item in items:
        party = f"{item.party} | " if with_party else ""
        due = "" if item.due_on is None else str(item.due_on)
        left = "" if item.days_left is None else str(item.days_left)
        if item.is_overdue:
            left = f"**超期**（{left}）"
        lines.append(
            f"| {item.item_id} | {item.case_no} | {item.enterprise} | {item.county} "
            f"| {item.stage.label} | {item.step_label} | {party}{due} | {left} |"
        )
    return "\n".join(lines)
