"""`pilot party contact`: who is written to at a party, and who has left it."""

from typing import Annotated

import typer
from rich.text import Text
from sqlmodel import Session

from deployments.cli.commands import Command, new_app, one_of
from deployments.cli.instance import Instance, present
from deployments.cli.output import show
from deployments.cli.party_commands import registering
from models.operations.audit import Deed
from models.operations.contacts import add_contact, contact_left
from models.operations.parties import party_named
from models.operations.registering import Person
from models.rules.stages import Role
from tasks.database import transaction

app = new_app("联系人：增加、修改、离任")

OfRole = Annotated[
    Role, typer.Option("--role", parser=one_of(Role), metavar="角色", help="单位的角色")
]
OfParty = Annotated[str, typer.Option("--party", metavar="名称", help="单位全称")]
Name = Annotated[str, typer.Option(metavar="姓名", help="联系人姓名")]


@app.command("add", cls=Command)
def add(
    role: OfRole,
    party: OfParty,
    name: Name,
    email: Annotated[str, typer.Option(metavar="邮箱", help="联系人邮箱")],
    phone: Annotated[str, typer.Option(metavar="电话", help="联系人电话")] = "",
    first: Annotated[bool, typer.Option("--first", help="设为首要联系人")] = False,
) -> None:
    """增加联系人，或修改同名联系人的邮箱和电话。邮件先发首要联系人，退信再依次发其他人。"""
    here = present()
    person = Person(name=name, email=email, phone=phone)
    with transaction() as session:
        known = add_contact(
            session,
            party_named(session, role, party),
            person,
            _deed(here, session, role, "登记联系人"),
            at=here.moment.at,
            is_first=first,
        )
    changes = "" if known is None else _changes(known, person)
    show(here.note, Text(f"✓ “{party}”的联系人 {name} 已登记{changes}", style="green"))


def _changes(known: Person, given: Person) -> str:
    """Return what an entry has replaced, so that a slip is seen; a phone not given is kept."""
    pairs = (
        ("邮箱", known.email, given.email.strip()),
        ("电话", known.phone, given.phone.strip() or known.phone),
    )
    said = [f"{what} {old or '（空）'} → {new}" for what, old, new in pairs if old != new]
    return f"；原有同名联系人，{'，'.join(said) or '邮箱、电话无变化'}"


@app.command("left", cls=Command)
def left(role: OfRole, party: OfParty, name: Name) -> None:
    """登记联系人离任：不再向其发信，也不再作为经办人。"""
    here = present()
    with transaction() as session:
        contact_left(
            session,
            party_named(session, role, party),
            name,
            _deed(here, session, role, "联系人离任"),
            at=here.moment.at,
        )
    show(here.note, Text(f"✓ “{party}”的联系人 {name} 已登记离任", style="green"))


def _deed(here: Instance, session: Session, role: Role, action: str) -> Deed:
    deed = registering(here, session, role)
    return Deed(**{**vars(deed), "action": action})
