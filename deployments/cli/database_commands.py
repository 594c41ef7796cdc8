"""`pilot db upgrade`, `pilot demo`: make the database what it has to be."""

from datetime import datetime

import typer
from rich.text import Text
from sqlalchemy import Engine, inspect
from sqlmodel import func, select

from deployments.cli import backup_commands
from deployments.cli.commands import AsJson, Command, new_app
from deployments.cli.output import print_json, show
from models.operations import programmes
from models.operations.calendar_days import load_years
from models.policy import load_programme
from models.rules.clock import SHANGHAI
from models.rules.working_days import known_years
from models.tables.case import Case
from models.tables.programme import ProgrammeRow
from tasks.clock import trial_note
from tasks.database import engine, reading, transaction

db = new_app("数据库")


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("demo", cls=Command)(demo)
    backup_commands.register(db)
    app.add_typer(db, name="db")


@db.callback()
def database() -> None:
    """数据库的建立、升级、备份与恢复。"""


@db.command("upgrade", cls=Command)
def upgrade_database(as_json: AsJson = False) -> None:
    """建立或升级数据库；空库装入试点方案（正式数据）；补全工作日历。"""
    from tasks.migration import upgrade  # Alembic, which no other command needs

    has_migrated = upgrade(engine())
    programme = load_programme()
    with transaction() as session:
        before = programmes.present_programme(session)
        row = programmes.load(session, programme, at=datetime.now(SHANGHAI))
        known = [year for year in programme.calendar_years if year in known_years()]
        load_years(session, known)
    if as_json:
        print_json(
            {
                "migrated": has_migrated,
                "programme_loaded": before is None,
                "programme": row.key,
                "is_demonstration": row.is_demonstration,
                "calendar_years": known,
            }
        )
        return
    show(
        trial_note(row),
        Text(f"✓ 数据库{'已升级' if has_migrated else '已是最新'}", style="green"),
        Text(f"✓ {'已装入' if before is None else '已有'}试点方案：{row.name}", style="green"),
        Text(f"✓ 工作日历：{known[0]}—{known[-1]} 年", style="green"),
    )


def demo(as_json: AsJson = False) -> None:
    """在空库中装入演示数据（虚构的八家企业），不启动任何服务。"""
    from deployments.demonstration.loading import load_demonstration
    from tasks.migration import upgrade

    on = engine()
    present = _present(on)
    if present is not None:
        raise programmes.NotEmptyError(is_demonstration=present.is_demonstration)
    upgrade(on)
    load_demonstration(on)
    with reading(on) as session:
        row = programmes.require_programme(session)
        cases = session.exec(select(func.count()).select_from(Case)).one()
    if as_json:
        print_json({"cases": cases, "today": row.demonstration_today})
        return
    loaded = Text(f"✓ 已装入 {cases} 个演示案卷，系统日期 {row.demonstration_today}", style="green")
    show(trial_note(row), loaded, Text("查看：pilot case list、pilot item list"))


def _present(on: Engine) -> ProgrammeRow | None:
    """Return the programme of a database that may not even have tables."""
    if not inspect(on).has_table(ProgrammeRow.__tablename__):
        return None
    with reading(on) as session:
        return programmes.present_programme(session)
