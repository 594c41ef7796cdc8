"""`pilot party`: who takes part; register a party; how it came to be registered."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from deployments.cli.commands import AsJson, Command, new_app, one_of
from deployments.cli.instance import Instance, account, caller, present
from deployments.cli.output import instant, print_json, show, table
from models.operations.audit import Deed
from models.operations.register_trail import register_history
from models.operations.registering import NewParty, Person, register_party, registering_clause
from models.rules.choice import Choice
from models.rules.enterprise_size import EnterpriseSize
from models.rules.stages import Role
from models.tables.audit import RegisterEntry
from models.tables.party import Contact, Party
from tasks.answering import CollisionError
from tasks.database import reading, transaction

app = new_app("单位：列表、登记、登记经过")


@app.command("list", cls=Command)
def list_parties(
    role: Annotated[
        Role | None, typer.Option(parser=one_of(Role), metavar="角色", help="服务商、企业 …")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """列出登记的单位及其联系人。"""
    here = present()
    with reading() as session:
        parties = _parties(session, role)
    if as_json:
        rows = [_summary(party, people) for party, people in parties]
        print_json({**here.heading(), "parties": rows})
        return
    listed = table(
        "角色", "名称", "县市区", ("信用代码", {"no_wrap": True}), ("联系人", {"no_wrap": True})
    )
    for party, people in parties:
        name = Text(party.name)
        if party.role is Role.PROVIDER and not party.is_admitted:
            name.append("（未入资源池）", style="yellow")
        contacts = "\n".join(
            f"{person.name} {person.email}{_standing(person)}" for person in people
        )
        listed.add_row(party.role.label, name, party.county, party.credit_code, contacts)
    show(here.note, listed, Text(f"共 {len(parties)} 个单位", style="dim"))


@app.command("add", cls=Command)
def add_party(
    role: Annotated[
        Role, typer.Option(parser=one_of(Role), metavar="角色", help="服务商、市经信局 …")
    ],
    name: Annotated[str, typer.Option(metavar="名称", help="单位全称")],
    contact: Annotated[str, typer.Option(metavar="姓名", help="联系人，即可选的经办人")],
    email: Annotated[str, typer.Option(metavar="邮箱", help="联系人邮箱")],
    phone: Annotated[str, typer.Option(metavar="电话", help="联系人电话")] = "",
    county: Annotated[str, typer.Option(metavar="县市区", help="县市区经信部门和企业必填")] = "",
    industry: Annotated[str, typer.Option(metavar="行业", help="企业必填")] = "",
    credit_code: Annotated[str, typer.Option(metavar="代码", help="企业必填，18 位")] = "",
    capacity: Annotated[
        int | None, typer.Option(metavar="家数", help="服务商同时承接的上限", min=1)
    ] = None,
    admitted: Annotated[
        bool, typer.Option("--admitted/--not-admitted", help="服务商是否在资源池内")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """登记一个单位及其联系人。"""
    here = present()
    new = NewParty(
        role=role,
        name=name,
        contact=Person(name=contact, email=email, phone=phone),
        credit_code=credit_code,
        county=county,
        industry=industry,
        is_admitted=admitted and role is Role.PROVIDER,
        capacity=capacity if role is Role.PROVIDER else None,
    )
    try:
        with transaction() as session:
            party = register_party(
                session,
                here.moment.programme,
                new,
                registering(here, session, role),
                at=here.moment.at,
            )
    except IntegrityError as error:
        raise CollisionError from error
    if as_json:
        with reading() as session:
            [row] = [each for each in _parties(session, role) if each[0].id == party.id]
        print_json({**here.heading(), "party": _summary(*row)})
        return
    show(here.note, Text(f"✓ 已登记{role.label}“{party.name}”，联系人 {contact}", style="green"))


def registering(here: Instance, session: Session, role: Role) -> Deed:
    """Return who registers a party of `role` from here: the account, for the lead bureau."""
    way = caller()
    bureau = session.exec(select(Party.name).where(Party.role == Role.CITY_BUREAU)).first()
    return Deed(
        party=bureau or Role.CITY_BUREAU.label,
        actor=account(),
        identity=way.identity,
        channel=way.channel,
        action=f"登记{role.label}",
        clause=f"{here.moment.programme.document_no} {registering_clause(role)}",
    )


@app.command("history", cls=Command)
def show_history(
    name: Annotated[str, typer.Argument(metavar="名称", help="单位全称", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """显示一个单位的登记经过：何时由谁登记、改了什么。"""
    here = present()
    with reading() as session:
        entries = register_history(session, name)
    changes = [(entry, _changes(entry)) for entry in entries]
    if as_json:
        rows = [
            {
                "number": entry.number,
                "at": entry.at,
                "party": entry.party,
                "actor": entry.actor,
                "identity": entry.identity,
                "channel": entry.channel,
                "action": entry.action,
                "clause": entry.clause,
                "changes": [
                    {"field": field, "before": before, "after": after}
                    for field, before, after in changed
                ],
            }
            for entry, changed in changes
        ]
        print_json({**here.heading(), "name": name, "entries": rows})
        return
    lines = []
    for entry, changed in changes:
        text = Text(f"{entry.number:>4}  {instant(entry.at)}  ", style="dim")
        text.append(entry.action, style="bold")
        text.append(f"\n      {entry.party} · {entry.actor}（{entry.identity}）")
        for field, before, after in changed:
            said = f"{before} → {after}" if before else after
            text.append(f"\n        {field}：", style="dim").append(said)
        lines.append(text)
    show(here.note, *lines)


#: What people call the fields of the register.
_FIELD_NAMES = {
    "role": "角色",
    "name": "名称",
    "credit_code": "统一社会信用代码",
    "county": "所属县市区",
    "industry": "所属行业",
    "is_above_scale": "规上",
    "headcount": "从业人数",
    "revenue": "营业收入",
    "main_business": "主营业务",
    "size": "企业规模",
    "ownership": "企业性质",
    "founded_on": "成立日期",
    "headcount_before": "前一年从业人数",
    "address": "地址",
    "is_admitted": "在资源池内",
    "capacity": "承接上限",
    "contacts": "联系人",
    "milestone": "里程碑",
    "evidence_id": "佐证编号",
    "document": "文件编号",
    "file_name": "佐证材料",
    "done_on": "完成日期",
    "number": "数量",
    "note": "说明",
    "withdrawn_because": "撤销理由",
    "contradiction": "矛盾",
    "reading": "读法",
    "reason": "理由",
    "batches": "批次期限",
    "items": "事项期限",
    "calendar_year": "年份",
    "source": "依据",
    "days_off": "放假",
    "make_up_days": "调休上班",
}


#: Fields that are kept by value and read by label.
_CHOICES: Mapping[str, type[Choice]] = {"role": Role, "size": EnterpriseSize}


def _changes(entry: RegisterEntry) -> list[tuple[str, str, str]]:
    """Return field, before and after of all that is not as it was."""
    before, after = json.loads(entry.before), json.loads(entry.after)
    return [
        (_FIELD_NAMES.get(key, key), _said(key, before.get(key)), _said(key, after.get(key)))
        for key in {**before, **after}
        # A new party is not told all that it is not.
        if before.get(key) != after.get(key) and (before or after[key])
    ]


def _said(key: str, value: Any) -> str:
    match value:
        case None | "" | []:
            return ""
        case str() if key in _CHOICES:
            return _CHOICES[key].read(value).label
        case bool():
            return "是" if value else "否"
        case [str(), *_]:
            return "、".join(value)
        case [{"email": _}, *_]:
            return "；".join(
                f"{person['name']} {person['email']} {person['phone']}".rstrip()
                + ("（已离任）" if person.get("has_left") else "")
                for person in value
            )
        case list():
            return "；".join("，".join(str(each) for each in row.values()) for row in value)
    return str(value)


def _parties(session: Session, role: Role | None) -> list[tuple[Party, list[Contact]]]:
    """Return the parties by role, each with its people, the first contact first."""
    wanted = select(Party).where(Party.role != Role.SYSTEM).order_by(col(Party.id))
    if role is not None:
        wanted = wanted.where(Party.role == role)
    people: dict[int, list[Contact]] = {}
    for person in session.exec(
        select(Contact).order_by(col(Contact.is_primary).desc(), col(Contact.id))
    ):
        people.setdefault(person.party_id, []).append(person)
    order = list(Role)
    parties = sorted(session.exec(wanted), key=lambda party: order.index(party.role))
    return [(party, people.get(party.id or 0, [])) for party in parties]


def _standing(person: Contact) -> str:
    if person.has_left:
        return "（已离任）"
    return "" if person.is_reachable else "（停发）"


def _summary(party: Party, people: list[Contact]) -> dict[str, Any]:
    return {
        "party_id": party.id,
        "role": party.role,
        "name": party.name,
        "credit_code": party.credit_code,
        "county": party.county,
        "industry": party.industry,
        "is_above_scale": party.is_above_scale,
        "size": party.size,
        "ownership": party.ownership,
        "founded_on": party.founded_on,
        "address": party.address,
        "main_business": party.main_business,
        "headcount": party.headcount,
        "headcount_before": party.headcount_before,
        "revenue": party.revenue,
        "is_admitted": party.is_admitted,
        "capacity": party.capacity,
        "contacts": [
            {
                "name": person.name,
                "email": person.email,
                "phone": person.phone,
                "is_primary": person.is_primary,
                "has_left": person.has_left,
                "is_reachable": person.is_reachable,
            }
            for person in people
        ],
    }
