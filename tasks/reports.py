"""Read delivery reports. It runs in the clock process: this module must not import Prefect."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy.exc import DataError, IntegrityError
from sqlmodel import Session

from models.operations import reports
from models.operations.reports import Reading
from models.tables.mail import machine_now
from notifications.report_sources import ReportSource
from notifications.reports import read_report

_log = logging.getLogger(__name__)


def read_reports(
    transaction: Callable[[], AbstractContextManager[Session]],
    sources: Iterable[ReportSource],
    *,
    now: Callable[[], datetime] = machine_now,
) -> Mapping[Reading, int]:
    """Read what has come in; return how many messages came to what. Raises nothing.

    Each report has its own transaction, and how far a mailbox was read is noted with it: a kill
    anywhere has it read again, which does nothing. A source that cannot be read is tried again
    with the next tick, and holds up no other.
    """
    counts: Counter[Reading] = Counter()
    for source in sources:
        try:
            with source:
                _read(transaction, source, counts, now)
        except Exception as error:  # no tick may end the clock
            # Only its kind: a server's words may name mailboxes.
            _log.warning(
                "退信信箱暂时无法读取，稍后再试（%s：%s）",
                type(source).__name__,
                type(error).__name__,
            )
    return counts


def _read(
    transaction: Callable[[], AbstractContextManager[Session]],
    source: ReportSource,
    counts: Counter[Reading],
    now: Callable[[], datetime],
) -> None:
    after = noted = 0
    if source.cursor is not None:
        with transaction() as session:
            after = noted = reports.position(session, source.cursor)
    for message in source.messages(after):
        after = message.position
        try:
            notice = None if message.raw is None else read_report(message.raw)
        except Exception as error:  # whatever a stranger's message can break holds up no other
            _log.warning("一封来信无法解析，已略过（%s）", type(error).__name__)
            notice = None
        if notice is None:
            counts[Reading.UNRELATED] += 1
            continue
        try:
            with transaction() as session:
                came_to = reports.take_notice(session, notice, now=now())
                if source.cursor is not None:
                    reports.advance(session, source.cursor, after)
        except (DataError, IntegrityError) as error:  # one report's own fault, not the database's
            _log.warning("一封投递报告无法记录，已略过（%s）", type(error).__name__)
            continue
        noted = after
        counts[came_to] += 1
    if source.cursor is not None and after > noted:
        with transaction() as session:
            reports.advance(session, source.cursor, after)
