"""Whether mail may go out the way that is set. Does not import Prefect."""

from sqlmodel import Session

from models.operations.mail_checks import (
    DemonstrationMailError,
    ServerNotCheckedError,
    present_check,
)
from models.operations.programmes import present_programme
from notifications.settings import MailMode, MailSettings


def require_may_start(session: Session, settings: MailSettings) -> None:
    """Refuse to send to people what is invented, or by a server that nobody has tried."""
    if settings.mode is not MailMode.LIVE:
        return
    row = present_programme(session)
    if row is not None and row.is_demonstration:
        raise DemonstrationMailError
    server = settings.real_server()
    if present_check(session, server.fingerprint(settings.from_address)) is None:
        raise ServerNotCheckedError(server.name)
