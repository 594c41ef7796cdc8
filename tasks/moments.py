"""Moments of the calendar. The clock process imports this: no Prefect here."""

from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import select

from models.operations.milestones import moments
from models.policy import Programme
from models.rules.clock import day_of
from models.rules.moments import MomentKind, kind_and_subject
from models.tables.programme import Batch
from tasks.answering import Moment, present_moment
from tasks.calendar_mails import mails_for_opening_window
from tasks.database import reading, transaction


@dataclass(frozen=True, kw_only=True)
class Handled:
    """One moment that was dealt with now, and how many mails it queued."""

    words: str
    mails: int


def note_moments(on: Engine | None = None) -> int:
    """Write down the moments that have come by now, missed ones too; return how many."""
    now = present_moment(on)
    today = day_of(now.at)
    with reading(on) as session:
        if not moments.has_come(session, now.programme, today):
            return 0
    with transaction(on) as session:
        return moments.note_come(session, now.programme, today, now.at)


def are_moments_waiting(on: Engine | None = None) -> bool:
    """Return whether a moment has come and has not been dealt with."""
    with reading(on) as session:
        return bool(moments.undone(session))


def handle_moments(moment: Moment, on: Engine | None = None) -> list[Handled]:
    """Deal with every moment that has come, each in its own transaction; twice does nothing."""
    with reading(on) as session:
        waiting = [row.key for row in moments.undone(session)]
    handled = []
    for key in waiting:
        with transaction(on) as session:
            row = moments.hold(session, key)
            if row is None:
                continue
            kind, subject = kind_and_subject(key)
            if kind is MomentKind.APPLICATIONS_OPEN:
                batch = session.exec(
                    select(Batch).where(
                        Batch.programme_key == moment.programme.key, Batch.number == int(subject)
                    )
                ).one()
                # After an outage longer than the window there is nothing left to apply for.
                if day_of(moment.at) <= batch.applications_close_on:
                    row.mails = mails_for_opening_window(session, moment, batch)
            row.done_at = moment.at
            session.add(row)
            words = f"{row.due_on} {_subject(moment.programme, kind, subject)}{kind.label}"
            handled.append(Handled(words=words, mails=row.mails))
    return handled


def _subject(programme: Programme, kind: MomentKind, subject: str) -> str:
    if kind in (MomentKind.MILESTONE_OPEN, MomentKind.MILESTONE_ENDED):
        return f"“{programme.progress[subject].short}”"
    return programme.batch(int(subject)).name
