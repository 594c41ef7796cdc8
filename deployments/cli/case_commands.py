"""`pilot case`: the list of cases, one case, its history; open one, withdraw one."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from deployments.cli.commands import AsJson, Command, new_app, one_of
from deployments.cli.instance import Instance, account, caller, present
from deployments.cli.output import instant, left, pairs, print_json, show, table
from models.operations import cases
from models.operations.answering import UnknownHandlerError
from models.operations.audit import Deed
from models.operations.case_facts import case_facts
from models.operations.case_history import HistoryEntry, case_history
from models.operations.case_records import case_records
from models.operations.parties import contacts_of, party_for_role
from models.operations.registering import (
    NewParty,
    NotInProgrammeError,
    Person,
    enterprise_for_case,
)
from models.operations.windows import window_note
from models.operations.working_time import days_by_role, used_in_words
from models.operations.worklists import CaseRow, OpenItem, case_rows, open_items
from models.rules.errors import PilotError
from models.rules.stages import CaseStatus, Role, Stage
from models.tables.party import Party
from models.tables.programme import Batch
from tasks.answering import CollisionError, withdraw_case
from tasks.database import reading, transaction
from tasks.hand_off_mails import mails_for_opening
from tasks.workbooks.saving import require_free

app = new_app("案卷：列表、详情、经过、立案、撤回")

CaseNo = Annotated[str, typer.Argument(metavar="案卷号", help="例如 HS-1-0001", show_default=False)]


StageWanted = Annotated[
    Stage | None, typer.Option(parser=one_of(Stage), metavar="阶段", help="只看该阶段")
]
StatusWanted = Annotated[
    CaseStatus | None,
    typer.Option(parser=one_of(CaseStatus), metavar="状态", help="办理中、已撤回 …"),
]
BatchWanted = Annotated[int | None, typer.Option(metavar="批次", help="1 或 2")]
CountyWanted = Annotated[str | None, typer.Option(metavar="县市区", help="例如 大冶市")]
TextWanted = Annotated[
    str | None, typer.Option("--q", metavar="文字", help="在案卷号、企业名称、信用代码中查找")
]


class NotLapsedError(PilotError):
    """There is nothing to wind down while the programme runs."""

    def __init__(self, ends_on: date) -> None:
        """Name its last day."""
        super().__init__(f"试点到 {ends_on} 才期满，没有待收尾的案卷")


@app.command("list", cls=Command)
def list_cases(
    stage: StageWanted = None,
    status: StatusWanted = None,
    batch: BatchWanted = None,
    county: CountyWanted = None,
    text: TextWanted = None,
    wind_down: Annotated[
        bool, typer.Option("--wind-down", help="只看期满失效后仍待收尾的案卷")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """列出案卷。"""
    here = present()
    if wind_down:
        if here.lapse is None:
            raise NotLapsedError(here.moment.programme.ends_on)
        status = CaseStatus.ACTIVE
    with reading() as session:
        rows = _found(
            session, here, stage=stage, status=status, batch=batch, county=county, text=text
        )
    if as_json:
        print_json({**here.heading(), "cases": rows})
        return
    listed = table(
        ("案卷", {"no_wrap": True}),
        "企业",
        "县市区",
        "步骤",
        "办理单位",
        ("截止", {"no_wrap": True}),
    )
    for row in rows:
        is_active = row.status is CaseStatus.ACTIVE
        listed.add_row(
            row.case_no,
            row.enterprise,
            row.county,
            f"{row.stage.label} · {row.step_label}" if is_active else row.status.label,
            row.party,
            Text("暂停计时", style="yellow")
            if row.is_stopped
            else Text(str(row.due_on or ""), style="bold red" if row.is_overdue else ""),
        )
    show(here.note, listed, Text(f"共 {len(rows)} 个案卷", style="dim"))


@app.command("export", cls=Command)
def export_cases(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="文件", help="写到哪里，.xlsx")],
    stage: StageWanted = None,
    status: StatusWanted = None,
    batch: BatchWanted = None,
    county: CountyWanted = None,
    text: TextWanted = None,
    force: Annotated[bool, typer.Option("--force", help="文件已存在时覆盖")] = False,
    as_json: AsJson = False,
) -> None:
    """导出推荐汇总表：每个案卷一行，含企业、项目、等级和补助。"""
    if output.suffix.lower() != ".xlsx":
        raise typer.BadParameter("-o 的文件名应以 .xlsx 结尾")
    # openpyxl takes a third of a second to import: only commands with a workbook need it.
    from tasks.workbooks.case_table import write_case_table

    here = present()
    require_free(output, force=force)
    with reading() as session:
        rows = _found(
            session, here, stage=stage, status=status, batch=batch, county=county, text=text
        )
        records = case_records(session, rows)
    heading = f"截至 {here.today}，共 {len(records)} 个案卷"
    write_case_table(
        output,
        records,
        heading=f"{heading} · {here.note}" if here.note else heading,
        force=force,
    )
    if as_json:
        print_json({**here.heading(), "file": str(output), "cases": len(records)})
        return
    show(here.note, Text(f"✓ 已导出 {len(records)} 个案卷到 {output}", style="green"))


def _found(
    session: Session,
    here: Instance,
    *,
    stage: Stage | None,
    status: CaseStatus | None,
    batch: int | None,
    county: str | None,
    text: str | None,
) -> list[CaseRow]:
    """Return the cases asked for; a batch or a county that does not exist is no empty answer."""
    rows = case_rows(
        session,
        today=here.today,
        stage=stage,
        status=status,
        batch=batch,
        county=county,
        text=text,
    )
    programme = here.moment.programme
    # Cases of a county that the policy has given up are still found.
    if not rows and county is not None and county not in {c.name for c in programme.counties}:
        raise NotInProgrammeError("县市区", county, programme.counties)
    if not rows and batch is not None and batch not in {b.number for b in programme.batches}:
        raise cases.UnknownBatchError(batch)
    return rows


@app.command("show", cls=Command)
def show_case(case_no: CaseNo, as_json: AsJson = False) -> None:
    """显示一个案卷：已知情况和正在等待的事项。"""
    here = present()
    with reading() as session:
        facts = case_facts(session, case_no)
        waiting = open_items(session, today=here.today, case_no=case_no)
        used = used_in_words(session, here.today, case_no)
        days = days_by_role(session, here.today, {case_no}) if as_json else {}
    item = waiting[0] if waiting else None
    if as_json:
        spent = {role.value: count for role, count in days.get(case_no, {}).items()}
        print_json({**here.heading(), "case": facts, "item": item, "working_days": spent})
        return
    title = Text(f"案卷 {facts.case_no}", style="bold cyan")
    title.append(f"  {facts.stage.label} · {facts.status.label}")
    lines = [*facts.lines(), ("已用工作日", used)]
    parts = [title, pairs(lines)]
    if facts.ceiling_explanation:
        parts += [Text("\n补助计算", style="bold"), Text("\n".join(facts.ceiling_explanation))]
    if item is not None:
        parts += [Text("\n正在等待", style="bold"), pairs(item_lines(item))]
    show(here.note, *parts)


def item_lines(item: OpenItem) -> list[tuple[str, str | Text]]:
    """Return titles and texts about an open item."""
    due = Text(str(item.due_on or "未定"))
    due.append("（剩余 ").append(left(item.days_left, is_overdue=item.is_overdue)).append("）")
    if item.stop is not None:
        due = Text(item.stop.words, style="yellow")
    lines: list[tuple[str, str | Text]] = [
        ("事项", f"{item.item_id}"),
        ("步骤", f"{item.stage.label} · {item.step_label}（第 {item.round} 轮）"),
        ("办理单位", f"{item.party}（{item.role.label}）"),
        ("截止", due),
    ]
    if item.reason:
        lines.append(("退回原因", Text(item.reason, style="yellow")))
    return lines


@app.command("history", cls=Command)
def show_history(case_no: CaseNo, as_json: AsJson = False) -> None:
    """显示一个案卷的全部经过（审计记录）。"""
    here = present()
    with reading() as session:
        entries = case_history(session, case_no)
    if as_json:
        print_json({**here.heading(), "case_no": case_no, "entries": entries})
        return
    show(here.note, *(_entry(entry) for entry in entries))


def _entry(entry: HistoryEntry) -> Text:
    text = Text()
    text.append(f"{entry.number:>3}  {instant(entry.at)}  ", style="dim")
    text.append(entry.action, style="bold")
    way = entry.channel.label
    known_by = entry.identity if way in entry.identity else f"{way}：{entry.identity}"
    text.append(f"\n     {entry.party} · {entry.actor}（{known_by}）")
    if entry.then:
        text.append(f" → {entry.then}", style="cyan")
    for title, said in entry.said:
        if title not in ("经办人", "办理结果"):
            text.append(f"\n       {title}：", style="dim").append(said)
    return text


@app.command("open", cls=Command)
def open_case(
    batch: Annotated[int, typer.Option(metavar="批次", help="1 或 2", show_default=False)],
    credit_code: Annotated[str, typer.Option(metavar="代码", help="统一社会信用代码，18 位")],
    name: Annotated[str, typer.Option(metavar="名称", help="企业全称")] = "",
    county: Annotated[str, typer.Option(metavar="县市区", help="例如 大冶市")] = "",
    industry: Annotated[str, typer.Option(metavar="行业", help="例如 高端装备")] = "",
    contact: Annotated[
        str, typer.Option(metavar="姓名", help="企业联系人；填了即为其第一联系人")
    ] = "",
    email: Annotated[str, typer.Option(metavar="邮箱", help="联系人邮箱，通知发到这里")] = "",
    phone: Annotated[str, typer.Option(metavar="电话", help="联系人电话")] = "",
    handler: Annotated[
        str, typer.Option("--as", metavar="姓名", help="市经信局经办人，默认其第一联系人")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """为企业立案。已登记的企业只需信用代码；未登记的须填各项，一并登记。"""
    here = present()
    new = NewParty(
        role=Role.ENTERPRISE,
        name=name,
        credit_code=credit_code,
        county=county,
        industry=industry,
        contact=Person(name=contact, email=email, phone=phone),
    )
    moment = here.moment
    try:
        with transaction() as session:
            bureau = party_for_role(session, Role.CITY_BUREAU)
            actor = person_of(session, bureau, handler)
            enterprise = enterprise_for_case(
                session,
                moment.programme,
                new,
                deed_of(here, bureau, actor, "立案时登记企业及其第一联系人", "三（一）1"),
                at=moment.at,
            )
            case, item = cases.open_case(
                session,
                moment.programme,
                batch,
                enterprise,
                deed_of(here, bureau, actor, "立案", "三（一）1"),
                at=moment.at,
            )
            mails_for_opening(session, case, item, moment.programme, moment.row, moment.at)
    except IntegrityError as error:
        raise CollisionError from error
    with reading() as session:
        opened = open_items(session, today=here.today, case_no=case.case_no)[0]
        outside = window_note(session.get_one(Batch, case.batch_id), here.today)
    if as_json:
        told = {"case_no": case.case_no, "item": opened, "window_note": outside}
        print_json({**here.heading(), **told})
        return
    done = Text(f"✓ 已立案 {case.case_no}：{opened.enterprise}", style="green")
    notes = [Text(f"注意：{outside}（待核）", style="yellow")] if outside else []
    show(here.note, done, *notes, pairs(item_lines(opened)))


@app.command("withdraw", cls=Command)
def withdraw_one(
    case_no: CaseNo,
    reason: Annotated[
        str, typer.Option(metavar="理由", help="为何撤回；记入审计", show_default=False)
    ],
    handler: Annotated[
        str, typer.Option("--as", metavar="姓名", help="企业经办人，默认其第一联系人")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """应企业要求撤回一个案卷。"""
    here = present()
    with reading() as session:
        case = cases.case_numbered(session, case_no)
        enterprise = session.get_one(Party, case.enterprise_id)
        actor = person_of(session, enterprise, handler)
    deed = deed_of(here, enterprise, actor, "撤回申报", "三（一）1")
    withdraw_case(case_no, reason, deed, moment=here.moment)
    if as_json:
        print_json({**here.heading(), "case_no": case_no, "status": CaseStatus.WITHDRAWN})
        return
    show(here.note, Text(f"✓ 案卷 {case_no} 已撤回：{reason}", style="green"))


def person_of(session: Session, party: Party, given: str) -> str:
    """Return the person named, or the party's first contact, or the account where it has none."""
    assert party.id is not None  # noqa: S101 -- read from the database
    known = [person.name for person in contacts_of(session, party.id)]
    if not given:
        return known[0] if known else account()
    if given not in known:
        raise UnknownHandlerError(given, party.name, known)
    return given


def deed_of(here: Instance, party: Party, actor: str, action: str, clause: str) -> Deed:
    """Return a deed done from this command line."""
    way = caller()
    return Deed(
        party=party.name,
        actor=actor,
        identity=way.identity,
        channel=way.channel,
        action=action,
        clause=f"{here.moment.programme.document_no} {clause}",
    )
