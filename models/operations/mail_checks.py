"""Which mail servers have been found willing, and whether mail may go out to people."""

from datetime import datetime

from sqlmodel import Session

from models.rules.errors import PilotError
from models.tables.mail import MailServerCheck


class ServerNotCheckedError(PilotError):
    """Mode live is set for a server that nobody has tried with these settings."""

    def __init__(self, server: str) -> None:
        """Name the server."""
        self.server = server
        super().__init__(
            "正式发送（PILOT_MAIL_MODE=live）之前，"
            f"须先用 pilot doctor --smtp 检验发信服务器 {server}"
            "（更改服务器、端口、加密方式、登录名或发件地址后须重新检验）"
        )


class DemonstrationMailError(PilotError):
    """The people of a demonstration are invented: mail to them must not leave."""

    def __init__(self) -> None:
        """Say what to do instead."""
        super().__init__(
            "演示数据的收件人均为虚构，不能正式发送；"
            "请用 PILOT_MAIL_MODE=catch，或用 allowlist 试发给自己"
        )


def record_check(
    session: Session, *, fingerprint: str, server: str, checked_by: str, at: datetime
) -> None:
    """Note that the server has been tried and found willing."""
    check = MailServerCheck(
        fingerprint=fingerprint, server=server, checked_at=at, checked_by=checked_by
    )
    session.merge(check)
    session.flush()


def present_check(session: Session, fingerprint: str) -> MailServerCheck | None:
    """Return the last successful check of that server under those settings, if any."""
    return session.get(MailServerCheck, fingerprint)
