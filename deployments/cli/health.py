"""Whether each part of an instance answers, asked from outside."""

import base64
import socket
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from deployments.cli.instance import database_exists
from deployments.settings import Settings
from models.operations.programmes import present_programme
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.tables.mail import machine_now
from models.tables.programme import Heartbeat, ProgrammeRow
from tasks.answering import present_moment
from tasks.database import engine, reading
from tasks.sweep_watch import REPORTED_FROM, is_to_be_reported, last_swept_on

#: A part that has not signed for so long is silent (machine time).
SILENT_AFTER: Final = timedelta(seconds=30)
_TIMEOUT_SECONDS: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part: whether it answers, what it said, what to do when it does not."""

    key: str
    label: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Health:
    """All parts, and the programme if the database could be read."""

    parts: tuple[Part, ...]
    programme: ProgrammeRow | None

    @property
    def is_healthy(self) -> bool:
        """Whether all parts answer."""
        return all(part.ok for part in self.parts)


def look(settings: Settings) -> Health:
    """Ask every part."""
    database, programme = _database()
    return Health(
        parts=(
            database,
            _prefect(settings),
            *_signs(database.ok),
            *_sweep(database.ok),
            _mailbox(settings),
        ),
        programme=programme,
    )


def _database() -> tuple[Part, ProgrammeRow | None]:
    key, label = "database", "数据库"
    not_made = "运行 pilot db upgrade（正式）、pilot demo（演示）或 pilot up"

    def part(detail: str, remedy: str = "") -> Part:
        return Part(key=key, label=label, ok=not remedy, detail=detail, remedy=remedy)

    if not database_exists():
        return part("尚未建立", not_made), None
    from tasks.migration import is_pending  # Alembic, which few commands need

    try:
        if is_pending(engine()):
            return part("结构与程序不符", "运行 pilot db upgrade"), None
        with reading() as session:
            programme = present_programme(session)
    except DBAPIError:
        return part("无法访问", "检查 PILOT_DATABASE_URL 或 PILOT_HOME，确认数据库已启动"), None
    except PilotError as error:
        return part(str(error), "改正后重试"), None
    if programme is None:
        return part("尚未装入试点方案", not_made), None
    kind = "演示数据" if programme.is_demonstration else "正式数据"
    name = "PostgreSQL" if engine().dialect.name == "postgresql" else "SQLite"
    return part(f"{name}，{programme.name}（{kind}）"), programme


def _prefect(settings: Settings) -> Part:
    url = settings.prefect_ui_url
    is_ok = answers(f"{settings.prefect_api_url}/health", password(settings))
    taken = not is_ok and is_listening(settings.prefect_port)
    detail = f"{url} {'正常' if is_ok else '端口被其他程序占用' if taken else '无应答'}"
    remedy = "用 PILOT_PREFECT_PORT 换一个端口后重新启动" if taken else "运行 pilot up"
    return Part(
        key="prefect",
        label="Prefect 服务",
        ok=is_ok,
        detail=detail,
        remedy="" if is_ok else remedy,
    )


def _mailbox(settings: Settings) -> Part:
    url = f"http://127.0.0.1:{settings.mailbox_port}"
    shows = answers(f"{url}/health")
    takes = is_listening(settings.smtp_catch_port)
    detail = f"{url} {'正常' if shows else '无应答'}"
    detail += f"，SMTP {settings.smtp_catch_port} {'正常' if takes else '无应答'}"
    return Part(
        key="mailbox",
        label="本机邮箱",
        ok=shows and takes,
        detail=detail,
        remedy="" if shows and takes else "运行 pilot up",
    )


def _signs(can_read: bool) -> Iterator[Part]:
    beats: dict[str, Heartbeat] = {}
    if can_read:
        with reading() as session:
            beats = _heartbeats(session)
    now = machine_now()
    for key, label in (("worker", "流程执行器"), ("clock", "邮件发送与定时")):
        beat = beats.get(key)
        age = now - beat.beat_at if beat else None
        is_ok = age is not None and age <= SILENT_AFTER
        detail = f"{_ago(age)}有心跳" if age is not None else "没有心跳"
        if age is not None and not is_ok:
            detail += f"，已超过 {SILENT_AFTER.seconds} 秒"
        yield Part(
            key=key,
            label=label,
            ok=is_ok,
            detail=detail,
            remedy="" if is_ok else "运行 pilot up；如已在运行，查看 PILOT_HOME 下 log 目录的日志",
        )


def _sweep(can_read: bool) -> Iterator[Part]:
    """Say which day was swept last; nothing where the database cannot be read."""
    if not can_read:
        return
    try:
        moment = present_moment()
    except PilotError as error:  # a policy file that cannot be used, say
        yield Part(key="sweep", label="每日巡检", ok=False, detail=str(error), remedy="改正后重试")
        return
    last, today = last_swept_on(), day_of(moment.at)
    is_ok = not is_to_be_reported(moment)
    done = "尚未做过" if last is None else f"上一次是 {last}"
    yield Part(
        key="sweep",
        label="每日巡检",
        ok=is_ok,
        detail="今日已完成" if last == today else f"今日尚未完成，{done}",
        remedy=""
        if is_ok
        else f"今日应在 {REPORTED_FROM:%H:%M} 前完成；确认 Prefect 和流程执行器在运行，"
        "它们会补做，也可在办理页面运行“每日巡检”",
    )


def _heartbeats(session: Session) -> dict[str, Heartbeat]:
    return {beat.part: beat for beat in session.exec(select(Heartbeat))}


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    if seconds < 120:
        return f"{seconds} 秒前"
    return f"{seconds // 60} 分钟前" if seconds < 7200 else f"{seconds // 3600} 小时前"


def password(settings: Settings) -> str | None:
    """Return the user and password under which Prefect is asked, if it has one."""
    if settings.ui_password is None:
        return None
    return f"pilot:{settings.ui_password.get_secret_value()}"


def answers(url: str, credentials: str | None = None) -> bool:
    """Return whether `url`, on this machine, answers with 200."""
    request = urllib.request.Request(url)  # noqa: S310 -- our own http addresses
    if credentials is not None:
        token = base64.b64encode(credentials.encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    # A proxy set for the outside must not be asked about this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return bool(response.status == 200)
    except (OSError, ValueError):
        return False


def is_listening(port: int) -> bool:
    """Return whether anything on this machine takes connections at `port`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS):
            return True
    except OSError:
        return False
