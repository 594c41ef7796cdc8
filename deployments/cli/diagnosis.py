"""What `pilot doctor` finds: what is wrong, in words, and what to do about it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from sqlmodel import Session, col, func, select

from deployments.cli.health import Health
from deployments.settings import Settings
from models.operations.calls import open_calls
from models.operations.documents import store_faults
from models.operations.mail_lists import mail_health
from models.policy import Programme, load_programme
from models.rules.clock import day_of
from models.rules.errors import PilotError
from models.rules.stages import Role
from models.rules.working_days import known_years
from models.tables.mail import machine_now
from models.tables.party import Party
from models.tables.programme import CalendarDay, ProgrammeRow
from notifications.settings import MailSettings
from notifications.template_files import TemplatesRefusedError, own_folder
from tasks.clock import moved_to, programme_now
from tasks.database import reading
from tasks.mail_modes import require_may_start
from tasks.recipients import leading_group

#: The dispatcher looks every few seconds; a mail that waits longer than this is held up.
WAITING_LONG: Final = timedelta(minutes=15)
_NEEDED = (Role.CITY_BUREAU, Role.FINANCE_BUREAU, Role.COUNTY_BUREAU)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to know; a problem has something to do about it, a note only says how it is."""

    is_problem: bool
    what: str
    do: str = ""


def examine(settings: Settings, health: Health) -> list[Finding]:
    """Return everything worth saying, problems first."""
    found = [
        *_ports(settings),
        *_home(settings.home),
        *_templates(),
        *_report_font(),
        *(
            Finding(is_problem=True, what=f"{part.label}：{part.detail}", do=part.remedy)
            for part in health.parts
            if not part.ok
        ),
    ]
    if health.programme is not None:
        with reading() as session:
            found += [*_data(session, health.programme), *_documents(session, settings.home)]
    return sorted(found, key=lambda finding: not finding.is_problem)


def _ports(settings: Settings) -> Iterator[Finding]:
    ports = {
        "PILOT_PREFECT_PORT": settings.prefect_port,
        "PILOT_MAILBOX_PORT": settings.mailbox_port,
        "PILOT_SMTP_CATCH_PORT": settings.smtp_catch_port,
    }
    for port in sorted(set(ports.values())):
        names = [name for name, each in ports.items() if each == port]
        if len(names) > 1:
            said = "、".join(names)
            yield Finding(is_problem=True, what=f"端口 {port} 重复：{said}", do="改成不同的端口")
    for name, port in ports.items():
        if port < 1024 and os.geteuid() != 0:
            yield Finding(
                is_problem=True,
                what=f"端口 {port}（{name}）小于 1024，普通账户不能监听",
                do="改成 1024 以上的端口",
            )


