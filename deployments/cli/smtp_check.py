"""`pilot doctor --smtp`: whether the mail server takes us, found out without sending anything."""

from rich.text import Text

from deployments.cli.instance import account, database_exists
from deployments.cli.output import instant, print_json, show
from models.operations.mail_checks import record_check
from models.operations.programmes import NoProgrammeError
from models.rules.errors import PilotError
from models.rules.mail import Attempt, MailOutcome
from models.tables.mail import machine_now
from notifications.settings import MailSettings
from tasks.database import transaction


class ServerUnwillingError(PilotError):
    """The mail server was not found willing."""

    try_again = True

    def __init__(self, attempt: Attempt) -> None:
        """Say where it failed, and what the server said."""
        self.attempt = attempt
        said = f"；服务器原话：{attempt.detail}" if attempt.detail else ""
        super().__init__(f"发信服务器检验未通过：{attempt.reason}{said}")


def check_smtp(*, as_json: bool) -> None:
    """Connect, log in, name the sender, send nothing; record the success."""
    from notifications.smtp import Sender  # yagmail, which no other command needs

    if not database_exists():
        raise NoProgrammeError
    settings = MailSettings.read()
    server = settings.real_server()
    attempt = Sender(settings, server).try_out()
    if attempt.outcome is not MailOutcome.ACCEPTED:
        raise ServerUnwillingError(attempt)
    at = machine_now()
    with transaction() as session:
        record_check(
            session,
            fingerprint=server.fingerprint(settings.from_address),
            server=server.name,
            checked_by=account(),
            at=at,
        )
    found = {
        "ok": True,
        "server": server.name,
        "security": server.security,
        "user": server.user,
        "from_address": settings.from_address,
        "mail_mode": settings.mode,
        "checked_at": at,
        "detail": attempt.detail,
    }
    if as_json:
        print_json(found)
        return
    login = f"已登录（{server.user}）" if server.user else "不登录"
    show(
        None,
        Text(f"✓ 发信服务器 {server.name} 可以使用", style="green"),
        Text(f"加密方式 {server.security.label}，{login}，发件地址 {settings.from_address}"),
        Text(f"已记录（{instant(at)}）；现用邮件方式：{settings.mode.label}，本次未发出任何邮件"),
    )
