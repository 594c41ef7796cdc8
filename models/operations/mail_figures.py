"""How soon mails reach their server, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, true
from sqlmodel import Session

from models.rules.clock import SHANGHAI, day_of
from models.rules.mail import MailState
from models.tables.mail import OutboxMail
from models.tables.programme import Heartbeat

#: A mail that its server takes within this has been sent at once.
SOON: Final = timedelta(seconds=10)
#: The share of mails that should be sent at once on a healthy server.
AIM: Final = Decimal("0.95")

#: The part of the system that sends mail, and the note of when it first started.
_SENDER: Final = "clock"
_FIRST_START: Final = "clock-first"

_MAIL = OutboxMail.metadata.tables["outbox_mail"]
#: From when a mail may go: a mail held for its sending hours is not late before them.
_FROM = func.coalesce(_MAIL.c.held_until, _MAIL.c.entered_at)


@dataclass(frozen=True, kw_only=True)
class DayFigure:
    """The mails queued on one day (in Shanghai, by the machine's clock), as they stand now.

    Only those since the sending of mail was first started on this database count, all of them:
    also those that waited for hours because it stood still later.
    """

    day: date
    #: Queued before that first start, in a demonstration that was loaded, say. In no other figure.
    before_start: int = 0
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


def note_first_start(session: Session, at: datetime) -> None:
    """Note that the sending of mail starts, before its first sign of life; later starts are none.

    A database whose mails were sent before this was noted gets no note: all its mails count.
    """
    if session.get(Heartbeat, _SENDER) is None and session.get(Heartbeat, _FIRST_START) is None:
        session.add(Heartbeat(part=_FIRST_START, beat_at=at))


def _counted_from(session: Session, now: datetime) -> datetime | None:
    """Return the first start; None where it is not known, `now` where there was none yet."""
    noted = session.get(Heartbeat, _FIRST_START)
    if noted is not None:
        return noted.beat_at
    return None if session.get(Heartbeat, _SENDER) else now


def day_figures(session: Session, *, now: datetime, days: int) -> list[DayFigure]:
    """Return the figures of the last `days` days, the present one first."""
    today = day_of(now)
    start = _counted_from(session, now)
    return [_figure(session, today - timedelta(days=back), now, start) for back in range(days)]


def _figure(session: Session, day: date, now: datetime, start: datetime | None) -> DayFigure:
    begin = datetime.combine(day, time(), SHANGHAI)
    counts = true() if start is None else _MAIL.c.entered_at >= start
    is_sent = _MAIL.c.state == MailState.SENT
    waits = _MAIL.c.state.in_((MailState.QUEUED, MailState.SENDING))
    row = session.execute(
        select(
            _how_many(~counts),
            _how_many(counts),
            _how_many(counts & is_sent),
            _how_many(counts & is_sent & (_seconds(session) <= SOON.total_seconds())),
            _how_many(counts & (_MAIL.c.state == MailState.FAILED)),
            _how_many(counts & waits & (now - SOON < _FROM)),
        ).where(
            _MAIL.c.entered_at >= begin,
            _MAIL.c.entered_at < begin + timedelta(days=1),
            _MAIL.c.state != MailState.CANCELLED,
        )
    ).one()
    before_start, queued, accepted, soon, failed, undecided = (int(count or 0) for count in row)
    return DayFigure(
        day=day,
        before_start=before_start,
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