def _home(home: Path) -> Iterator[Finding]:
    # Where the home is still to be made, its nearest parent must be writable.
    place = next(each for each in (home, *home.parents) if each.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        yield Finding(
            is_problem=True,
            what=f"目录 {home} 无法写入",
            do="修改目录权限，或用 PILOT_HOME 指定另一个目录",
        )


def _templates() -> Iterator[Finding]:
    if own_folder() is None:
        return
    from notifications.template_check import check_templates  # Jinja, for those who need it

    try:
        check_templates()
    except TemplatesRefusedError as error:
        yield Finding(
            is_problem=True,
            what="\n  ".join(["邮件模板不可用", *(str(fault) for fault in error.faults)]),
            do="改正，或移走该文件以使用自带的模板（PILOT_TEMPLATE_DIR），再重新启动",
        )


def _report_font() -> Iterator[Finding]:
    # Reading fonts takes its time: for those who need it.
    from tasks.programme_reports.pdf_fonts import chinese_font
    from tasks.programme_reports.refusals import FontError

    instead = "安装中文字体（如 fonts-noto-cjk），或用 PILOT_REPORT_FONT 指定一个字体文件"
    try:
        if chinese_font() is None:
            what = "本机没有中文字体：PDF 报告不带字体，在没有宋体的电脑上会显示为空白"
            yield Finding(is_problem=False, what=what, do=instead)
    except FontError as error:
        yield Finding(is_problem=True, what=str(error), do=instead)


def _data(session: Session, row: ProgrammeRow) -> Iterator[Finding]:
    programme = load_programme(row.key)
    today = day_of(programme_now(row))
    yield from _calendar(session, programme, today)
    yield from _mail_mode(session)
    yield from _mails(session)
    yield from _parties(session)
    above = leading_group(programme)
    if above is not None and not above.email:
        yield Finding(
            is_problem=False,
            what="领导小组没有收件地址，每周简报和逾期较久的清单发给牵头部门，由其转报",
            do="在方案文件 programme.toml 的 leading-group 下填写 bodies.contact 的 email",
        )
    if row.is_demonstration:
        yield Finding(is_problem=False, what="这是演示数据，邮件地址均为虚构")
    if moved := moved_to(row):
        is_set = moved != row.demonstration_today
        yield Finding(
            is_problem=False,
            what=f"系统日期停在 {moved}，所有期限按这一天推算",
            do="正式使用时不要设置 PILOT_TODAY" if is_set else "",
        )
    if programme.version != row.policy_version:
        yield Finding(is_problem=False, what="方案文件在装入之后有改动；在办案卷仍记着立案时的版本")


def _calendar(session: Session, programme: Programme, today: date) -> Iterator[Finding]:
    last = session.exec(select(func.max(CalendarDay.day))).one()
    loaded_until = last.year if last is not None else 0
    for year in sorted({*programme.calendar_years, today.year}):
        if year <= loaded_until:
            continue
        if year in known_years():
            yield Finding(is_problem=True, what=f"日历表缺 {year} 年", do="运行 pilot db upgrade")
        else:
            yield Finding(
                is_problem=True,
                what=f"{year} 年的节假日安排未知，期限落在该年的事项将被拒绝",
                do="节假日公布后用 pilot calendar add 录入，"
                "或升级 chinesecalendar 再运行 pilot db upgrade",
            )


def _documents(session: Session, home: Path) -> Iterator[Finding]:
    store = home / "documents"
    faults = store_faults(session, store, settled_before=machine_now() - WAITING_LONG)
    if faults.missing:
        names = "、".join(f"{each.name}（{each.sha256[:12]}…）" for each in faults.missing[:5])
        more = "等" if len(faults.missing) > 5 else ""
        yield Finding(
            is_problem=True,
            what=f"{len(faults.missing)} 个附件的文件不在 {store} 或大小不符：{names}{more}",
            do="从备份中取回（pilot db restore），或请提交人重新提供",
        )
    if faults.strays:
        yield Finding(
            is_problem=False,
            what=f"{store} 中有 {len(faults.strays)} 个文件不属于任何办理"
            f"（如 {faults.strays[0].relative_to(store)}）",
            do="是提交中途断电或未被受理时留下的，不影响使用，可以删除",
        )


def _mail_mode(session: Session) -> Iterator[Finding]:
    try:
        require_may_start(session, MailSettings.read())
    except PilotError as refusal:
        yield Finding(is_problem=True, what=f"邮件发不出去：{refusal}", do="按上面所说处理")


def _mails(session: Session) -> Iterator[Finding]:
    mail = mail_health(session)
    if mail.failed:
        yield Finding(
            is_problem=True,
            what=f"{mail.failed} 封邮件发送失败",
            do="运行 pilot mail list --state failed 查看原因，并用其他方式通知收件人",
        )
    if waiting := open_calls(session):
        yield Finding(
            is_problem=True,
            what=f"{waiting} 件须电话通知（邮件无人可收）",
            do="运行 pilot mail calls list，打完后 pilot mail calls done 编号 --note 结果",
        )
    if mail.oldest_waiting and machine_now() - mail.oldest_waiting > WAITING_LONG:
        minutes = int((machine_now() - mail.oldest_waiting).total_seconds() // 60)
        yield Finding(
            is_problem=True,
            what=f"{mail.waiting} 封邮件待发送，最久的已等 {minutes} 分钟",
            do="运行 pilot status 确认邮件发送在运行，pilot mail list --state queued 查看",
        )


def _parties(session: Session) -> Iterator[Finding]:
    present = set(session.exec(select(col(Party.role)).distinct()))
    missing = [role.label for role in _NEEDED if role not in present]
    if missing:
        yield Finding(
            is_problem=True,
            what=f"尚未登记{'、'.join(missing)}，案卷到其环节时无法转交",
            do="运行 pilot party add --role …",
        )
