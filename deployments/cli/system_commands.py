"""`pilot up`, `pilot status`, `pilot doctor`: the instance as a whole."""

from typing import Annotated

import typer
from rich.text import Text

from deployments.cli.commands import AsJson, Command
from deployments.cli.diagnosis import Finding, examine
from deployments.cli.health import Health, Part, look
from deployments.cli.mail_delivery import BEFORE_START, figure_document, percent
from deployments.cli.output import pairs, print_json, show
from deployments.cli.smtp_check import check_smtp
from deployments.settings import Settings
from models.operations.mail_figures import DayFigure, day_figures
from models.policy import load_programme
from models.rules.clock import day_of
from models.tables.mail import machine_now
from notifications.settings import MailMode, MailSettings
from tasks.clock import lapse_note, programme_now, trial_note
from tasks.database import reading


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for name, command in (("up", up), ("status", status), ("doctor", doctor)):
        app.command(name, cls=Command)(command)


def up() -> None:
    """启动全部服务（Prefect、执行器、邮件、本机邮箱）；首次启动装入演示数据。"""
    from deployments.launcher import run  # only this command starts anything

    raise typer.Exit(run())


def status(as_json: AsJson = False) -> None:
    """显示各部分是否正常。"""
    settings = Settings.read()
    health = look(settings)
    mail = MailSettings.read()
    figure = _mail_today(health)
    addresses = {
        "prefect": settings.prefect_ui_url,
        "mailbox": f"http://127.0.0.1:{settings.mailbox_port}",
    }
    if as_json:
        print_json(
            {
                "healthy": health.is_healthy,
                "parts": {part.key: _part(part) for part in health.parts},
                "is_demonstration": health.programme and health.programme.is_demonstration,
                "today": day_of(programme_now(health.programme)),
                "trial_note": trial_note(health.programme),
                "mail_mode": mail.mode,
                "mail_server": _mail_server(mail),
                "mail_today": figure and figure_document(figure),
                "addresses": addresses,
                "home": str(settings.home),
            }
        )
        return
    lines: list[tuple[str, str | Text]] = []
    for part in health.parts:
        mark, style = ("✓", "green") if part.ok else ("✗", "bold red")
        lines.append((part.label, Text(f"{mark} {part.detail}", style=style)))
    lines += [
        ("系统日期", str(day_of(programme_now(health.programme)))),
        *_lapse(health),
        ("邮件方式", f"{mail.mode.label}，{_mail_server(mail)}"),
        ("邮件及时", _in_time(figure)),
        ("办理页面", addresses["prefect"]),
        ("邮箱页面", addresses["mailbox"]),
        ("数据目录", str(settings.home)),
    ]
    show(trial_note(health.programme), _verdict(health), pairs(lines))


def _lapse(health: Health) -> list[tuple[str, str | Text]]:
    """Return the line that says the document has lapsed, where it has."""
    if health.programme is None:
        return []
    programme = load_programme(health.programme.key)
    note = lapse_note(programme, day_of(programme_now(health.programme)))
    return [("文件效力", Text(note, style="yellow"))] if note else []


def _mail_today(health: Health) -> DayFigure | None:
    """Return how soon today's mails went out; None where the database cannot be read."""
    if health.programme is None:
        return None
    with reading() as session:
        [figure] = day_figures(session, now=machine_now(), days=1)
    return figure


def _mail_server(mail: MailSettings) -> str:
    server = mail.mailbox() if mail.mode is MailMode.CATCH else mail.real_server()
    return server.name


def _in_time(figure: DayFigure | None) -> str:
    if figure is None:
        return "今天尚无邮件"
    said = (
        "今天尚无邮件"
        if figure.share is None
        else f"今天 {percent(figure.share)} 在入队后 10 秒内被服务器接收"
        f"（{figure.soon}/{figure.queued - figure.undecided} 封，失败 {figure.failed} 封）"
    )
    if figure.before_start:
        said += f"；{BEFORE_START.format(figure.before_start)}"
    return said


def _part(part: Part) -> dict[str, object]:
    return {"label": part.label, "ok": part.ok, "detail": part.detail}


def _verdict(health: Health) -> Text:
    if health.is_healthy:
        return Text("系统正常", style="bold green")
    broken = "、".join(part.label for part in health.parts if not part.ok)
    return Text(f"系统不正常：{broken}；运行 pilot doctor 查看处理办法", style="bold red")


def doctor(
    smtp: Annotated[
        bool, typer.Option("--smtp", help="只检验发信服务器：连接、加密、登录，不发出任何邮件")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """查找问题，说明怎么处理；没有问题时退出码为 0。"""
    if smtp:
        check_smtp(as_json=as_json)
        return
    settings = Settings.read()
    health = look(settings)
    findings = examine(settings, health)
    problems = [finding for finding in findings if finding.is_problem]
    if as_json:
        print_json({"ok": not problems, "findings": findings})
    else:
        count = len(problems)
        verdict = Text(f"发现 {count} 个问题", style="bold red")
        if not problems:
            verdict = Text("没有发现问题", style="bold green")
        show(trial_note(health.programme), verdict, *(_finding(each) for each in findings))
    if problems:
        raise typer.Exit(1)


def _finding(finding: Finding) -> Text:
    text = Text("✗ " if finding.is_problem else "· ", style="red" if finding.is_problem else "dim")
    text.append(finding.what, style="")
    if finding.do:
        text.append(f"\n  → {finding.do}", style="cyan")
    return text
