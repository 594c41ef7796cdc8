"""A row for each day on which a milestone stood otherwise than on the day before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from models.operations.milestones.progress import MilestoneProgress
from models.operations.register_trail import hold_register
from models.rules.milestones import MilestoneState
from models.tables.milestone import MilestoneDay

_Newer = aliased(MilestoneDay)
_UNTIL: Any = bindparam("until")
_LAST = select(MilestoneDay).where(
    col(MilestoneDay.day)
    == select(func.max(_Newer.day))
    .where(col(_Newer.key) == col(MilestoneDay.key), col(_Newer.day) <= _UNTIL)
    .scalar_subquery()
)


@dataclass(frozen=True, kw_only=True)
class MilestoneChange:
    """A milestone whose state is another than when it was last looked at on an earlier day."""

    key: str
    before: MilestoneState
    after: MilestoneState


def note_day(
    session: Session, standings: Sequence[MilestoneProgress], today: date
) -> list[MilestoneChange]:
    """Write down how each milestone stands today, where that differs from its last row.

    A second look on the same day mends the day's row. Returns whose state has changed since the
    last day before today: the same for every look of the day.
    """
    # Two sweeps at once: the second one waits here, and then finds the rows of the first.
    hold_register(session)
    last = {row.key: row for row in _last_rows(session, today)}
    earlier = {row.key: row for row in _last_rows(session, today, is_before=True)}
    changes = []
    for each in standings:
        row = last.get(each.key)
        now = (each.value, each.target, each.state, each.done_on)
        if row is None or (row.value, row.target, row.state, row.done_on) != now:
            session.merge(
                MilestoneDay(
                    key=each.key,
                    day=today,
                    value=each.value,
                    target=each.target,
                    state=each.state,
                    done_on=each.done_on,
                )
            )
        before = earlier.get(each.key)
        if before is not None and before.state is not each.state:
            changes.append(MilestoneChange(key=each.key, before=before.state, after=each.state))
    session.flush()
    return changes


def milestone_days(session: Session, key: str) -> Sequence[MilestoneDay]:
    """Return the days on which the milestone stood otherwise than before, the earliest first."""
    return session.exec(
        select(MilestoneDay).where(MilestoneDay.key == key).order_by(col(MilestoneDay.day))
    ).all()


def _last_rows(session: Session, today: date, *, is_before: bool = False) -> Sequence[MilestoneDay]:
    """Return the last row of each milestone up to `today`, or before it."""
    until = today - timedelta(days=is_before)
    return session.exec(_LAST, params={"until": until}).all()
