"""`pilot audit verify`: whether the audit trail is what was written."""

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command, new_app
from deployments.cli.instance import present
from deployments.cli.output import print_json, show, table
from models.operations.audit import verify
from tasks.database import reading

app = new_app("审计")


# Without a second command Typer would take `verify` for the argument of `audit`.
@app.callback()
def audit() -> None:
    """审计记录的核验。"""


@app.command("verify", cls=Command)
def verify_trail(as_json: AsJson = False) -> None:
    """核验全部审计链和日封；发现改动时退出码为 1。"""
    here = present()
    with reading() as session:
        checked, faults = verify(session)
    if as_json:
        print_json(
            {**here.heading(), "is_intact": not faults, "entries": checked, "faults": faults}
        )
    elif faults:
        listed = table("位置", "问题")
        for fault in faults:
            listed.add_row(fault.where, Text(fault.what, style="red"))
        failed = Text(f"✗ 核验 {checked} 条，发现 {len(faults)} 处问题", style="bold red")
        show(here.note, failed, listed)
    else:
        show(here.note, Text(f"✓ 核验 {checked} 条，全部衔接，未被改动", style="green"))
    if faults:
        raise typer.Exit(1)
