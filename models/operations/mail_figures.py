"""How soon mails reach their server, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from models.rules.clock import SHANGHAI, day_of
from models.rules.mail import MailState
from models.tables.mail import OutboxMail

#: A mail that its server takes within this has been sent at once.
SOON: Final = timedelta(seconds=10)
#: The share of mails that should be sent at once on a healthy server.
AIM: Final = Decimal("0.95")

_MAIL = OutboxMail.metadata.tables["outbox_mail"]
#: From when a mail may go: a mail held for its sending hours is not late before them.
_FROM = func.coalesce(_MAIL.c.held_until, _MAIL.c.entered_at)


@dataclass(frozen=True, kw_only=True)
class DayFigure:
    """The mails queued on one day (in Shanghai, by the machine's clock), as they stand now."""

    day: date
    queued: int
    accepted: int
    #: Accepted within ten seconds of being queued, or of the end of being held.
    soon: int
    failed: int
    #: Waiting, but not for ten seconds yet, or held: nothing can be said of them.
    undecided: int

    @property
    def share(self) -> Decimal | None:
        """The share accepted at once of those that could be, rounded down; None without any."""
        decided = self.queued - self.undecided
        if not decided:
            return None
        return (Decimal(self.soon) / decided).quantize(Decimal("0.0001"), rounding=ROUND_DOWN)


def day_figures(session: Session, *, now: datetime, days: int) -> list[DayFigure]:
    """Return the figures of the last `days` days, the present one first."""
    today = day_of(now)
    return [_figure(session, today - timedelta(days=back), now) for back in range(days)]


def _figure(session: Session, day: date, now: datetime) -> DayFigure:
    begin = datetime.combine(day, time(), SHANGHAI)
    is_sent = _MAIL.c.state == MailState.SENT
    waits = _MAIL.c.state.in_((MailState.QUEUED, MailState.SENDING))
    row = session.execute(
        select(
            func.count(),
            _how_many(is_sent),
            _how_many(is_sent & (_seconds(session) <= SOON.total_seconds())),
            _how_many(_MAIL.c.state == MailState.FAILED),
            _how_many(waits & (now - SOON < _FROM)),
        ).where(
            _MAIL.c.entered_at >= begin,
            _MAIL.c.entered_at < begin + timedelta(days=1),
            _MAIL.c.state != MailState.CANCELLED,
        )
    ).one()
    queued, accepted, soon, failed, undecided = (int(count or 0) for count in row)
    return DayFigure(
        day=day,
        queued=queued,
        accepted=accepted,
        soon=soon,
        failed=failed,
        undecided=undecided,
    )


def _how_many(condition: ColumnElement[bool]) -> Any:
    return func.count().filter(condition)


def _seconds(session: Session) -> Any:
    """Return how long a mail waited to be accepted, as the database counts."""
    if session.connection().dialect.name == "postgresql":
        return func.extract("epoch", _MAIL.c.sent_at - _FROM)
    return func.round((func.julianday(_MAIL.c.sent_at) - func.julianday(_FROM)) * 86400, 3)


def whole_share(figures: Sequence[DayFigure]) -> Decimal | None:
    """Return the share over all of `figures`; None where nothing can be said."""
    if not figures:
        return None
    sums = {
        name: sum(getattr(figure, name) for figure in figures)
        for name in ("queued", "accepted", "soon", "failed", "undecided")
    }
    return DayFigure(day=figures[-1].day, **sums).share
