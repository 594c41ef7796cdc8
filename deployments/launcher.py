"""`pilot up`: everything on one command, on an empty machine and on one that has run before."""

import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import httpx
from rich.console import Console

from deployments.demonstration.loading import load_demonstration
from deployments.settings import Settings
from deployments.supervisor import Child, answers, supervise
from models.operations.programmes import present_programme, require_programme
from models.tables.mail import machine_now
from models.tables.programme import Heartbeat, ProgrammeRow
from notifications.settings import MailSettings
from notifications.template_check import check_templates
from tasks.clock import trial_note
from tasks.database import engine, reading
from tasks.mail_modes import require_may_start
from tasks.migration import upgrade

#: Signs are given every few seconds; one as old as this is of an earlier process.
_FRESH = timedelta(seconds=8)


def run() -> int:
    """Prepare the database, run every process until told to stop; return the exit status.

    Raises `PilotError` before anything starts where a port, a setting or a mail template is of no
    use.
    """
    settings = Settings.read()
    check_templates()
    settings.home.mkdir(parents=True, exist_ok=True)
    console = Console()
    return supervise(
        children(settings),
        home=settings.home,
        ports={
            "PILOT_PREFECT_PORT": settings.prefect_port,
            "PILOT_MAILBOX_PORT": settings.mailbox_port,
            "PILOT_SMTP_CATCH_PORT": settings.smtp_catch_port,
        },
        # Nothing is touched before it is certain that no other instance works on it.
        prepare=partial(prepare_database, console),
        announce=lambda: announce(console, settings),
    )


def prepare_database(console: Console) -> ProgrammeRow:
    """Bring the database up to date; an empty one gets the demonstration."""
    if upgrade(engine()):
        console.print("数据库已升级到当前版本")
    with reading() as session:
        row = present_programme(session)
    if row is None:
        cases = load_demonstration(engine())
        console.print(f"数据库为空，已载入演示数据（{cases} 家虚构企业）")
        with reading() as session:
            row = present_programme(session)
    assert row is not None  # noqa: S101 -- loaded just now
    with reading() as session:
        require_may_start(session, MailSettings.read())
    return row


def children(settings: Settings) -> list[Child]:
    """Return the processes of one instance; each waits by itself for what it needs."""
    ready: dict[str, tuple[str, Callable[[], bool]]] = {
        "prefect": ("prefect_server", answers(f"{settings.prefect_api_url}/health")),
        "mailbox": ("mailbox_server", answers(f"http://127.0.0.1:{settings.mailbox_port}/health")),
        "clock": ("clock", lambda: has_signed("clock")),
        "worker": ("worker", lambda: has_signed("worker")),
    }
    env = {
        "PILOT_HOME": str(settings.home),
        # Prefect is a thousand modules: without byte code every process reads them slowly.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    return [
        Child(name=name, argv=[sys.executable, "-m", f"deployments.{module}"], env=env, ready=check)
        for name, (module, check) in ready.items()
    ]


def has_signed(part: str) -> bool:
    """Return whether `part` has given a sign of life just now."""
    with reading() as session:
        beat = session.get(Heartbeat, part)
    return beat is not None and machine_now() - beat.beat_at < _FRESH


def announce(console: Console, settings: Settings) -> None:
    """Tell where everything is."""
    with reading() as session:
        row = require_programme(session)
    lines = [
        f"办理页面（Prefect）  {settings.prefect_ui_url}",
        f"看板                 {board_url(settings) or settings.prefect_ui_url + '/artifacts'}",
        f"本机邮箱             http://127.0.0.1:{settings.mailbox_port}",
        f"数据目录             {settings.home}",
    ]
    if note := trial_note(row):
        lines.append(f"注意                 {note}")
    lines.append("按 Ctrl-C 停止")
    console.print(f"\n[bold]{row.name} · 已启动[/bold]")
    # An address must stay in one piece to be clicked or copied.
    console.print("\n".join(lines), soft_wrap=True)


def board_url(settings: Settings) -> str | None:
    """Return the address of the board's page; None while it has not been put up."""
    password = settings.ui_password
    auth = ("pilot", password.get_secret_value()) if password else None
    try:
        response = httpx.post(
            f"{settings.prefect_api_url}/artifacts/filter",
            json={"artifacts": {"key": {"any_": ["board"]}}, "sort": "ID_DESC", "limit": 1},
            auth=auth,
            timeout=2,
            trust_env=False,
        )
    except httpx.HTTPError:
        return None
    if not response.is_success or not response.json():
        return None
    return f"{settings.prefect_ui_url}/v2/artifacts/artifact/{response.json()[0]['id']}"
