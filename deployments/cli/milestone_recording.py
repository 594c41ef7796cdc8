"""`pilot milestone set`, `unset` and `reading`: what people record of the milestones."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from sqlmodel import Session

from deployments.cli.commands import AsJson, Command
from deployments.cli.instance import Instance, account, caller, present
from deployments.cli.output import pairs, print_json, show
from models.operations.answering import UnknownHandlerError
from models.operations.audit import Deed
from models.operations.documents import IncomingDocument
from models.operations.milestones import (
    ReadingChange,
    choose_reading,
    progress,
    record_evidence,
    weigh_reading,
    withdraw_evidence,
)
from models.operations.parties import contacts_of, party_for_role
from models.rules.stages import Role
from models.tables.party import Party
from tasks.database import DatabaseSettings, reading, transaction

By = Annotated[str, typer.Option("--by", metavar="姓名", help="市经信局经办人，默认其第一联系人")]
Reason = Annotated[str, typer.Option(metavar="理由", help="记入登记册审计", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("set", cls=Command)(set_milestone)
    app.command("unset", cls=Command)(unset_milestone)
    app.command("reading", cls=Command)(put_in_force)


def set_milestone(
    key: Annotated[
        str,
        typer.Argument(metavar="编号", help="里程碑或目标，例如 2024-04", show_default=False),
    ],
    evidence: Annotated[
        Path, typer.Option(metavar="文件", help="佐证材料，存入系统", show_default=False)
    ],
    done_on: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], metavar="日期", help="何日完成", show_default=False),
    ],
    number: Annotated[
        int | None, typer.Option(metavar="数量", help="佐证材料所载的数量，仅按数量计的目标")
    ] = None,
    note: Annotated[str, typer.Option(metavar="说明", help="一句话说明")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """凭佐证材料登记一个里程碑或目标已完成；同一材料再次登记不会重复。"""
    here = present()
    store = DatabaseSettings().home.expanduser().resolve() / "documents"
    with IncomingDocument(store, evidence) as document, transaction() as session:
        bureau, deed = lead_deed(here, session, by, "登记里程碑佐证材料", "附件1、附件2")
        row, is_new = record_evidence(
            session,
            here.moment.programme,
            key,
            document,
            deed,
            bureau,
            done_on=done_on.date(),
            number=number,
            note=note,
            at=here.moment.at,
        )
    with reading() as session:
        found = progress(session, here.moment.programme, here.today)
    standing = next(each for each in found if each.key == key)
    if as_json:
        told = {"key": key, "evidence": row.model_dump(), "is_new": is_new}
        print_json({**here.heading(), **told, "state": standing.state})
        return
    done = "已登记" if is_new else "此前已登记"
    said = f"✓ {key} {done}佐证材料 {row.id} 号：{row.file_name}，现状 {standing.state.label}"
    show(here.note, Text(said, style="green"))


def unset_milestone(
    evidence_id: Annotated[
        int,
        typer.Argument(metavar="佐证编号", help="见 pilot milestone show", show_default=False),
    ],
    reason: Reason,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """撤销一份误登的佐证材料；文件和记录保留。"""
    here = present()
    with transaction() as session:
        bureau, deed = lead_deed(here, session, by, "撤销里程碑佐证材料", "附件1、附件2")
        row = withdraw_evidence(session, evidence_id, reason, deed, bureau, at=here.moment.at)
    if as_json:
        print_json({**here.heading(), "key": row.key, "evidence": row.model_dump()})
        return
    said = f"✓ {row.key} 的佐证材料 {row.id} 号已撤销：{row.withdrawn_because}"
    show(here.note, Text(said, style="green"))


def put_in_force(
    contradiction: Annotated[
        str,
        typer.Argument(
            metavar="矛盾", help="例如 midterm-evaluation，见 milestone show", show_default=False
        ),
    ],
    wanted: Annotated[
        str, typer.Argument(metavar="读法", help="body、annex 等", show_default=False)
    ],
    reason: Reason,
    by: By = "",
    apply: Annotated[bool, typer.Option("--apply", help="确实改用；不写只显示会影响什么")] = False,
    as_json: AsJson = False,
) -> None:
    """选定方案自相矛盾之处的现行读法。先显示影响，加 --apply 才生效并记入审计。"""
    here = present()
    programme = here.moment.programme
    if apply:
        with transaction() as session:
            bureau, deed = lead_deed(here, session, by, "选定方案读法", "牵头部门选定")
            change = choose_reading(
                session,
                programme,
                contradiction,
                wanted,
                reason,
                deed,
                bureau,
                at=here.moment.at,
            )
    else:
        with reading() as session:
            lead_deed(here, session, by, "", "")
            change = weigh_reading(session, programme, contradiction, wanted)
    if as_json:
        told = {
            "contradiction": contradiction,
            "before": change.before.key,
            "after": change.after.key,
            "batches": change.batches,
            "items": change.items,
            "evidence": change.evidence,
            "is_applied": apply and not change.is_chosen,
        }
        print_json({**here.heading(), **told})
        return
    show(here.note, pairs(_touched(change)), _outcome(change, is_applied=apply))


def _touched(change: ReadingChange) -> list[tuple[str, str | Text]]:
    lines: list[tuple[str, str | Text]] = [
        ("矛盾", change.contradiction.topic),
        ("现行读法", f"{change.before.key}　{change.before.text}"),
        ("改用读法", f"{change.after.key}　{change.after.text}"),
    ]
    for batch in change.batches:
        lines.append((f"{batch.name}改造期", f"{_days(batch.before)} → {_days(batch.after)}"))
    for item in change.items:
        lines.append((f"事项 {item.item_id}", f"{item.case_no} 截止 {item.before} → {item.after}"))
    for each in change.evidence:
        lines.append((f"{each.milestone} 佐证期限", f"{each.before} → {each.after}"))
    if not (change.batches or change.items or change.evidence):
        lines.append(("影响", "不改变任何期限"))
    return lines


def _outcome(change: ReadingChange, *, is_applied: bool) -> Text:
    if change.is_chosen:
        return Text("已是选定的读法，无需更改", style="dim")
    if is_applied:
        return Text("✓ 已改用并记入登记册审计", style="green")
    return Text("以上尚未生效；确认后加 --apply 再次运行", style="yellow")


def _days(window: tuple[date, date]) -> str:
    return f"{window[0]} 至 {window[1]}"


def lead_deed(
    here: Instance, session: Session, by: str, action: str, clause: str
) -> tuple[Party, Deed]:
    """Return the lead bureau and a deed of one of its people."""
    bureau = party_for_role(session, Role.CITY_BUREAU)
    assert bureau.id is not None  # noqa: S101 -- read from the database
    known = [person.name for person in contacts_of(session, bureau.id)]
    if by and by not in known:
        raise UnknownHandlerError(by, bureau.name, known)
    way = caller()
    deed = Deed(
        party=bureau.name,
        actor=by or (known[0] if known else account()),
        identity=way.identity,
        channel=way.channel,
        action=action,
        clause=f"{here.moment.programme.document_no} {clause}",
    )
    return bureau, deed
