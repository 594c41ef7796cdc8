"""`pilot drill mail`: make failures on purpose, on scratch, and see that nothing is lost."""

from dataclasses import asdict
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.text import Text
from sqlalchemy import URL

from deployments.cli.commands import AsJson, Command, new_app
from deployments.cli.output import pairs, print_json, show
from tasks.database import DatabaseSettings

app = new_app("故障演练：在临时数据库中进行，不触及正式数据")


# Without a second command Typer would take `mail` for the argument of `drill`.
@app.callback()
def drill() -> None:
    """故障演练：在临时数据库中进行，不触及正式数据。"""


@app.command("mail", cls=Command)
def drill_mail(
    database_url: Annotated[
        str | None,
        typer.Option(
            metavar="地址", help="在该 PostgreSQL 服务器上另建临时库演练；不给则用 SQLite"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="整数", help="同一数字，同样的故障")] = 1,
    as_json: AsJson = False,
) -> None:
    """200 封邮件，服务器屡出故障，发送进程被杀 50 次：一封不丢，重发可辨。"""
    from deployments.drill.mail import run  # only this command forks

    verdict = run(_server(database_url), seed)
    if as_json:
        print_json({**asdict(verdict), "seconds": f"{verdict.seconds}"})
    else:
        style = "green" if verdict.is_passed else "bold red"
        mark = "✓ 演练通过" if verdict.is_passed else "✗ 演练未通过"
        lines = [
            ("邮件", f"{verdict.queued} 封，尝试 {verdict.tries} 次"),
            ("送达", str(verdict.sent)),
            ("丢失", str(verdict.lost)),
            ("重复", f"{verdict.repeated}（同一 Message-ID，均因杀在服务器接收与记录之间）"),
            ("无法解释的重复", str(verdict.unexplained)),
            ("被服务器拒收", f"{verdict.refused}（已注明原因）"),
            ("杀死发送进程", f"{verdict.kills} 次"),
            ("用时", f"{verdict.seconds} 秒（{verdict.database}，种子 {verdict.seed}）"),
        ]
        show(None, Text(mark, style=style), pairs(lines), *map(Text, verdict.repeats))
    if not verdict.is_passed:
        raise typer.Exit(1)


def _server(address: str | None) -> URL | None:
    if address is None:
        return None
    url = DatabaseSettings(database_url=SecretStr(address)).url()
    if url.get_backend_name() != "postgresql":
        raise typer.BadParameter("只接受 PostgreSQL 的地址；不给 --database-url 则用 SQLite")
    return url
